"""Files that others poll for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.output_files import PidFileExists, claim_pid_file, write_atomically


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationRefused, match=r"cannot write .*; create its"):
        write_atomically(tmp_path / "nowhere" / "file", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigurationRefused):
        write_atomically(tmp_path / "folder", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_pid_file_is_claimed_once(tmp_path: Path) -> None:
    path = tmp_path / "node.pid"
    claim_pid_file(path)
    assert path.read_text() == str(os.getpid())
    with pytest.raises(PidFileExists) as refused:
        claim_pid_file(path)
    assert str(refused.value) == f"PID file {path} already exists. Exiting."
    assert refused.value.remedy.startswith(f"process {os.getpid()} of {path} runs")


def test_a_pid_file_of_a_process_that_has_ended_is_called_stale(tmp_path: Path) -> None:
    path = tmp_path / "node.pid"
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    path.write_text(f"{ended.pid}\n")
    with pytest.raises(PidFileExists) as refused:
        claim_pid_file(path)
    assert refused.value.remedy == (
        f"{path} is stale, since process {ended.pid} has ended: remove the file"
    )
    assert path.read_text() == f"{ended.pid}\n"


@pytest.mark.parametrize("content", ["", "node", "12 13"])
def test_a_pid_file_that_names_no_process_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "node.pid"
    path.write_text(content)
    with pytest.raises(PidFileExists) as refused:
        claim_pid_file(path)
    assert refused.value.remedy.startswith(f"{path} names no process: remove the file")
