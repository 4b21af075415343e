"""Logs become a file, or one sentence says why not."""

from pathlib import Path

import pytest

from ccfpy.base.json import dumps, loads_object
from tests.lab.raft_trace.__main__ import main
from tests.unit.lab.raft_trace.traces import STORY, by_node, steps_of


def _logs(folder: Path) -> list[str]:
    paths = []
    for number, log in enumerate(by_node(steps_of(STORY))):
        path = folder / f"{number}.log"
        path.write_text("".join(f"{dumps(step).decode()}\n" for step in log))
        paths.append(str(path))
    return paths


def test_logs_become_a_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = _logs(tmp_path)
    output = tmp_path / "trace.ndjson"
    assert main([*logs, "--output", str(output)]) == 0
    text = output.read_text()
    assert capsys.readouterr().out == f"{text.count(chr(10))} steps in {output}\n"
    steps = [loads_object(line) for line in text.splitlines()]
    assert steps[0]["cmd_prefix"] == ""
    assert main(logs) == 0
    assert capsys.readouterr().out == text


def test_what_makes_no_trace_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_logs(tmp_path)[1:]) == 1
    assert "whose log is missing" in capsys.readouterr().out
    assert main([str(tmp_path / "nothing")]) == 1
    assert capsys.readouterr().out.startswith("no trace: ")
