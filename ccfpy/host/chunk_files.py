"""The chunk files in the writable directory: their names, and who writes them.

Only the name says whether a chunk is complete, committed or provisional. Readers of the
files must see every change, so the directory is synced with each change of a name.

Chunks that are written while a service is recovered may be abandoned. Their names end
in ``.recovery`` until the recovered service opens. A node that starts before then sets
the chunks aside, so that a recovery can begin again from the same files.

The chunk file that entries go to.

Usually the file is new, or one that the last run left open. After a start from a
snapshot it may be a file of an earlier run: then entries are held against what is in
it. As long as they are the same nothing is written; at the first difference the file is
cut and written from there on. That way a node that comes back keeps, byte for byte, the
files it had.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno
from ccfpy.host.chunk_reader import (
    ChunkReaders,
    Positions,
    Reporter,
    read_positions,
    slices,
)
from ccfpy.host.disk import Disk, DiskFile, read_file
from ccfpy.ledger.chunk import HEADER_BYTES, IGNORED_SUFFIX, Chunk, ChunkName, header
from ccfpy.ledger.open_chunk import OpenChunk

_now_ns: Final = time.perf_counter_ns


@dataclass(eq=False)
class ChunkWriter:
    """One such file.

    Attributes:
        chunk: where its entries lie.
        name: what the file is called: until it was found to differ, a file of an
            earlier run keeps the name it had.
        sync_ns: how long the disk took to confirm what was written.
        has_diverged: the file was found to hold something else than what came.
    """

    disk: Disk
    directory: Path
    chunk: OpenChunk
    name: ChunkName
    file: DiskFile
    must_sync: bool
    sync_ns: Histogram

    def __post_init__(self) -> None:
        self.has_diverged = False
        self._is_comparing = False

    def compare(self) -> None:
        """Hold what comes against what is in the file."""
        self._is_comparing = True
        if self.file.size() < HEADER_BYTES:
            self._diverge()

    def append(self, entry: bytes) -> None:
        """Add an entry, or find it there."""
        if self._is_comparing:
            found = self.file.read_at(self.chunk.end, len(entry))
            if found != entry:
                self.has_diverged = bool(found)
                self._diverge()
        if not self._is_comparing:
            self.file.append(entry)
        self.chunk.append(len(entry))

    def append_all(self, entries: Sequence[bytes]) -> bool:
        """Add entries by one write; tell whether that can be done, and thus was."""
        data = b"".join(entries)
        if self._is_comparing or not self.chunk.has_room_for(len(data)):
            return False
        self.file.append(data)
        self.chunk.extend(entries)
        return True

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self.file.flush()

    def settle(self) -> None:
        """Do so, and wait for the disk if the store was asked to."""
        self.file.flush()
        if self.must_sync:
            began = _now_ns()
            self.file.sync()
            self.sync_ns.observe(_now_ns() - began)

    def complete(self) -> tuple[ChunkName, ChunkName]:
        """Close the chunk: its table, then the header that points there, then the name.

        Gives the name the file had and the one it has.
        """
        name, table, head = self.chunk.close()
        if not self._is_complete_already(table, head):
            if self._is_comparing:
                self.has_diverged = True
                self._diverge()
            self.file.append(table)
            self.settle()
            self.file.write_at(0, head)
            self.settle()
        self.file.close()
        before = self.name
        if before != name:
            self._rename(name)
        return before, name

    def keep(self) -> None:
        """Rename a provisional file to its ordinary name."""
        if self.chunk.name.is_recovery:
            self.chunk.name = self.chunk.name.recovered()
            self._rename(self.chunk.name)

    def truncate(self, last: Seqno) -> None:
        """Forget the entries after ``last``."""
        self.chunk.truncate(last)
        self._diverge()

    def read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes]:
        """Return entries, as many as the bound allows but at least one."""
        chunk = self.chunk
        last = min(last, chunk.next_seqno - 1)
        if first > last:
            return []
        positions = Positions(chunk.name.first, chunk.positions, chunk.end)
        return slices(self.file, positions, (first, last), bytes_max)

    def remove(self) -> None:
        """Remove the file, whose entries are all forgotten."""
        self.file.close()
        self.disk.remove(self.directory / str(self.name))

    def close(self) -> None:
        """Flush and close the file."""
        self.file.close()

    def _diverge(self) -> None:
        """Cut the file where its chunk ends, and write from there on.

        The header comes first: it must not point to a table that is gone.
        """
        self._is_comparing = False
        if self.file.size() < HEADER_BYTES:
            self.file.truncate(0)
            self.file.append(header(0))
        else:
            self.file.write_at(0, header(0))
        self.file.flush()
        if self.name != self.chunk.name:
            self._rename(self.chunk.name)
        self.file.truncate(self.chunk.end)

    def _is_complete_already(self, table: bytes, head: bytes) -> bool:
        return (
            self._is_comparing
            and self.file.size() == self.chunk.end + len(table)
            and self.file.read_at(self.chunk.end, len(table)) == table
            and self.file.read_at(0, HEADER_BYTES) == head
        )

    def _rename(self, name: ChunkName) -> None:
        self.disk.rename(self.directory / str(self.name), self.directory / str(name))
        self.name = name
        if self.must_sync:
            self.disk.sync_directory(self.directory)


_SOURCE = "ledger"


@dataclass(frozen=True, slots=True)
class ChunkFiles:
    """A directory's chunk files, by name.

    Attributes:
        readers: told of each change of a name.
        must_sync: the disk confirms each change of a name.
        sync_ns: how long the disk took to confirm entries.
    """

    directory: Path
    disk: Disk
    readers: ChunkReaders
    report: Reporter
    must_sync: bool
    sync_ns: Histogram

    def path(self, name: ChunkName) -> Path:
        """Return the path of a chunk."""
        return self.directory / str(name)

    def parse(self, name: ChunkName) -> Chunk:
        """Read a whole file.

        Raises:
            Malformed: it is no chunk.
            OSError: it cannot be read.
        """
        return Chunk.parse(name, read_file(self.disk, self.path(name)))

    def create(self, chunk: OpenChunk) -> ChunkWriter:
        """Begin a new file; one of that name would be another writer's, or a bug."""
        file = self.disk.create(self.path(chunk.name))
        file.append(header(0))
        # Auditors that read along take a file without its header for a damaged one.
        file.flush()
        if self.must_sync:
            self.disk.sync_directory(self.directory)
        return self._writer(chunk, chunk.name, file)

    def go_on(self, chunk: OpenChunk) -> ChunkWriter:
        """Go on with a file that has its open name, cut to what ``chunk`` says."""
        file = self.disk.open(self.path(chunk.name), is_writable=True)
        file.write_at(0, header(0))
        file.truncate(chunk.end)
        return self._writer(chunk, chunk.name, file)

    def compare(self, name: ChunkName, *, after: Seqno | None = None) -> ChunkWriter:
        """Hold what comes against a file of an earlier run.

        With ``after``, what a complete file has up to there is known to be right.

        Raises:
            Malformed: its positions cannot be read.
        """
        assert not name.is_committed, name
        file = self.disk.open(self.path(name), is_writable=True)
        chunk = OpenChunk(name.first)
        if after is not None:
            found = read_positions(file, self.path(name), name)
            chunk = OpenChunk.reopen(chunk.name, found.offsets, found.end)
            chunk.truncate(after)
        writer = self._writer(chunk, name, file)
        writer.compare()
        return writer

    def _writer(self, chunk: OpenChunk, name: ChunkName, file: DiskFile) -> ChunkWriter:
        return ChunkWriter(
            self.disk,
            self.directory,
            chunk,
            name=name,
            file=file,
            must_sync=self.must_sync,
            sync_ns=self.sync_ns,
        )

    def complete(self, writer: ChunkWriter) -> ChunkName:
        """Finish the file that was written; give the name it has now."""
        before, name = writer.complete()
        self.readers.renamed(before, name)
        return name

    def rename(self, name: ChunkName, to: ChunkName) -> None:
        """Rename a file."""
        self.readers.forget(name)
        self.disk.rename(self.path(name), self.path(to))
        self.readers.renamed(name, to)
        if self.must_sync:
            self.disk.sync_directory(self.directory)

    def remove(self, name: ChunkName) -> None:
        """Remove a file."""
        self.readers.forget(name)
        self.disk.remove(self.path(name))

    def uncommit(self, name: ChunkName, after: Seqno) -> ChunkName:
        """Make a committed file writable: its ledger begins anew after ``after``."""
        self.report.info(
            f"Remove committed suffix from ledger file {name} after init at {after}: "
            f"last_idx {name.last}",
            file=_SOURCE,
        )
        kept = ChunkName(first=name.first, last=name.last)
        self.rename(name, kept)
        return kept

    def ignore(self, name: ChunkName, why: str) -> None:
        """Set a file aside: nobody reads it as part of the ledger any more."""
        self.readers.forget(name)
        path = self.path(name)
        self.disk.rename(path, path.with_name(path.name + IGNORED_SUFFIX))
        self.report.info(f"Ignoring ledger file {name}: {why}", file=_SOURCE)


