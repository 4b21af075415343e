"""One reading of a ledger that verifies it and fills an index.

Each chunk's bytes are read once, in any process: rows and what the auditor needs come
from the same bytes. Memory holds a few chunks. An indexing that was interrupted
continues after the last chunk whose end was verified, and so does the next one, once
the ledger has grown.

Damage ends the audit and not the reading: transactions after the damage are in the
index, and are marked as not vouched for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.audit.auditor import (
    Auditor,
    AuditState,
    ChunkFile,
    Damage,
    Finding,
    ServiceSeen,
    Summary,
)
from ccfpy.audit.chunk_reading import ChunkReading, read_chunk
from ccfpy.audit.chunks import ChunkPath, between
from ccfpy.audit.index_writer import IndexWriter
from ccfpy.audit.ledger_index import (
    IndexedChunk,
    IndexedTransaction,
    Vouched,
    write_id,
)
from ccfpy.audit.readers import Readers
from ccfpy.audit.verification import read_in_order, shortened
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.signature import is_signature

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno


class _Read(NamedTuple):
    """What one reading of a chunk's bytes gives."""

    reading: ChunkReading
    rows: IndexedChunk


def read_for_index(services: tuple[str, ...], chunk: ChunkPath) -> _Read:
    """Read, wherever this runs, a chunk's rows and its part in an audit.

    Raises:
        OSError: the file cannot be read there.
    """
    data = chunk.path.read_bytes()
    reading = read_chunk(chunk.name, data, services)
    places: dict[str, int] = {}
    transactions: list[IndexedTransaction] = []
    writes: list[tuple[int, int, bytes, bytes | None]] = []
    positions = reading.positions
    # A reading ends before the first malformed entry.
    for number, leaf in enumerate(reading.leaves):
        at = positions[number]
        frame = memoryview(data)[at : at + 8]
        end = at + 8 + int.from_bytes(frame[2:8], "little")
        transaction = Transaction.parse(data[at:end])
        entry, domain, seqno = (
            transaction.entry,
            transaction.domain,
            transaction.txid.seqno,
        )
        transactions.append(
            IndexedTransaction(
                seqno,
                transaction.txid.view,
                at,
                is_signature(domain.write_set),
                len(entry.data),
                len(entry.data) - PUBLIC_OFFSET - len(entry.public),
                domain.claims_digest,
                leaf,
            )
        )
        count = 0
        for name, changed in domain.write_set.items():
            place = places.setdefault(name, len(places))
            for key, value in changed.items():
                writes.append((write_id(seqno, count), place, key, value))
                count += 1
    rows = IndexedChunk(
        first=chunk.name.first,
        file=str(chunk.name),
        size_bytes=len(data),
        sha256=sha256(data),
        is_final=chunk.name.is_committed,
        transactions=transactions,
        maps=list(places),
        writes=writes,
    )
    return _Read(reading, rows)


class Indexing:
    """The verification of a ledger's files into an index."""

    def __init__(
        self, chunks: Sequence[ChunkPath], readers: Readers, index: IndexWriter
    ) -> None:
        """Prepare; what the index has beyond its checkpoint is forgotten.

        Args:
            chunks: the whole ledger's, in order.
            readers: who reads the chunks.
            index: of this ledger, or a new one. The index belongs to the auditor.
        """
        state = index.resume()
        self._index, self._readers = index, readers
        self._lost = None if state is None else shortened(chunks, state)
        self._auditor = Auditor() if state is None else Auditor.resume(state)
        self._chunks = between(chunks, self._auditor.next_seqno)

    @property
    def bytes_to_read(self) -> int:
        """How much there is to read."""
        return sum(chunk.size_bytes for chunk in self._chunks)

    def findings(self) -> Iterator[Finding]:
        """Verify and index; findings are those of ``Verification``.

        Raises:
            OSError: a file cannot be read.
            ReaderLost: a process that reads is lost.
        """
        if self._lost is not None:
            self._index.note(self._lost)
            yield self._lost
        for chunk, read in self._read():
            if self._auditor.is_damaged or self._lost is not None:
                self._index.add(read.rows, Vouched(is_checked=False))
                continue
            file = ChunkFile(str(chunk.name), chunk.path.read_bytes)
            found = list(self._auditor.read(file, read.reading))
            self._index.add(read.rows, self._vouched(chunk, read.reading, found))
            yield from found
        self._index.finish()
        for finding in self._auditor.finish():
            if self._lost is not None and isinstance(finding, Summary):
                yield replace(finding, is_damaged=True)
            else:
                yield finding

    def _vouched(
        self, chunk: ChunkPath, reading: ChunkReading, found: Sequence[Finding]
    ) -> Vouched:
        auditor = self._auditor
        damage = next((each for each in found if isinstance(each, Damage)), None)
        last = _last_signed(auditor)
        state: AuditState | None = auditor.state if chunk.name.is_committed else None
        return Vouched(
            signatures=[
                change.txid.seqno
                for change in reading.changes
                if change.txid.seqno <= last and is_signature(change.write_set)
            ],
            services=[each for each in found if isinstance(each, ServiceSeen)],
            damage=damage,
            checkpoint=state,
        )

    def _read(self) -> Iterator[tuple[ChunkPath, _Read]]:
        return read_in_order(self._auditor, self._readers, self._chunks, read_for_index)


def _last_signed(auditor: Auditor) -> "Seqno":
    """Return the last signature that held so far."""
    *_, summary = auditor.finish()
    assert isinstance(summary, Summary), "an audit ends with one"
    return 0 if summary.last_signed is None else summary.last_signed.seqno
