"""The chunk file that entries go to.

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
from ccfpy.host.chunk_reader import Positions, slices
from ccfpy.host.disk import Disk, DiskFile
from ccfpy.ledger.chunk import HEADER_BYTES, ChunkName, header
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