class Provisional:
    """The chunks of one recovery.

    Attributes:
        recovered_to: the last entry of the service that is recovered; nothing outside
            a recovery.
    """

    def __init__(self, files: ChunkFiles) -> None:
        self.recovered_to: Seqno | None = None
        self._files = files
        self._committed: list[ChunkName] = []

    def begin(self, recovered_to: Seqno | None) -> None:
        """Mark chunks that begin after ``recovered_to`` as provisional."""
        self.recovered_to = recovered_to
        self._committed.clear()

    def has(self, first: Seqno) -> bool:
        """Return whether a chunk that begins with ``first`` is provisional."""
        return self.recovered_to is not None and first > self.recovered_to

    def commit(self, name: ChunkName) -> None:
        """Note a committed chunk of a service that may never open."""
        if name.is_recovery:
            self._committed.append(name)

    def keep(self, complete: Sequence[ChunkName]) -> list[ChunkName]:
        """Rename all chunks to their ordinary names: the recovery is complete.

        Args:
            complete: the chunks that are not committed; renamed ones are given back.
        """
        self.recovered_to = None
        while self._committed:
            self._keep(self._committed[0])
            self._committed.pop(0)
        return [self._keep(name) for name in complete]

    def _keep(self, name: ChunkName) -> ChunkName:
        if name.is_recovery:
            self._files.rename(name, name.recovered())
        return name.recovered()
