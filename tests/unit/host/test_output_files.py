"""Files that others poll for."""

import os
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.host.output_files import claim_pid_file, write_atomically


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
    with pytest.raises(ConfigurationRefused, match=r"already exists\. Exiting\."):
        claim_pid_file(path)
