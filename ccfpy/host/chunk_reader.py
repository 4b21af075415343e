"""Reads entries back from complete chunk files, keeping only a few files open.

Committed chunks may be moved between the ledger's directories or appear late, so the
directories are looked through again before a read is given up. Files are opened by
their positions table: a run of entries costs one seek and one read.
"""

import sys
from array import array
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import LEDGER_OPEN_FILES_MAX
from ccfpy.host.disk import Disk, DiskFile
from ccfpy.ledger.chunk import HEADER_BYTES, POSITION_BYTES, ChunkName


class Reporter(Protocol):
    """Where the stores say what they found: the host's ``Journal``."""

    def info(self, message: str, *, file: str) -> None:
        """Report something normal."""

    def fail(self, message: str, *, file: str) -> None:
        """Report something wrong that was dealt with."""


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
        """Return the offset after an entry."""
        following = seqno + 1 - self.first
        return self.offsets[following] if following < len(self.offsets) else self.end


class _OpenFile(NamedTuple):
    name: ChunkName
    file: DiskFile
    positions: Positions


class _Directory:
    """The complete chunks of one directory, by the entry each begins with."""

    def __init__(self, path: Path, *, is_writable: bool) -> None:
        self.path = path
        self.is_writable = is_writable
        self._chunks: list[tuple[Seqno, Seqno, bool, ChunkName]] = []

    def add(self, name: ChunkName) -> None:
        is_final = name.is_committed and not name.is_recovery
        if name.last is not None and (self.is_writable or is_final):
            insort(self._chunks, (name.first, name.last, name.is_committed, name))

    def discard(self, name: ChunkName) -> None:
        self._chunks = [known for known in self._chunks if known[3] != name]

    def scan(self, disk: Disk) -> None:
        self._chunks.clear()
        for name in chunk_names(disk, self.path):
            self.add(name)

    def having(self, seqno: Seqno) -> Iterator[ChunkName]:
        """Return the chunks whose names cover an entry, the likeliest first."""
        at = bisect_right(self._chunks, seqno, key=lambda known: known[0])
        for _, last, _, name in reversed(self._chunks[:at]):
            if seqno <= last:
                yield name


class ChunkReaders:
    """The complete chunks of some directories, the first of them the writable one."""

    def __init__(
        self,
        directories: Sequence[Path],
        *,
        disk: Disk,
        report: Reporter,
        files_max: int = LEDGER_OPEN_FILES_MAX,
    ) -> None:
        self._directories = [
            _Directory(path, is_writable=index == 0)
            for index, path in enumerate(directories)
        ]
        self._disk = disk
        self._report = report
        self._files_max = files_max
        self._open: OrderedDict[Seqno, _OpenFile] = OrderedDict()

    def read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes]:
        """Return entries from ``first`` on, out of the one chunk that has it.

        Gives at least one entry if there is such a chunk, whatever its size, and none
        if there is no such chunk or it is damaged.
        """
        chunk = self._find(first)
        if chunk is None:
            return []
        last = min(last, chunk.positions.last)
        return slices(chunk.file, chunk.positions, (first, last), bytes_max)

    def renamed(self, name: ChunkName, to: ChunkName) -> None:
        """Note that a file of the writable directory changed its name."""
        self.forget(name)
        self._directories[0].add(to)

    def forget(self, name: ChunkName) -> None:
        """Close a file that is about to change its name or content, or to go."""
        self._directories[0].discard(name)
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
        found = self._look_up(seqno, must_report=False)
        if found is None:
            for directory in self._directories:
                directory.scan(self._disk)
            found = self._look_up(seqno, must_report=True)
        if found is not None:
            replaced = self._open.pop(found.name.first, None)
            if replaced is not None:
                replaced.file.close()
            self._open[found.name.first] = found
            if len(self._open) > self._files_max:
                self._open.popitem(last=False)[1].file.close()
        return found

    def _look_up(self, seqno: Seqno, *, must_report: bool) -> _OpenFile | None:
        for directory in self._directories:
            for name in directory.having(seqno):
                try:
                    return self._open_chunk(directory.path / str(name), name)
                except (Malformed, OSError) as error:
                    if must_report:
                        self._report.fail(
                            f"Could not open ledger file {name} to read seqno {seqno}: "
                            f"{error}",
                            file="ledger",
                        )
        return None

    def _open_chunk(self, path: Path, name: ChunkName) -> _OpenFile:
        file = self._disk.open(path)
        try:
            return _OpenFile(name, file, read_positions(file, path, name))
        except (Malformed, OSError):
            file.close()
            raise


def chunk_names(disk: Disk, directory: Path) -> list[ChunkName]:
    """Return the names of a directory's chunks; other files are ignored."""
    names: list[ChunkName] = []
    for name in disk.names(directory):
        try:
            names.append(ChunkName.parse(name))
        except Malformed:
            continue
    return names


def slices(
    file: DiskFile, positions: Positions, seqnos: tuple[Seqno, Seqno], bytes_max: int
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
    data = file.read_at(start, size)
    if len(data) != size:
        return []
    entries: list[bytes] = []
    at = 0
    for seqno in range(first, last + 1):
        stop = positions.stop(seqno) - start
        entries.append(data[at:stop])
        at = stop
    return entries


def read_positions(file: DiskFile, path: Path, name: ChunkName) -> Positions:
    """Read where the entries of a complete chunk lie.

    Raises:
        Malformed: the file is not whole, in CCF's words.
    """
    assert name.last is not None, "only complete chunks are read by their table"
    count = name.last - name.first + 1
    size = file.size()
    header = file.read_at(0, HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise Malformed(f"Failed to read positions offset from ledger file {path}")
    table = int.from_bytes(header, "little")
    if table == 0:
        raise Malformed(
            f"Committed ledger file {path} cannot be read: invalid table offset (0)"
        )
    if table > size:
        raise Malformed(
            f"Invalid table offset {table} greater than total file size {size}"
        )
    if table < HEADER_BYTES or size - table != count * POSITION_BYTES:
        raise Malformed(f"Failed to read positions table from ledger file {path}")
    offsets = array("I", file.read_at(table, size - table))
    assert offsets.itemsize == POSITION_BYTES, "C's unsigned int has 32 bits"
    if sys.byteorder == "big":
        offsets.byteswap()
    previous = HEADER_BYTES - 1
    for offset in (*offsets, table):
        if offset <= previous:
            raise Malformed(f"Positions in ledger file {path} are not in order")
        previous = offset
    if len(offsets) != count or offsets[0] != HEADER_BYTES:
        raise Malformed(f"Positions in ledger file {path} do not begin its entries")
    return Positions(name.first, offsets, table)
