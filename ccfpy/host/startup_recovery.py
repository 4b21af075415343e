"""Repairs the ledger that a node finds when it starts, so that the ledger can go on.

A crash may leave an open chunk whose last entry is torn, one that ends in (part of) a
positions table no header points to, or a complete chunk that still has its open name.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno
from ccfpy.host.chunk_files import ChunkFiles
from ccfpy.host.chunk_reader import Reporter
from ccfpy.host.chunk_writer import ChunkWriter
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
