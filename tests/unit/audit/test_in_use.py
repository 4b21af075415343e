"""A program that writes in a folder is noticed, and two do not repair at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.audit.in_use import InUse, alone_in, writers


def test_a_file_open_for_writing_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "ledger_1"
    path.touch()
    assert writers(tmp_path) == []
    with path.open("rb"):
        assert writers(tmp_path) == []
    with path.open("ab"):
        assert writers(tmp_path) == [os.getpid()]
        assert writers(tmp_path / "elsewhere") == []


def test_another_process_is_seen(tmp_path: Path) -> None:
    script = (
        "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "ledger_1")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert writers(tmp_path) == [process.pid]
        with pytest.raises(InUse, match=str(process.pid)), alone_in(tmp_path):
            pass
        process.kill()


def test_a_machine_without_proc_tells_nothing(tmp_path: Path) -> None:
    with (tmp_path / "ledger_1").open("ab"):
        assert writers(tmp_path, processes=tmp_path / "proc") == []


def test_two_are_not_alone(tmp_path: Path) -> None:
    with (
        alone_in(tmp_path),
        pytest.raises(InUse, match="another process"),
        alone_in(tmp_path),
    ):
        pass
    with alone_in(tmp_path):
        pass


def test_where_folders_cannot_be_locked_nothing_is_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ccfpy.audit.in_use.fcntl", None)
    with pytest.raises(InUse, match="repair a copy on Linux"), alone_in(tmp_path):
        pass
