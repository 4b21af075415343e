"""The chunk files of a ledger, found in one folder or several."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ccfpy.audit.auditor import ChunkFile
from ccfpy.base.ids import Seqno
from ccfpy.ledger.chunk import ChunkName, is_chunk_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPath:
    """One chunk file.

    Attributes:
        name: what its name says.
        path: where it lies, absolute, so that other processes find it too.
        size_bytes: its size when it was found.
    """

    name: ChunkName
    path: Path
    size_bytes: int

    @property
    def file(self) -> ChunkFile:
        """The file as auditors take it; it is read when it is asked for."""
        return ChunkFile(str(self.name), self.path.read_bytes)


def find_chunks(
    folders: Iterable[Path], *, with_recovery: bool = False
) -> list[ChunkPath]:
    """Find the chunks of a ledger, in order.

    Args:
        folders: where they lie; of one that is in two folders, the first is taken.
        with_recovery: also those of an unfinished recovery.

    Raises:
        OSError: a folder cannot be read.
    """
    places: dict[str, Path] = {}
    for folder in folders:
        found = {path.name: path for path in folder.iterdir() if path.is_file()}
        places = found | places
    return [
        ChunkPath(
            name=name,
            path=places[str(name)].absolute(),
            size_bytes=places[str(name)].stat().st_size,
        )
        for name in arrange(places, with_recovery=with_recovery)
    ]


def between(
    chunks: Iterable[ChunkPath], first: Seqno, last: Seqno | None = None
) -> list[ChunkPath]:
    """Keep the chunks that hold some seqno from ``first`` to ``last``."""
    return [
        chunk
        for chunk in chunks
        if (chunk.name.last is None or chunk.name.last >= first)
        and (last is None or chunk.name.first <= last)
    ]


def arrange(
    names: Iterable[str], *, with_recovery: bool = False
) -> tuple[ChunkName, ...]:
    """Put a folder's chunks in the order in which they make the ledger.

    Files that are no chunks are left out, and so are those of an unfinished recovery
    unless asked for. Where a chunk is there both committed and not, the committed one
    is taken; other overlaps and gaps stay, for the reader to find.
    """
    chunks = [ChunkName.parse(name) for name in names if is_chunk_name(name)]
    taken: dict[Seqno, ChunkName] = {}
    for chunk in sorted(chunks, key=_precedence):
        if with_recovery or not chunk.is_recovery:
            taken[chunk.first] = chunk
    return tuple(taken[first] for first in sorted(taken))


def _precedence(chunk: ChunkName) -> tuple[bool, bool, Seqno]:
    return not chunk.is_recovery, chunk.is_committed, chunk.last or 0
