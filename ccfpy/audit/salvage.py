"""The entries of a ledger file, as many as can be found, however damaged it is.

An auditor refuses a file whose structure is broken. To repair a ledger, the entries
before the break are needed. They are found by walking their frames, whatever the header
and the positions table say. The auditor then verifies these entries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

from ccfpy.audit.auditor import ChunkFile
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.ledger.chunk import HEADER_BYTES, Chunk, ChunkDamaged, ChunkName, header
from ccfpy.ledger.frame import entry_end
from ccfpy.ledger.open_chunk import OpenChunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """The whole entries from the beginning of a file.

    Attributes:
        name: what the file is called.
        data: its bytes.
        positions: each entry's offset.
        end: the offset just after the last one.
        trouble: what is wrong with the structure, and at which offset.
    """

    name: ChunkName
    data: bytes
    positions: Sequence[int]
    end: int
    trouble: tuple[str, int] | None

    @classmethod
    def of(cls, name: ChunkName, data: bytes) -> Self:
        """Find what there is; never more entries than a complete file's name says."""
        try:
            chunk = Chunk.parse(name, data)
        except ChunkDamaged as error:
            positions, end = _walk(name, data)
            trouble = str(error), error.position
            return cls(
                name=name, data=data, positions=positions, end=end, trouble=trouble
            )
        return cls(
            name=name,
            data=data,
            positions=chunk.positions,
            end=chunk.end,
            trouble=None,
        )

    @property
    def last(self) -> Seqno:
        """The seqno of the last entry, or just before the first if there is none."""
        return self.name.first + len(self.positions) - 1

    def stop(self, seqno: Seqno) -> int:
        """Return the offset just after an entry; of the one before the first, too."""
        following = seqno + 1 - self.name.first
        assert 0 <= following <= len(self.positions), (seqno, self.name)
        if following < len(self.positions):
            return self.positions[following]
        return self.end if self.positions else HEADER_BYTES

    def complete(self, first: Seqno, last: Seqno) -> tuple[ChunkName, bytes]:
        """Write some of the entries as a complete file of their own."""
        start, stop = self.stop(first - 1), self.stop(last)
        chunk = OpenChunk(first, is_recovery=self.name.is_recovery)
        for seqno in range(first, last + 1):
            chunk.append(self.stop(seqno) - self.stop(seqno - 1))
        name, table, begin = chunk.close()
        return name, b"".join((begin, self.data[start:stop], table))

    def cut(self, last: Seqno) -> tuple[ChunkName, bytes]:
        """Write the file anew, ending with ``last``; it stays open or committed."""
        if self.name.is_open:
            kept = self.data[HEADER_BYTES : self.stop(last)]
            return self.name, header(0) + kept
        name, data = self.complete(self.name.first, last)
        return (name.committed() if self.name.is_committed else name), data

    def file(self, first: Seqno, last: Seqno) -> ChunkFile:
        """Return some of the entries as auditors take them."""
        name, data = self.complete(first, last)
        return ChunkFile(str(name), partial(bytes, data))


def _walk(name: ChunkName, data: bytes) -> tuple[list[int], int]:
    count = None if name.last is None else name.last - name.first + 1
    positions: list[int] = []
    at = HEADER_BYTES
    while count is None or len(positions) < count:
        try:
            following = entry_end(data, at)
        except Malformed:
            break
        if following > len(data):
            break
        positions.append(at)
        at = following
    return positions, at
