"""Ledger files: what their names mean and how entries lie in them.

A chunk file is a ``u64`` offset, the entries back to back, and, once it is complete, a
table of each entry's offset as a ``u32``, to the end of the file. The leading offset
points to that table; while it is zero the chunk is open and its entries are found by
walking their frames (``src/host/ledger.h``).

Names are pure functions here. Who reads and writes the files is the host.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from ccfpy.base.codec import u64
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.ledger.frame import (
    BODY_BYTES_MIN,
    FRAME_BYTES,
    SEQNO_OFFSET,
    entry_end,
    read_frame,
)

PRIVATE_MODE: Final = 0o700
"""The mode of a folder with a ledger or snapshots."""
HEADER_BYTES: Final = 8
POSITION_BYTES: Final = 4
POSITION_MAX: Final = 0xFFFF_FFFF
"""Offsets are 32 bits wide, which bounds a chunk file to 4 GiB."""
CHUNK_BYTES_DEFAULT = 5_000_000
"""A chunk is closed at the first signature beyond this size (``ledger.chunk_size``)."""

_COMMITTED = ".committed"
_RECOVERY = ".recovery"
IGNORED_SUFFIX = ".ignored"
"""Ends the name of a file that is kept but not part of the ledger."""

_SEQNO = "([1-9][0-9]{0,18})"
_NAME = re.compile(rf"ledger_{_SEQNO}(?:-{_SEQNO}(\.committed)?)?(\.recovery)?")


class ChunkDamaged(Malformed):
    """A chunk file whose structure is broken at a known offset.

    Attributes:
        position: the offset in the file at which it was noticed.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ChunkName:
    """What the name of a chunk file says.

    Attributes:
        first: the seqno of its first entry.
        last: the seqno of its last, or nothing while the chunk is open.
        is_committed: every entry is committed; the file never changes again.
        is_recovery: written during a recovery that may still be abandoned.
    """

    first: Seqno
    last: Seqno | None = None
    is_committed: bool = False
    is_recovery: bool = False

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a file's name (without its folder).

        Raises:
            Malformed: it is not a ledger chunk's name.
        """
        match = _NAME.fullmatch(name)
        if match is None:
            raise Malformed(f"not the name of a ledger chunk: {name!r}")
        first, last = int(match[1]), int(match[2]) if match[2] else None
        if last is not None and last < first:
            raise Malformed(f"a ledger chunk that ends before it begins: {name!r}")
        return cls(
            first=first,
            last=last,
            is_committed=match[3] is not None,
            is_recovery=match[4] is not None,
        )

    def __str__(self) -> str:
        """Return the file's name."""
        end = "" if self.last is None else f"-{self.last}"
        committed = _COMMITTED if self.is_committed else ""
        recovery = _RECOVERY if self.is_recovery else ""
        return f"ledger_{self.first}{end}{committed}{recovery}"

    @property
    def is_open(self) -> bool:
        """Whether entries may still be added."""
        return self.last is None

    def completed(self, last: Seqno) -> Self:
        """Return the name after the chunk is closed at ``last``."""
        assert self.last is None, self
        assert last >= self.first, (self, last)
        return replace(self, last=last)

    def committed(self) -> Self:
        """Return the name after commit reached its last entry."""
        assert self.last is not None, self
        return replace(self, is_committed=True)

    def recovered(self) -> Self:
        """Return the name once the recovery that wrote the chunk is complete."""
        return replace(self, is_recovery=False)


def is_chunk_name(name: str) -> bool:
    """Return whether a file of this name belongs to a ledger."""
    return _NAME.fullmatch(name) is not None


def header(table_offset: int) -> bytes:
    """Write a chunk's first bytes; a ``table_offset`` of zero says it is open."""
    return u64(table_offset)


