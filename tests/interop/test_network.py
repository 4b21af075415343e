"""CCF's own tools on the ledgers of a network that lost its primary under load."""

import json

import pytest

from tests.interop.environments import Tools
from tests.lab.faults.faults import FaultKind
from tests.lab.faults.run import Plan, Report, run_faults


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A run in which the primary was killed, and another node joined."""
    plan = Plan(
        workspace=tmp_path_factory.mktemp("network"),
        rounds=1,
        kinds=[FaultKind.KILL],
        primary_share=1.0,
        clients=2,
    )
    return run_faults(plan, lambda _: None)


def test_every_nodes_ledger_verifies(report: Report, tools: Tools) -> None:
    (killed,) = report.faults
    leaves = {
        f"n{ledger.stem}": json.loads(tools.answer("audit_ledger.py", ledger))["leaves"]
        for ledger in report.plan.workspace.glob("*/*.ledger")
    }
    assert len(leaves) == report.plan.nodes + 1
    # What the killed primary had alone, and never committed, is in its own files only.
    assert leaves.pop(killed.node)
    longest = max(leaves.values(), key=len)
    for node, each in leaves.items():
        assert each == longest[: len(each)], node
    assert sorted(map(len, leaves.values()))[1] > report.checked.committed
