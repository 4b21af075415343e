"""The runner: files in, a word for each out, nothing on the standard error."""

from pathlib import Path

import pytest

from tests.lab.scenario.__main__ import main


def test_a_file_that_holds_and_one_that_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("start_node,0\nstate_all\n")
    bad.write_text("start_node,0\nassert_commit_idx,0,7\n")
    assert main(["--seeds", "2", str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert f"ok {good} (2 seeds)" in said.out
    assert f"FAILED {bad} (seed 0) line 2: assert_commit_idx,0,7: found 0" in said.out
    assert '"raft_trace"' not in said.out


def test_a_trace_is_printed_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = tmp_path / "story"
    story.write_text("start_node,0\n")
    assert main(["--trace", "--seeds", "3", str(story)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "cmd" in line]
    assert len(lines) == 1
