"""The few things that a node's stores ask of a disk, and the real one.

What a writer can rely on is said here, because it decides what a crash may leave: what
was appended reaches the operating system at ``flush`` at the latest, which survives the
process; and the disk at ``sync``, which survives the machine. A name survives the
machine once its directory was synced too.

Every operation of a disk may raise ``OSError``; nothing else. Directories are checked
before a node begins, and refused with the key that names them in the configuration.
"""

import os
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.ledger.chunk import PRIVATE_MODE


class DiskFile(Protocol):
    """An open file, appended to and read anywhere."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end; they may stay in memory until ``flush``."""

    def write_at(self, offset: int, data: bytes) -> None:
        """Replace bytes within the file; they may stay in memory until ``flush``."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes, including those just written; fewer at the end of the file."""

    def size(self) -> int:
        """Return the number of bytes, including those just written."""

    def truncate(self, size: int) -> None:
        """Cut the file to ``size`` bytes."""

    def flush(self) -> None:
        """Hand what was written to the operating system."""

    def sync(self) -> None:
        """Wait for the disk to have all of it."""

    def close(self) -> None:
        """Flush and let go of the file."""


class Disk(Protocol):
    """Directories and the files in them."""

    def names(self, directory: Path) -> list[str]:
        """Return the names in a directory, in order."""

    def is_directory(self, path: Path) -> bool:
        """Return whether there is a directory."""

    def make_directory(self, path: Path) -> None:
        """Make a directory, and those it lies in, if they are not there.

        Only its owner may enter it; a directory that is there keeps its mode.
        """

    def create(self, path: Path) -> DiskFile:
        """Make a file that was not there."""

    def open(self, path: Path, *, is_writable: bool = False) -> DiskFile:
        """Open a file that is there."""

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file, and replace the file that had the name."""

    def remove(self, path: Path) -> None:
        """Remove a file."""

    def sync_directory(self, directory: Path) -> None:
        """Wait for the disk to have the names in a directory."""


def read_file(disk: Disk, path: Path) -> bytes:
    """Read the whole of a file."""
    with closing(disk.open(path)) as file:
        return file.read_at(0, file.size())


def write_file(disk: Disk, path: Path, data: bytes, *, must_sync: bool = False) -> None:
    """Write the whole of a file, in place of one of that name.

    Args:
        disk: the disk.
        path: of the file.
        data: its content.
        must_sync: wait for the disk to have it.
    """
    try:
        file = disk.create(path)
    except FileExistsError:
        disk.remove(path)
        file = disk.create(path)
    with closing(file):
        file.append(data)
        if must_sync:
            file.sync()


class RealFile:
    """A file of the operating system."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._is_at_end = False

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        if not self._is_at_end:
            self._file.seek(0, os.SEEK_END)
            self._is_at_end = True
        self._file.write(data)

    def write_at(self, offset: int, data: bytes) -> None:
        """Replace bytes within the file."""
        self._is_at_end = False
        self._file.seek(offset)
        self._file.write(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes."""
        self._is_at_end = False
        self._file.seek(offset)
        return self._file.read(size)

    def size(self) -> int:
        """Count the bytes."""
        self._is_at_end = True
        return self._file.seek(0, os.SEEK_END)

    def truncate(self, size: int) -> None:
        """Cut the file."""
        self._is_at_end = False
        self._file.truncate(size)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        self._file.flush()

    def sync(self) -> None:
        """Wait for the disk."""
        self._file.flush()
        getattr(os, "fdatasync", os.fsync)(self._file.fileno())

    def close(self) -> None:
        """Flush and let go of the file."""
        self._file.close()


class RealDisk:
    """The operating system's files."""

    def names(self, directory: Path) -> list[str]:
        """Return the names in a directory."""
        return sorted(os.listdir(directory))  # noqa: PTH208  # names, not paths

    def is_directory(self, path: Path) -> bool:
        """Return whether there is a directory."""
        return path.is_dir()

    def make_directory(self, path: Path) -> None:
        """Make a directory that only its owner may enter.

        What a ledger and snapshots hold in clear, the public tables and when each was
        written, is the business of no other user of the machine.
        """
        path.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)

    def create(self, path: Path) -> RealFile:
        """Make a file that was not there."""
        return RealFile(path.open("x+b"))

    def open(self, path: Path, *, is_writable: bool = False) -> RealFile:
        """Open a file that is there."""
        return RealFile(path.open("r+b" if is_writable else "rb"))

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file."""
        path.replace(to)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def sync_directory(self, directory: Path) -> None:
        """Wait for the disk to have the names, where a directory can be opened."""
        if not hasattr(os, "O_DIRECTORY"):
            return
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


REAL_DISK: Final = RealDisk()
"""The one that nodes write to."""


def refuse_ledger(disk: Disk, directory: Path) -> None:
    """Refuse a directory that has a ledger, in CCF's words.

    Raises:
        ConfigurationRefused: there is anything in it.
    """
    if disk.is_directory(directory) and disk.names(directory):
        raise ConfigurationRefused(
            f"On start, ledger directory should not exist or be empty ({directory})"
        )


def make_directory(disk: Disk, directory: Path, *, key: str) -> None:
    """Make a directory to be written, unless it is there.

    Args:
        disk: the disk.
        directory: the directory.
        key: what names it in the configuration.

    Raises:
        ConfigurationRefused: it cannot be made.
    """
    try:
        disk.make_directory(directory)
    except OSError as error:
        raise ConfigurationRefused(
            f"cannot create {directory}: {error.strerror}; correct {key}"
        ) from None


def require_directory(disk: Disk, directory: Path, what: str, *, key: str) -> None:
    """Refuse a directory to read from that is none.

    Args:
        disk: the disk.
        directory: the directory.
        what: it holds.
        key: what names it in the configuration.

    Raises:
        ConfigurationRefused: it is none.
    """
    if not disk.is_directory(directory):
        raise ConfigurationRefused(
            f"{directory} read-only {what} is not a directory; correct {key}"
        )
