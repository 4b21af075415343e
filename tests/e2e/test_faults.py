"""Real nodes lose their primary under load, and lose no committed entry.

Longer runs with every fault: ``python -m tests.lab.faults``.
"""

from pathlib import Path

import pytest

from tests.lab.faults.faults import FaultKind
from tests.lab.faults.namespaces import why_not
from tests.lab.faults.report import render
from tests.lab.faults.run import Plan, Report, Service, run_faults

CUT_OFF = why_not()


def _run(plan: Plan) -> Report:
    said: list[str] = []
    report = run_faults(plan, said.append)
    # pytest prints this if a check below fails
    said.extend(render(report))
    return report


def test_a_killed_primary_is_replaced_and_nothing_is_lost(tmp_path: Path) -> None:
    report = _run(
        Plan(
            workspace=tmp_path,
            rounds=1,
            kinds=[FaultKind.KILL],
            primary_share=1.0,
            clients=4,
        )
    )
    (killed,) = report.faults
    assert killed.was_primary
    assert killed.resumed_s is not None
    assert len(report.views) >= 2
    assert report.checked.committed > 50
    assert report.evidence.copies > report.evidence.chunks


def test_etcds_keys_are_linearizable_although_the_primary_is_killed(
    tmp_path: Path,
) -> None:
    report = _run(
        Plan(
            workspace=tmp_path,
            rounds=1,
            kinds=[FaultKind.KILL],
            primary_share=1.0,
            service=Service.ETCD,
            clients=4,
            election_timeout_ms=500,
        )
    )
    (killed,) = report.faults
    assert killed.resumed_s is not None
    assert len(report.views) >= 2
    assert report.checked.committed > 10
    assert report.checked.reads > 10
    seen = report.witnessed
    assert seen is not None
    assert seen.nodes == seen.watchers == 3
    assert seen.streams > seen.watchers, "the killed node's watcher went on elsewhere"
    assert seen.events >= seen.watchers * report.checked.committed
    assert seen.leases_kept_over >= 1


@pytest.mark.skipif(CUT_OFF is not None, reason=str(CUT_OFF))
def test_partitions_of_both_and_of_one_direction_lose_nothing(tmp_path: Path) -> None:
    kinds = [FaultKind.PARTITION, FaultKind.ONEWAY]
    # With this seed the two rounds are of the two kinds.
    report = _run(Plan(workspace=tmp_path, rounds=2, seed=18, kinds=kinds, clients=4))
    assert {fault.kind for fault in report.faults} == set(kinds)
    assert report.checked.committed > 50
