"""The command looks, tells what it found, and can be told a story."""

from pathlib import Path

import pytest

from tests.lab.cluster.__main__ import main
from tests.lab.cluster.mutants.catalogue import BY_NAME


@pytest.mark.slow
def test_seeds_that_hold_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--nodes", "--seeds", "1", "--seed", "20", "--acts", "20"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("whole nodes, from seed 20\n1 seeds in ")
    assert "1 had to go on after it, and did" in said


@pytest.mark.slow
def test_a_failure_leaves_its_story(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--nodes", "--seconds", "60", "--seed", "20", "--acts", "5"]
    with BY_NAME["private part in the clear"].applied():
        assert main([*words, "--stories", str(tmp_path)]) == 1
        story = tmp_path / "nodes-20.txt"
        assert main(["--nodes", "--story", str(story)]) == 1
    said = capsys.readouterr().out
    assert "--nodes --seeds 1 --acts 5 --seed 20" in said
    assert len(story.read_text().splitlines()) < 10
    assert main(["--nodes", "--story", str(story)]) == 0
