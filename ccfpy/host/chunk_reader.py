"""Reads entries back from complete chunk files, keeping only a few files open.

Committed chunks may be moved between the ledger's directories or appear late, so a file
that is not known is looked for again before a read is given up. Files are opened by
their positions table: an entry costs one seek and one read.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import LEDGER_OPEN_FILES_MAX
from ccfpy.ledger.chunk import HEADER_BYTES, POSITION_BYTES, ChunkName


class Positions(NamedTuple):
    """Where the entries of one chunk lie.

    Attributes:
        first: the seqno of the entry at ``offsets[0]``.
        end: the offset after the last entry.
    """

    first: Seqno
    offsets: Sequence[int]
    end: int

    @property
    def last(self) -> Seqno:
        """The seqno of the last entry."""
        return self.first + len(self.offsets) - 1

    def stop(self, seqno: Seqno) -> int:
        """Give the offset after an entry."""
        following = seqno + 1 - self.first
        return self.offsets[following] if following < len(self.offsets) else self.end


class _OpenFile(NamedTuple):
    name: ChunkName
    file: BinaryIO
    positions: Positions


class ChunkReaders:
    """The complete chunks of some directories, the first of them the writable one."""

    def __init__(
        self, directories: Sequence[Path], *, files_max: int = LEDGER_OPEN_FILES_MAX
    ) -> None:
        self._directories = directories
        self._files_max = files_max
        self._open: OrderedDict[Seqno, _OpenFile] = OrderedDict()

    def read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes]:
        """Give entries from ``first`` on, out of the one chunk that has it.

        Gives at least one entry if there is such a chunk, whatever its size, and none
        if there is no such chunk or it is damaged.
        """
        chunk = self._find(first)
        if chunk is None:
            return []
        last = min(last, chunk.positions.last)
        return slices(chunk.file, chunk.positions, (first, last), bytes_max)

    def forget(self, name: ChunkName) -> None:
        """Close a file that is about to change its name or content."""
        known = self._open.pop(name.first, None)
        if known is not None:
            known.file.close()

    def close(self) -> None:
        """Close all files."""
        while self._open:
            self._open.popitem()[1].file.close()

    def _find(self, seqno: Seqno) -> _OpenFile | None:
        for first, chunk in self._open.items():
            if first <= seqno <= chunk.positions.last:
                self._open.move_to_end(first)
                return chunk
        found = self._look_up(seqno)
        if found is not None:
            self._open[found.name.first] = found
            if len(self._open) > self._files_max:
                self._open.popitem(last=False)[1].file.close()
        return found

    def _look_up(self, seqno: Seqno) -> _OpenFile | None:
        for directory in self._directories:
            is_writable = directory is self._directories[0]
            for path in directory.iterdir():
                name = _parse_name(path)
                if name is None or not (is_writable or name.is_committed):
                    continue
                if name.last is None or not name.first <= seqno <= name.last:
                    continue
                chunk = _open_chunk(path, name)
                if chunk is not None:
                    return chunk
        return None


def slices(
    file: BinaryIO, positions: Positions, seqnos: tuple[Seqno, Seqno], bytes_max: int
) -> list[bytes]:
    """Read whole entries, up to ``bytes_max`` bytes of them but at least one.

    Gives none if the file is shorter than its positions say.
    """
    first, last = seqnos
    start = positions.offsets[first - positions.first]
    while last > first and positions.stop(last) - start > bytes_max:
        # Halve the range: a bound that cuts deep takes few steps.
        last = first + (last - first) // 2
    size = positions.stop(last) - start
    file.seek(start)
    data = file.read(size)
    if len(data) != size:
        return []
    entries: list[bytes] = []
    at = 0
    for seqno in range(first, last + 1):
        stop = positions.stop(seqno) - start
        entries.append(data[at:stop])
        at = stop
    return entries


def _parse_name(path: Path) -> ChunkName | None:
    try:
        return ChunkName.parse(path.name)
    except Malformed:
        return None


def _open_chunk(path: Path, name: ChunkName) -> _OpenFile | None:
    """Open a complete chunk by its table; nothing if it is not whole."""
    try:
        file = path.open("rb")
    except OSError:
        return None
    positions = _read_positions(file, name)
    if positions is None:
        file.close()
        return None
    return _OpenFile(name, file, positions)


def _read_positions(file: BinaryIO, name: ChunkName) -> Positions | None:
    assert name.last is not None, "only complete chunks are read by their table"
    count = name.last - name.first + 1
    size = file.seek(0, 2)
    file.seek(0)
    table = int.from_bytes(file.read(HEADER_BYTES), "little")
    if table < HEADER_BYTES or size - table != count * POSITION_BYTES:
        return None
    file.seek(table)
    offsets: tuple[int, ...] = struct.unpack(f"<{count}I", file.read(size - table))
    stops = (*offsets[1:], table)
    if offsets[0] != HEADER_BYTES or any(
        stop <= start for start, stop in zip(offsets, stops, strict=True)
    ):
        return None
    return Positions(name.first, offsets, table)
