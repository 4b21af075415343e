"""The ledger directory: chunk files appended, completed, committed and read back.

What a crash may leave, at any instant: an open chunk whose last entry is torn, or one
that ends in (part of) a positions table no header points to, or a complete chunk that
still has its open name. Readers find every whole entry in each of these, and ``open``
puts them right. A file called ``.committed`` is never written again.

A thief of this directory gets what the host always sees: public tables in the clear,
private ones encrypted, all of it signed.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from ccfpy.base.errors import CcfpyError, ConfigurationRefused, Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import LEDGER_READ_BYTES_MAX
from ccfpy.boundary.effects import LedgerEntry
from ccfpy.host.chunk_reader import ChunkReaders, Positions, slices
from ccfpy.ledger.chunk import (
    IGNORED_SUFFIX,
    Chunk,
    ChunkName,
    OpenChunk,
    header,
)


class LedgerStoreFailed(CcfpyError):
    """The ledger directory could not be written or does not fit what is asked of it."""


class Reporter(Protocol):
    """Where the store says what it found: the host's ``Journal``."""

    def info(self, message: str, *, file: str) -> None:
        """Report something normal."""

    def fail(self, message: str, *, file: str) -> None:
        """Report something wrong that was dealt with."""


class LedgerStore:
    """One node's ledger files.

    Attributes:
        last_seqno: the last entry written.
        committed_seqno: no entry up to here can be truncated.
    """

    def __init__(
        self,
        directory: Path,
        *,
        read_only_directories: Sequence[Path] = (),
        sync_committable: bool = False,
    ) -> None:
        self._directory = directory
        self._read_only = tuple(read_only_directories)
        self._sync_committable = sync_committable
        self._readers = ChunkReaders([directory, *self._read_only])
        self._complete: list[ChunkName] = []
        self._chunk: OpenChunk | None = None
        self._file: BinaryIO | None = None
        self.last_seqno: Seqno = 0
        self.committed_seqno: Seqno = 0

    def create(self) -> None:
        """Make the directory for a new service.

        Raises:
            ConfigurationRefused: there is a ledger already, in CCF's words.
        """
        if self._directory.exists() and any(self._directory.iterdir()):
            raise ConfigurationRefused(
                "On start, ledger directory should not exist or be empty "
                f"({self._directory})"
            )
        self._make_directory()

    def open(self, report: Reporter) -> None:
        """Take up the ledger that is there, after whatever the last writer suffered.

        Files that are not chunks, or damaged and not committed, are set aside with the
        suffix ``.ignored``; torn bytes after the last whole entry are cut off.

        Raises:
            ConfigurationRefused: a read-only directory is none.
        """
        self._make_directory()
        for directory in self._read_only:
            if not directory.is_dir():
                raise ConfigurationRefused(
                    f"{directory} read-only ledger is not a directory; "
                    "correct ledger.read_only_directories"
                )
            for name in _chunk_names(directory):
                if name.is_committed and name.last is not None:
                    self.committed_seqno = max(self.committed_seqno, name.last)
        writable: list[ChunkName] = []
        for name in _chunk_names(self._directory):
            if name.is_committed and name.last is not None:
                self.committed_seqno = max(self.committed_seqno, name.last)
            else:
                writable.append(name)
        self.last_seqno = self.committed_seqno
        for name in sorted(writable, key=lambda chunk: chunk.first):
            self._take_up(name, report)
        report.info(
            f"Recovered ledger entries up to {self.last_seqno}, "
            f"committed to {self.committed_seqno}",
            file="ledger",
        )

    def append(self, first_seqno: Seqno, entries: Sequence[LedgerEntry]) -> None:
        """Append entries, cutting chunks where they say.

        Entries up to a committable one have reached the operating system when this
        returns, and the disk if the store was asked to sync.

        Raises:
            LedgerStoreFailed: they do not follow the last entry, or cannot be written.
        """
        if first_seqno != self.last_seqno + 1:
            raise LedgerStoreFailed(
                f"expected ledger entry {self.last_seqno + 1}, was given {first_seqno}"
            )
        try:
            self._append(entries)
        except OSError as error:
            raise LedgerStoreFailed(
                f"cannot write the ledger in {self._directory}: {error.strerror}"
            ) from error

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        if self._file is not None:
            self._file.flush()

    def commit(self, seqno: Seqno) -> None:
        """Note that entries up to ``seqno`` are final; name the chunks they complete.

        Raises:
            LedgerStoreFailed: they are not written yet, or a file cannot be renamed.
        """
        if seqno > self.last_seqno:
            raise LedgerStoreFailed(
                f"commit of ledger entry {seqno}, but {self.last_seqno} is the last"
            )
        self.committed_seqno = max(self.committed_seqno, seqno)
        while self._complete and (self._complete[0].last or 0) <= self.committed_seqno:
            name = self._complete[0]
            self._rename(name, name.committed())
            self._complete.pop(0)

    def truncate(self, seqno: Seqno) -> None:
        """Forget the entries after ``seqno``.

        Raises:
            LedgerStoreFailed: some of them are committed, or files cannot be cut.
        """
        if seqno < self.committed_seqno:
            raise LedgerStoreFailed(
                f"truncation after {seqno}, but {self.committed_seqno} is committed"
            )
        if seqno >= self.last_seqno:
            return
        try:
            self._truncate(seqno)
        except OSError as error:
            raise LedgerStoreFailed(
                f"cannot truncate the ledger in {self._directory}: {error.strerror}"
            ) from error

    def read(
        self, first: Seqno, last: Seqno, *, bytes_max: int = LEDGER_READ_BYTES_MAX
    ) -> list[bytes] | None:
        """Give entries from ``first`` on, as many up to ``last`` as the bound allows.

        At least one is given however large it is; nothing when the host has none, or
        cannot open the files that hold them.
        """
        if first > last:
            return None
        self.flush()
        try:
            return self._read(first, last, bytes_max)
        except OSError:
            return None

    def read_all(
        self, first: Seqno, last: Seqno, *, bytes_max: int
    ) -> list[bytes] | None:
        """Give the entries from ``first`` to ``last``: all of them, or nothing."""
        entries = self.read(first, last, bytes_max=bytes_max)
        if entries is None or len(entries) != last - first + 1:
            return None
        return entries

    def _read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes] | None:
        entries: list[bytes] = []
        size, seqno = 0, first
        while seqno <= last:
            found = self._read_chunk(seqno, last, bytes_max - size)
            if not found:
                break
            entries += found
            size += sum(map(len, found))
            seqno += len(found)
            if size >= bytes_max:
                break
        return entries or None

    def close(self) -> None:
        """Flush and close all files."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._readers.close()

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationRefused(
                f"cannot create the ledger directory {self._directory}: "
                f"{error.strerror}; correct ledger.directory"
            ) from None

    def _append(self, entries: Sequence[LedgerEntry]) -> None:
        pending: list[bytes] = []
        must_flush = False
        for entry in entries:
            if entry.closes_chunk_before and self._chunk is not None:
                self._write(pending)
                self._complete_chunk()
            chunk = self._chunk or self._begin_chunk()
            size = len(entry.data)
            if not chunk.has_room_for(size):
                raise LedgerStoreFailed(f"ledger chunk {chunk.name} is full")
            chunk.append(size)
            pending.append(entry.data)
            self.last_seqno += 1
            must_flush |= entry.is_committable
            if entry.closes_chunk_after:
                self._write(pending)
                self._complete_chunk()
                must_flush = False
        self._write(pending)
        if must_flush:
            self.flush()
            if self._sync_committable and self._file is not None:
                _sync(self._file)

    def _write(self, pending: list[bytes]) -> None:
        if pending:
            assert self._file is not None, "a chunk was begun for these entries"
            self._file.write(b"".join(pending) if len(pending) > 1 else pending[0])
            pending.clear()

    def _begin_chunk(self) -> OpenChunk:
        chunk = OpenChunk(self.last_seqno + 1)
        # "x": a file of that name would be another writer's, or a bug.
        self._file = (self._directory / str(chunk.name)).open("xb")
        self._file.write(header(0))
        # Auditors that read along take a file without its header for a damaged one.
        self._file.flush()
        self._chunk = chunk
        return chunk

    def _complete_chunk(self) -> None:
        """Close the open chunk: its table, then the header that points there."""
        chunk, file = self._chunk, self._file
        assert chunk is not None, "only an open chunk is completed"
        assert file is not None, "an open chunk has a file"
        if not len(chunk):
            return
        name, table, head = chunk.close()
        file.write(table)
        file.flush()
        if self._sync_committable:
            _sync(file)
        file.seek(0)
        file.write(head)
        file.flush()
        if self._sync_committable:
            _sync(file)
        file.close()
        self._rename(chunk.name, name)
        self._complete.append(name)
        self._chunk = self._file = None

    def _rename(self, name: ChunkName, to: ChunkName) -> None:
        self._readers.forget(name)
        try:
            (self._directory / str(name)).rename(self._directory / str(to))
        except OSError as error:
            raise LedgerStoreFailed(
                f"cannot rename ledger file {name} to {to}: {error.strerror}"
            ) from error

    def _truncate(self, seqno: Seqno) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        if self._chunk is not None:
            if self._chunk.name.first > seqno:
                (self._directory / str(self._chunk.name)).unlink()
                self._chunk = None
            else:
                self._cut(self._chunk, seqno)
        while self._complete and (self._complete[-1].last or 0) > seqno:
            name = self._complete.pop()
            self._readers.forget(name)
            if name.first > seqno:
                (self._directory / str(name)).unlink()
            else:
                self._reopen(name, seqno)
        self.last_seqno = seqno

    def _reopen(self, name: ChunkName, seqno: Seqno) -> None:
        """Make a complete chunk open again, up to ``seqno``."""
        path = self._directory / str(name)
        parsed = Chunk.parse(name, path.read_bytes())
        open_name = ChunkName(first=name.first, is_recovery=name.is_recovery)
        with path.open("r+b") as file:
            file.write(header(0))
        self._rename(name, open_name)
        self._cut(OpenChunk.reopen(open_name, parsed.positions, parsed.end), seqno)

    def _cut(self, chunk: OpenChunk, seqno: Seqno) -> None:
        self._readers.forget(chunk.name)
        end = chunk.truncate(seqno)
        file = (self._directory / str(chunk.name)).open("r+b")
        file.truncate(end)
        file.seek(end)
        self._chunk, self._file = chunk, file

    def _take_up(self, name: ChunkName, report: Reporter) -> None:
        """Continue one file that is not committed; set it aside if that cannot be."""
        if name.last is not None and name.last <= self.committed_seqno:
            self._ignore(name, "it is committed elsewhere", report)
            return
        if name.first != self.last_seqno + 1:
            self._ignore(name, f"it does not follow {self.last_seqno}", report)
            return
        try:
            chunk = Chunk.parse(name, (self._directory / str(name)).read_bytes())
        except Malformed as error:
            report.fail(f"Error reading ledger file {name}: {error}", file="ledger")
            self._ignore(name, "it is damaged", report)
            return
        if self._chunk is not None:
            self._complete_chunk()
        if not len(chunk):
            (self._directory / str(name)).unlink()
            report.fail(f"Removed ledger file {name}", file="ledger")
            return
        if chunk.torn_bytes:
            report.fail(
                f"Malformed incomplete ledger file {name} at seqno {chunk.last + 1} "
                f"(remaining {chunk.torn_bytes})",
                file="ledger",
            )
        self.last_seqno = chunk.last
        if chunk.is_complete:
            complete = name if name.last is not None else name.completed(chunk.last)
            if complete != name:
                self._rename(name, complete)
            self._complete.append(complete)
        else:
            self._cut(
                OpenChunk.reopen(name, chunk.positions, chunk.end), self.last_seqno
            )

    def _ignore(self, name: ChunkName, why: str, report: Reporter) -> None:
        path = self._directory / str(name)
        shutil.move(path, path.with_name(path.name + IGNORED_SUFFIX))
        report.info(f"Ignoring ledger file {name}: {why}", file="ledger")

    def _read_chunk(self, seqno: Seqno, last: Seqno, bytes_max: int) -> list[bytes]:
        chunk = self._chunk
        if chunk is not None and seqno >= chunk.name.first:
            last = min(last, chunk.next_seqno - 1)
            if seqno > last:
                return []
            with (self._directory / str(chunk.name)).open("rb") as file:
                return slices(
                    file,
                    Positions(chunk.name.first, chunk.positions, chunk.end),
                    (seqno, last),
                    bytes_max,
                )
        return self._readers.read(seqno, last, bytes_max)


def _chunk_names(directory: Path) -> list[ChunkName]:
    names: list[ChunkName] = []
    for path in directory.iterdir():
        try:
            names.append(ChunkName.parse(path.name))
        except Malformed:
            continue
    return names


def _sync(file: BinaryIO) -> None:
    getattr(os, "fdatasync", os.fsync)(file.fileno())
