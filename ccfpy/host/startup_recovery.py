"""What becomes of the ledger files that a node finds when it starts.

A ledger that goes on is repaired. A crash may leave an open chunk whose last entry is
torn, one that ends in (part of) a positions table no header points to, or a complete
chunk that still has its open name.

A ledger that begins anew may come to agree with the chunk files of an earlier run. Each
waits for the chunk that begins with the same entry. It goes when it cannot be what the
service agreed on any more: when an entry differed from an earlier file's, or when the
service's chunks, as they are cut, begin no chunk where this file does.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.host.chunk_files import ChunkFiles, ChunkWriter
from ccfpy.host.chunk_reader import Reporter
from ccfpy.ledger.chunk import HEADER_BYTES, Chunk, ChunkName
from ccfpy.ledger.open_chunk import OpenChunk

_SOURCE: Final = "ledger"


@dataclass(slots=True)
class RecoveredLedger:
    """A ledger that was found.

    Attributes:
        last_seqno: the last whole entry.
        committed_seqno: the last entry of a committed file.
        complete: the chunks that are complete and not committed, in order.
        writer: the chunk that was open last.
    """

    last_seqno: Seqno = 0
    committed_seqno: Seqno = 0
    complete: list[ChunkName] = field(default_factory=list)
    writer: ChunkWriter | None = None


def recover_ledger(
    files: ChunkFiles,
    *,
    found: Iterable[ChunkName],
    read_only: Iterable[ChunkName],
    report: Reporter,
) -> RecoveredLedger:
    """Go through the chunks, oldest first.

    Uncommitted files that are damaged, or that do not follow the file before, are set
    aside. Torn bytes after the last whole entry are cut off.

    Args:
        files: the writable directory.
        found: the chunks that it has.
        read_only: the chunks of the other directories, of which committed ones count.
        report: where to say what was found.

    Raises:
        OSError: a file cannot be read or put right.
    """
    taken = RecoveredLedger()
    for name in read_only:
        _note_committed(taken, name)
    writable: list[ChunkName] = []
    for name in found:
        if name.is_recovery:
            files.ignore(name, "its recovery was not completed")
        elif not _note_committed(taken, name):
            writable.append(name)
    taken.last_seqno = taken.committed_seqno
    for name in sorted(writable, key=lambda chunk: chunk.first):
        chunk = _fitting(taken, name, files, report)
        if chunk is not None:
            _go_on(taken, chunk, files, report)
    return taken


def _note_committed(taken: RecoveredLedger, name: ChunkName) -> bool:
    if not name.is_committed or name.is_recovery or name.last is None:
        return False
    taken.committed_seqno = max(taken.committed_seqno, name.last)
    return True


def _fitting(
    taken: RecoveredLedger, name: ChunkName, files: ChunkFiles, report: Reporter
) -> Chunk | None:
    """Read an uncommitted file; set it aside if it does not continue from here."""
    if name.last is not None and name.last <= taken.committed_seqno:
        files.ignore(name, "it is committed elsewhere")
        return None
    if name.first != taken.last_seqno + 1:
        files.ignore(name, f"it does not follow {taken.last_seqno}")
        return None
    try:
        return files.parse(name)
    except Malformed as error:
        report.fail(f"Error reading ledger file {name}: {error}", file=_SOURCE)
        files.ignore(name, "it is damaged")
        return None


def _go_on(
    taken: RecoveredLedger, chunk: Chunk, files: ChunkFiles, report: Reporter
) -> None:
    """Continue the ledger with a chunk that follows the recovered part."""
    name = chunk.name
    if taken.writer is not None:
        taken.complete.append(files.complete(taken.writer))
        taken.writer = None
    if not len(chunk):
        files.remove(name)
        report.fail(f"Removed ledger file {name}", file=_SOURCE)
        return
    if chunk.torn_bytes:
        report.fail(
            f"Malformed incomplete ledger file {name} at seqno {chunk.last + 1} "
            f"(remaining {chunk.torn_bytes})",
            file=_SOURCE,
        )
    taken.last_seqno = chunk.last
    if not chunk.is_complete:
        assert chunk.end >= HEADER_BYTES, "it has entries"
        taken.writer = files.go_on(OpenChunk.reopen(name, chunk.positions, chunk.end))
        return
    complete = name if name.last is not None else name.completed(chunk.last)
    if complete != name:
        files.rename(name, complete)
    taken.complete.append(complete)


Remove: TypeAlias = Callable[[ChunkName], None]


class EarlierFiles:
    """Such files, by the entry each begins with."""

    def __init__(self, remove: Remove) -> None:
        self._names: dict[Seqno, ChunkName] = {}
        self._remove = remove

    def __len__(self) -> int:
        """Count them."""
        return len(self._names)

    def clear(self) -> None:
        """Know of none; the files stay."""
        self._names.clear()

    def add(self, name: ChunkName) -> ChunkName | None:
        """Keep a file; give another that begins with the same entry and must go."""
        rival = self._names.get(name.first)
        self._names[name.first] = name
        return None if rival == name else rival

    def take(self, first: Seqno) -> ChunkName | None:
        """Return the file that begins with an entry; the current chunk replaces it."""
        return self._names.pop(first, None)

    def passed(self, seqno: Seqno) -> None:
        """Note that an entry lies within a chunk: no file may begin with it."""
        if self._names:
            name = self._names.pop(seqno, None)
            if name is not None:
                self._remove(name)

    def drop(self) -> None:
        """Remove all: an entry before them differed."""
        while self._names:
            self._remove(self._names.popitem()[1])


def sort_in(
    name: ChunkName, after: Seqno, *, earlier: EarlierFiles, files: ChunkFiles
) -> ChunkName | None:
    """Sort a file that was found into its place, for a ledger that begins anew.

    Args:
        name: the file.
        after: the ledger begins after this seqno, up to which all is committed.
        earlier: gets those that begin later.
        files: renames them, and sets aside what is of no use.

    Returns:
        The file itself if the ledger goes on in the middle of it.
    """
    if name.is_recovery:
        files.ignore(name, "its recovery was not completed")
    elif name.first > after:
        kept = files.uncommit(name, after) if name.is_committed else name
        rival = earlier.add(kept)
        if rival is not None:
            files.ignore(rival, f"{kept} begins with the same entry")
    elif not name.is_committed:
        files.ignore(name, f"it is not known to be committed, as all is to {after}")
    elif name.last is not None and name.last > after:
        return files.uncommit(name, after)
    return None
