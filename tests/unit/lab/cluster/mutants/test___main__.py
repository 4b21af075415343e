"""The command that searches for killing seeds."""

import pytest

from tests.lab.cluster.mutants.__main__ import main


def test_a_kill_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["commit what is unsigned"]) == 0
    told = capsys.readouterr().out
    assert "killed commit what is unsigned by seed " in told
    assert "differs" not in told


def test_a_survivor_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "0", "vote again"]) == 1
    told = capsys.readouterr().out
    assert "ALIVE vote again after 0 seeds" in told
    assert '"vote again": None' in told
