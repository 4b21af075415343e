"""The counts that are read from the simulated processor; it runs if it is installed."""

from pathlib import Path

import pytest

from benchmarks.caches import Uncounted, measure, totals
from benchmarks.harness.question import Settings

TOLD = """\
# callgrind format
version: 1
events: Ir Dr Dw I1mr D1mr
fn=(1) step
0 3 1 1 0 0
totals: 300 100 50 7
"""


def test_sums_have_their_names_and_zeros_that_were_left_out() -> None:
    assert totals(TOLD) == {"Ir": 300, "Dr": 100, "Dw": 50, "I1mr": 7, "D1mr": 0}


@pytest.mark.parametrize(
    "told", ["", "events: Ir\n", "events:\ntotals: 1\n", "totals: 1 2\n"]
)
def test_what_has_no_sums_is_no_answer(told: str) -> None:
    with pytest.raises(Uncounted, match="no sums"):
        totals(told)


def test_where_nothing_simulates_it_is_said_what_would(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(measure(Settings())) == []
    assert "apt install valgrind" in capsys.readouterr().out
