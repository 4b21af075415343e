"""A disk that takes its time, and a node's program around it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ccfpy.host.disk import read_file
from ccfpy.testing.disk import MemoryDisk
from tests.lab.faults.slow_disk import SlowDisk, wait_as_told

FOLDER = Path("/ledger")
X, Y = FOLDER / "x", FOLDER / "y"


def test_what_changes_the_disk_waits_and_what_reads_does_not() -> None:
    waits = 0

    def wait() -> None:
        nonlocal waits
        waits += 1

    disk = SlowDisk(MemoryDisk(), wait)
    disk.make_directory(FOLDER)
    file = disk.create(X)
    file.append(b"hello")
    file.write_at(0, b"j")
    assert waits == 1
    file.flush()
    file.sync()
    file.truncate(4)
    file.close()
    assert waits == 4
    disk.rename(X, Y)
    disk.sync_directory(FOLDER)
    assert waits == 6
    assert read_file(disk, Y) == b"jell"
    assert disk.names(FOLDER) == ["y"]
    assert disk.is_directory(FOLDER)
    assert waits == 6
    disk.remove(Y)
    assert waits == 7


def test_a_file_tells_how_long_to_wait_for_as_long_as_it_is_there(
    tmp_path: Path,
) -> None:
    file = tmp_path / "delay_ms"
    for text, least_s in ((None, 0.0), ("", 0.0), ("30", 0.03)):
        if text is not None:
            file.write_text(text)
        before = time.monotonic()
        wait_as_told(file)
        assert time.monotonic() - before >= least_s


@pytest.mark.slow
def test_it_is_a_nodes_program() -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.lab.faults.slow_disk",
            "--delay-ms=1",
            "--version",
        ],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout.startswith(b"CCF host: ")
    assert answer.stderr == b""
