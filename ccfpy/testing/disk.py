"""A disk in memory, with everything that can go wrong with one.

The stores that ship run on it (``ccfpy.host.disk.Disk``). Bytes are in one of three
places, as on a real machine: in the writer's buffer until it flushes; in the operating
system until a sync; on the disk. `after_kill` and `after_power_loss` return what is
left of each. Names of files can be lost too: a file that was made or renamed certainly
survives a power loss only once its directory was synced.

One function sees every operation before it happens and may raise the system's errors: a
full disk is ``OSError(errno.ENOSPC)``, and ``Torn`` writes some of the bytes first.
"""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

BUFFER_BYTES = 8192
"""How many bytes a writer buffers before the operating system has them."""


class Operation(StrEnum):
    """What a disk is asked for."""

    NAMES = "names"
    MAKE_DIRECTORY = "make directory"
    CREATE = "create"
    OPEN = "open"
    RENAME = "rename"
    REMOVE = "remove"
    SYNC_DIRECTORY = "sync directory"
    READ = "read"
    WRITE = "write"
    TRUNCATE = "truncate"
    SYNC = "sync"


Fault: TypeAlias = Callable[[Operation, Path], None]
"""Sees an operation before it happens; raises ``OSError`` to make it fail."""
Choice: TypeAlias = Callable[[int], int]
"""Returns a number from 0 to the argument, both included: how much survives."""


class Torn(OSError):
    """A write that fails after some of its bytes.

    Attributes:
        written: how many of them.
    """

    def __init__(self, number: int, *, written: int) -> None:
        super().__init__(number, os.strerror(number))
        self.written = written


class FailAt:
    """Makes one operation fail: the one of that number, counted from 0.

    Attributes:
        count: the operations seen so far.
        has_failed: whether that operation has come.
    """

    def __init__(
        self,
        number: int,
        *,
        error: int = errno.EIO,
        written: int = 0,
        forever: bool = False,
    ) -> None:
        self._number = number
        self._error = error
        self._written = written
        self._forever = forever
        self.count = 0
        self.has_failed = False

    def __call__(self, operation: Operation, path: Path) -> None:
        """Count an operation, and fail when its number has come."""
        del path
        number = self.count
        self.count += 1
        if number == self._number or (self._forever and number > self._number):
            self.has_failed = True
            if operation is Operation.WRITE:
                raise Torn(self._error, written=self._written)
            raise OSError(self._error, os.strerror(self._error))


_Change: TypeAlias = tuple[int, bytes | None]
"""Bytes at an offset, or nothing for a cut there."""


@dataclass(slots=True)
class _Content:
    """A file without its name: what the system has and what the disk has."""

    data: bytearray = field(default_factory=bytearray)
    durable: bytes = b""
    changes: list[_Change] = field(default_factory=list)

    def change(self, change: _Change) -> None:
        _apply(self.data, change)
        self.changes.append(change)

    def sync(self) -> None:
        self.durable = bytes(self.data)
        self.changes.clear()

    def after_power_loss(self, choose: Choice) -> "_Content":
        """Keep what was synced and some later writes, the last of them in part."""
        data = bytearray(self.durable)
        kept = choose(len(self.changes))
        for change in self.changes[:kept]:
            _apply(data, change)
        if kept < len(self.changes):
            offset, written = self.changes[kept]
            if written is not None:
                _apply(data, (offset, written[: choose(len(written))]))
        return _Content(data=data, durable=bytes(data))


def _apply(data: bytearray, change: _Change) -> None:
    offset, written = change
    if written is None:
        del data[offset:]
        return
    data.extend(bytes(max(0, offset - len(data))))
    data[offset : offset + len(written)] = written


