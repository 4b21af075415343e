"""The report says what a reader of results asks for."""

from pathlib import Path

from ccfpy.base.ids import TxId
from tests.lab.consistency import Checked
from tests.lab.faults.etcd_witnesses import Witnessed
from tests.lab.faults.evidence import Evidence
from tests.lab.faults.faults import FaultKind
from tests.lab.faults.report import render
from tests.lab.faults.run import Inflicted, Plan, Report, describe


def test_a_report_counts_what_happened() -> None:
    made = [
        Inflicted(kind=FaultKind.KILL, node="n0", was_primary=True, resumed_s=0.5),
        Inflicted(kind=FaultKind.KILL, node="n1", was_primary=True, resumed_s=1.5),
        Inflicted(kind=FaultKind.STOP, node="n2", was_primary=False),
    ]
    report = Report(
        plan=Plan(workspace=Path(), seed=7, election_timeout_ms=500),
        faults=made,
        checked=Checked(events=9, writes=5, committed=3, invalid=1, unknown=1, reads=2),
        evidence=Evidence(last_signed=TxId(4, 20), writes=[], chunks=2, copies=6),
        ivs=20,
        views=[2, 4],
        longest_pause_s=1.25,
        seconds=30,
        witnessed=Witnessed(
            revisions=40,
            nodes=3,
            watchers=4,
            streams=9,
            events=160,
            leases_ended=5,
            leases_kept_over=2,
        ),
    )
    text = "\n".join(render(report))
    assert "seed 7" in text
    assert "5: 3 committed, 1 invalid, 1 unknown; 2 reads" in text
    assert "2: views 2, 4" in text
    assert "3: 2 kill of the primary, 1 stop of a backup" in text
    assert "resumed after kill of a primary  median 2.00, most 3.00 " in text
    assert "election timeouts of 0.5 s (2 times)" in text
    assert "up to 4.20; 6 copies of 2 committed files are identical; 20 IVs" in text
    assert "3 nodes showed every committed write in the end, at revision 40" in text
    assert "4 watchers were told all of it by 9 streams: 160 events" in text
    assert "5 leases ended in time; 2 times one was kept alive" in text
    assert describe(made[0]) == "kill of n0, the primary: writes resumed after 0.50 s"
