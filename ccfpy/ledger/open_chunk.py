"""The chunk that entries are being added to: where they lie, and how it closes."""

from collections.abc import Iterable, Sequence
from typing import Self

from ccfpy.base.ids import Seqno
from ccfpy.ledger.chunk import (
    HEADER_BYTES,
    POSITION_MAX,
    ChunkName,
    header,
    positions_table,
)


class OpenChunk:
    """Where the entries of the chunk being written lie.

    The writer appends bytes to a file and tells this; this says what to write when the
    chunk closes and where to cut when entries are rolled back.

    Attributes:
        name: the file's name while the chunk is open.
        end: the offset at which the next entry will lie.
    """

    def __init__(self, first: Seqno, *, is_recovery: bool = False) -> None:
        self.name = ChunkName(first=first, is_recovery=is_recovery)
        self.end = HEADER_BYTES
        self._positions: list[int] = []

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._positions)

    @property
    def next_seqno(self) -> Seqno:
        """The seqno that the next entry will have."""
        return self.name.first + len(self._positions)

    @property
    def positions(self) -> Sequence[int]:
        """Each entry's offset."""
        return self._positions

    def has_room_for(self, entry_bytes: int) -> bool:
        """Return whether one more entry keeps every offset within 32 bits."""
        return self.end + entry_bytes <= POSITION_MAX

    def append(self, entry_bytes: int) -> None:
        """Record that an entry of this size was written at ``end``."""
        assert self.has_room_for(entry_bytes), (self.end, entry_bytes)
        self._positions.append(self.end)
        self.end += entry_bytes

    def extend(self, entries: Iterable[bytes]) -> None:
        """Record that these entries were written at ``end``, back to back."""
        end, note = self.end, self._positions.append
        for entry in entries:
            note(end)
            end += len(entry)
        assert end <= POSITION_MAX, (self.end, end)
        self.end = end

    def truncate(self, last: Seqno) -> int:
        """Forget the entries after ``last``; give the offset to cut the file at."""
        keep = last + 1 - self.name.first
        assert keep >= 0, (last, self.name)
        if keep < len(self._positions):
            self.end = self._positions[keep]
            del self._positions[keep:]
        return self.end

    def close(self) -> tuple[ChunkName, bytes, bytes]:
        """Return the closed file's name, its table, and the header that points to it.

        The table is appended first and the header written last: a crash in between
        leaves an open chunk with some bytes after its last entry.
        """
        assert self._positions, "a chunk without entries cannot be closed"
        name = self.name.completed(self.next_seqno - 1)
        return name, positions_table(self._positions), header(self.end)

    @classmethod
    def reopen(cls, name: ChunkName, positions: Sequence[int], end: int) -> Self:
        """Continue a chunk that was read back (see ``Chunk``)."""
        chunk = cls(name.first, is_recovery=name.is_recovery)
        chunk._positions = list(positions)
        chunk.end = end
        return chunk
