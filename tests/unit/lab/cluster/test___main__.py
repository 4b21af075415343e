"""The command that spends time on fresh seeds."""

from pathlib import Path

import pytest

from tests.lab.cluster.__main__ import main
from tests.lab.cluster.mutants.catalogue import MUTANTS
from tests.lab.cluster.mutants.kills import KILLS


@pytest.mark.slow
def test_seeds_that_hold_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "3", "--seed", "31"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("consensus alone, from seed 31\n3 seeds in ")
    assert told.err == ""


def test_time_ends_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seconds", "0"]) == 0
    assert "1 seeds in " in capsys.readouterr().out


def test_a_failure_leaves_its_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "vote again")
    seed, invariant = KILLS[mutant.name]
    with mutant.applied():
        assert main(["--seed", str(seed), "--stories", str(tmp_path)]) == 1
    assert f"FAILED seed {seed}: {invariant}" in capsys.readouterr().out
    (story,) = tmp_path.iterdir()
    assert story.name == f"seed-{seed}.txt"
    assert invariant in story.read_text()