class MemoryFile:
    """An open file; see `ccfpy.host.disk.DiskFile`."""

    def __init__(
        self, disk: "MemoryDisk", path: Path, content: _Content, *, is_writable: bool
    ) -> None:
        self._disk = disk
        self._path = path
        self._content = content
        self._is_writable = is_writable
        self._buffer = bytearray()
        self.is_open = True

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._check_writable()
        self._buffer += data
        if len(self._buffer) >= BUFFER_BYTES:
            self.flush()

    def write_at(self, offset: int, data: bytes) -> None:
        """Replace bytes within the file."""
        self._check_writable()
        self.flush()
        self._disk.write(self._path, self._content, offset, data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes."""
        self.flush()
        self._disk.meet_fault(Operation.READ, self._path)
        return bytes(self._content.data[offset : offset + size])

    def size(self) -> int:
        """Count the bytes."""
        self.flush()
        return len(self._content.data)

    def truncate(self, size: int) -> None:
        """Cut the file."""
        self._check_writable()
        self.flush()
        self._disk.meet_fault(Operation.TRUNCATE, self._path)
        self._content.change((size, None))

    def flush(self) -> None:
        """Pass what was written to the operating system."""
        assert self.is_open, f"{self._path} was closed"
        if self._buffer:
            end = len(self._content.data)
            data = bytes(self._buffer)
            self._disk.write(self._path, self._content, end, data)
            self._buffer.clear()

    def sync(self) -> None:
        """Wait for the disk."""
        self.flush()
        self._disk.meet_fault(Operation.SYNC, self._path)
        self._content.sync()

    def close(self) -> None:
        """Flush and close the file, even if the flush fails."""
        if self.is_open:
            try:
                self.flush()
            finally:
                self.is_open = False
                self._disk.open_files.remove(self)

    def _check_writable(self) -> None:
        assert self._is_writable, f"{self._path} was opened for reading"
        assert self.is_open, f"{self._path} was closed"


class MemoryDisk:
    """Directories and files in memory; see `ccfpy.host.disk.Disk`.

    Attributes:
        fault: sees every operation before it happens.
        bytes_max: how much all files may hold; a write beyond it is torn there.
        open_files: the files that are not closed.
    """

    def __init__(
        self, *, fault: Fault | None = None, bytes_max: int | None = None
    ) -> None:
        self.fault = fault
        self.bytes_max = bytes_max
        self.open_files: list[MemoryFile] = []
        self._files: dict[Path, _Content] = {}
        self._durable_files: dict[Path, _Content] = {}
        self._name_changes: list[dict[Path, _Content | None]] = []
        self._directories: set[Path] = set()

    def names(self, directory: Path) -> list[str]:
        """Return the names in a directory."""
        self.meet_fault(Operation.NAMES, directory)
        if directory not in self._directories:
            raise _system_error(errno.ENOENT)
        return sorted(path.name for path in self._files if path.parent == directory)

    def is_directory(self, path: Path) -> bool:
        """Return whether there is a directory."""
        return path in self._directories

    def make_directory(self, path: Path) -> None:
        """Make a directory and its parents."""
        self.meet_fault(Operation.MAKE_DIRECTORY, path)
        self._directories |= {path, *path.parents}

    def create(self, path: Path) -> MemoryFile:
        """Make a file that was not there."""
        self.meet_fault(Operation.CREATE, path)
        if path.parent not in self._directories:
            raise _system_error(errno.ENOENT)
        if path in self._files:
            raise _system_error(errno.EEXIST)
        content = _Content()
        self._name({path: content})
        return self._opened(path, content, is_writable=True)

    def open(self, path: Path, *, is_writable: bool = False) -> MemoryFile:
        """Open a file that is there."""
        self.meet_fault(Operation.OPEN, path)
        return self._opened(path, self._content(path), is_writable=is_writable)

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file."""
        self.meet_fault(Operation.RENAME, path)
        content = self._content(path)
        self._name({path: None, to: content})

    def remove(self, path: Path) -> None:
        """Remove a file."""
        self.meet_fault(Operation.REMOVE, path)
        self._content(path)
        self._name({path: None})

    def sync_directory(self, directory: Path) -> None:
        """Sync the names in a directory."""
        self.meet_fault(Operation.SYNC_DIRECTORY, directory)
        self._durable_files = dict(self._files)
        self._name_changes.clear()

    def content(self, path: Path) -> bytes:
        """Return what the operating system has of a file, past all faults."""
        return bytes(self._content(path).data)

    def put(self, path: Path, data: bytes) -> None:
        """Put a file there, past all faults, as an operator would."""
        self._directories |= set(path.parents)
        content = _Content(data=bytearray(data), durable=data)
        self._files[path] = self._durable_files[path] = content

    def after_kill(self) -> "MemoryDisk":
        """Return the disk as it is after the process was killed: flushed bytes stay."""
        survivor = MemoryDisk(bytes_max=self.bytes_max)
        survivor._directories = set(self._directories)
        for path, content in self._files.items():
            survivor.put(path, bytes(content.data))
        return survivor

    def after_power_loss(self, choose: Choice) -> "MemoryDisk":
        """Return the disk as it is after the machine stopped: synced bytes stay.

        ``choose`` decides how much of the rest survives.
        """
        names = dict(self._durable_files)
        for change in self._name_changes[: choose(len(self._name_changes))]:
            _rename(names, change)
        survivor = MemoryDisk(bytes_max=self.bytes_max)
        survivor._directories = set(self._directories)
        for path, content in names.items():
            survivor.put(path, bytes(content.after_power_loss(choose).data))
        return survivor

    def meet_fault(self, operation: Operation, path: Path) -> None:
        """Show an operation to the fault, which may raise."""
        if self.fault is not None:
            self.fault(operation, path)

    def write(self, path: Path, content: _Content, offset: int, data: bytes) -> None:
        """Write to a file, as far as faults and the disk's size allow."""
        try:
            self.meet_fault(Operation.WRITE, path)
        except Torn as torn:
            if torn.written:
                content.change((offset, data[: torn.written]))
            raise
        grown = max(0, offset + len(data) - len(content.data))
        room = grown if self.bytes_max is None else self.bytes_max - self._bytes()
        if grown > room:
            content.change((offset, data[: len(data) - (grown - max(0, room))]))
            raise _system_error(errno.ENOSPC)
        content.change((offset, data))

    def _bytes(self) -> int:
        return sum(len(content.data) for content in self._files.values())

    def _content(self, path: Path) -> _Content:
        content = self._files.get(path)
        if content is None:
            raise _system_error(errno.ENOENT)
        return content

    def _name(self, change: dict[Path, _Content | None]) -> None:
        _rename(self._files, change)
        self._name_changes.append(change)

    def _opened(
        self, path: Path, content: _Content, *, is_writable: bool
    ) -> MemoryFile:
        file = MemoryFile(self, path, content, is_writable=is_writable)
        self.open_files.append(file)
        return file


def _rename(
    names: dict[Path, _Content], change: Mapping[Path, _Content | None]
) -> None:
    for path, content in change.items():
        if content is None:
            names.pop(path, None)
        else:
            names[path] = content


def _system_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
