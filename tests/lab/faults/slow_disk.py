"""Runs a node whose disk is slow: what is written takes a while.

``python -m tests.lab.faults.slow_disk --delay-ms 50 [--app APP] NODE-OPTIONS…`` is
``ccfpy node`` except for that. The delay holds up the host as a disk that stalls does.
With ``--delay-file FILE`` the disk is as slow as the file says, while the file exists.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ccfpy.enclave.assembly import build_node
from ccfpy.enclave.in_process import InProcessLink
from ccfpy.host.disk import Disk, DiskFile, RealDisk
from ccfpy.host.main import run


class SlowFile:
    """An open file whose bytes take a while to leave."""

    def __init__(self, file: DiskFile, wait: Callable[[], None]) -> None:
        self._file = file
        self._wait = wait
        self.append = file.append
        self.write_at = file.write_at
        self.read_at = file.read_at
        self.size = file.size
        self.close = file.close

    def truncate(self, size: int) -> None:
        """Cut the file."""
        self._wait()
        self._file.truncate(size)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._wait()
        self._file.flush()

    def sync(self) -> None:
        """Wait for the disk."""
        self._wait()
        self._file.sync()


class SlowDisk:
    """A disk on which every change takes a while; reading does not."""

    def __init__(self, disk: Disk, wait: Callable[[], None]) -> None:
        self._disk = disk
        self._wait = wait
        self.names = disk.names
        self.is_directory = disk.is_directory
        self.make_directory = disk.make_directory

    def create(self, path: Path) -> SlowFile:
        """Make a file that was not there."""
        self._wait()
        return SlowFile(self._disk.create(path), self._wait)

    def open(self, path: Path, *, is_writable: bool = False) -> SlowFile:
        """Open a file that is there."""
        return SlowFile(self._disk.open(path, is_writable=is_writable), self._wait)

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file."""
        self._wait()
        self._disk.rename(path, to)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        self._wait()
        self._disk.remove(path)

    def sync_directory(self, directory: Path) -> None:
        """Wait for the disk to have the names in a directory."""
        self._wait()
        self._disk.sync_directory(directory)


def main(argv: Sequence[str]) -> int:
    """Run a node as the command line says; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.faults.slow_disk",
        description="Run a node whose disk is slow; other options are the node's.",
        allow_abbrev=False,
    )
    delays = parser.add_mutually_exclusive_group(required=True)
    delays.add_argument("--delay-ms", type=int, help="of each write")
    delays.add_argument(
        "--delay-file", type=Path, help="holds the same; without it there is no delay"
    )
    parser.add_argument("--app", default="logging", help="as of `ccfpy node`")
    options, rest = parser.parse_known_args(argv)
    return run(
        options.app,
        rest,
        in_process=lambda app: InProcessLink(lambda: build_node(app)),
        disk=SlowDisk(RealDisk(), _delay(options.delay_ms, options.delay_file)),
    )


def _delay(delay_ms: int | None, file: Path | None) -> Callable[[], None]:
    if file is None:
        assert delay_ms is not None, "one of the two is given"
        return partial(time.sleep, delay_ms / 1000)
    return partial(wait_as_told, file)


def wait_as_told(file: Path) -> None:
    """Wait as many milliseconds as a file says; do not wait if there is no file."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return
    time.sleep(int(text or 0) / 1000)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
