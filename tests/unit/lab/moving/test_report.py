"""The report says what was swapped when, and what became of the writes."""

from pathlib import Path

from ccfpy.base.ids import TxId
from tests.lab.moving.build import Build
from tests.lab.moving.report import HEADING, render, row
from tests.lab.moving.run import Plan, Report, Swap

SWAP = Swap(
    at_s=12.5,
    old="n2 CCF",
    new="n5 ccfpy",
    was_primary=True,
    was_killed=True,
    decided="trigger_ledger_rekey",
    took_s=4.5,
    answered=186,
    worst_gap_s=1.09,
)


def test_a_swap_is_a_line_below_the_heading() -> None:
    line = row(SWAP)
    for words in ("12.5 s", "n2 CCF", "primary", "killed", "n5 ccfpy", "186", "1.09 s"):
        assert words in line
    assert line.index("rekey") > HEADING.index("worst gap")
    assert line.index("n5 ccfpy") == HEADING.index("new node")


def test_a_report_says_what_was_found() -> None:
    report = Report(
        plan=Plan(workspace=Path(), build=Build(folder=Path()), nodes=5),
        version="7.0.0",
        swaps=[SWAP],
        seconds=180,
        answered=100,
        acknowledged=98,
        uncertain=3,
        invalid=2,
        troubles={"500 SessionConsistencyLost: view": 4},
        worst_gap_s=1.25,
        worst_stall_s=0.75,
        last_signed=TxId(4, 20),
        chunks=2,
        copies=6,
    )
    text = "\n".join(render(report))
    assert "5 nodes of CCF 7.0.0 and of ccfpy, 6 clients, 180 s, 1 swaps" in text
    assert "100 answered, 98 acknowledged as committed and all found; 3 without" in text
    assert "of them 2 called invalid" in text
    assert "4 repeated: 500 SessionConsistencyLost" in text
    assert (
        "gap between answers  1.25 s; the machine itself stood still for 0.75" in text
    )
    assert "up to 4.20; 6 copies of 2 committed files are identical" in text