def positions_table(positions: Sequence[int]) -> bytes:
    """Write the table that ends a complete chunk."""
    return struct.pack(f"<{len(positions)}I", *positions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The entries of one chunk file, located but not read.

    Attributes:
        name: what the file's name said.
        data: the file's bytes.
        positions: each entry's offset.
        end: the offset just after the last whole entry, or 0 if not even the header is
            whole, as in a file that was only just made.
        is_complete: the file has a positions table.
        torn_bytes: bytes after the last whole entry of an open chunk, left by a writer
            that was interrupted.
    """

    name: ChunkName
    data: bytes
    positions: Sequence[int]
    end: int
    is_complete: bool
    torn_bytes: int

    @classmethod
    def parse(cls, name: ChunkName, data: bytes) -> Self:
        """Locate the entries of a chunk.

        Raises:
            ChunkDamaged: the table and the entries' frames disagree with each other or
                with the name.
        """
        if len(data) < HEADER_BYTES:
            if name.is_open:
                return cls._open(name, data, [], 0)
            raise ChunkDamaged(f"expected {HEADER_BYTES} bytes of header", 0)
        table = int.from_bytes(data[:HEADER_BYTES], "little")
        if table == 0:
            if not name.is_open:
                raise ChunkDamaged("a complete chunk without a positions table", 0)
            found, end = _walk(name.first, data)
            return cls._open(name, data, found, end)
        positions = _read_table(data, table)
        expected = None if name.last is None else name.last - name.first + 1
        if expected not in (None, len(positions)):
            raise ChunkDamaged(
                f"expected {expected} entries as named, found {len(positions)}", table
            )
        return cls(
            name=name,
            data=data,
            positions=positions,
            end=table,
            is_complete=True,
            torn_bytes=0,
        )

    @classmethod
    def _open(
        cls, name: ChunkName, data: bytes, positions: Sequence[int], end: int
    ) -> Self:
        return cls(
            name=name,
            data=data,
            positions=positions,
            end=end,
            is_complete=False,
            torn_bytes=len(data) - end,
        )

    def __len__(self) -> int:
        """Count the whole entries."""
        return len(self.positions)

    @property
    def last(self) -> Seqno:
        """The seqno of the last whole entry, or just before ``first`` if empty."""
        return self.name.first + len(self.positions) - 1

    def entry(self, seqno: Seqno) -> bytes:
        """Return the bytes of one entry."""
        index = seqno - self.name.first
        assert 0 <= index < len(self.positions), (seqno, self.name)
        following = index + 1
        stop = self.positions[following] if following < len(self) else self.end
        return self.data[self.positions[index] : stop]

    def entries(self) -> Iterator[tuple[Seqno, int, bytes]]:
        """Yield each entry with its seqno and offset, in order."""
        stops = [*self.positions[1:], self.end] if self.positions else []
        for index, (start, stop) in enumerate(zip(self.positions, stops, strict=True)):
            yield self.name.first + index, start, self.data[start:stop]


def _walk(first: Seqno, data: bytes) -> tuple[list[int], int]:
    """Find the entries of an open chunk; stop at what an interrupted writer left.

    That is the beginning of an entry, or the beginning of the positions table: a table
    is appended before the header points to it.
    """
    positions: list[int] = []
    at, size = HEADER_BYTES, len(data)
    while size - at >= FRAME_BYTES:
        if positions and data[at:] == positions_table(positions)[: size - at]:
            break
        following = _entry_end(data, at)
        if following > size:
            if _has_entry(data, at + 1, seqno=first + len(positions) + 1):
                raise ChunkDamaged("an entry's size reaches over the next entry", at)
            break
        positions.append(at)
        at = following
    return positions, at


def _has_entry(data: bytes, start: int, *, seqno: Seqno) -> bool:
    """Return whether a whole entry of ``seqno`` lies somewhere from ``start`` on.

    Only asked about the end of a file that looks cut short, to tell a writer that was
    interrupted from a size that was changed.
    """
    at = data.find(u64(seqno), start + SEQNO_OFFSET)
    while at >= 0:
        try:
            frame = read_frame(data, at - SEQNO_OFFSET)
        except Malformed:
            pass
        else:
            if at - SEQNO_OFFSET + frame.entry_bytes <= len(data):
                return True
        at = data.find(u64(seqno), at + 1)
    return False


def _read_table(data: bytes, table: int) -> Sequence[int]:
    """Read the positions table and hold it against the entries' frames."""
    table_bytes = len(data) - table
    if not HEADER_BYTES < table < len(data) or table_bytes % POSITION_BYTES:
        raise ChunkDamaged(
            f"a positions table at {table} does not fit a file of {len(data)} bytes", 0
        )
    count = table_bytes // POSITION_BYTES
    positions: tuple[int, ...] = struct.unpack_from(f"<{count}I", data, table)
    at = HEADER_BYTES
    for index, position in enumerate(positions):
        if position != at:
            raise ChunkDamaged(
                f"the positions table puts entry {index} at {position}, not at {at}",
                table + POSITION_BYTES * index,
            )
        if table - at < FRAME_BYTES + BODY_BYTES_MIN:
            raise ChunkDamaged("the positions table names an entry too many", at)
        at = _entry_end(data, at)
        if at > table:
            raise ChunkDamaged(f"entry {index} runs into the positions table", position)
    if at != table:
        raise ChunkDamaged("bytes that belong to no entry", at)
    return positions


def _entry_end(data: bytes, at: int) -> int:
    try:
        return entry_end(data, at)
    except Malformed as error:
        raise ChunkDamaged(str(error), at) from error
