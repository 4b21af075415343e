"""One reading of a ledger that verifies it and fills an index.

Each chunk's bytes are read once, in any process: rows and what the auditor needs come
from the same bytes. Memory holds a few chunks. An indexing that was interrupted
continues after the last chunk whose end was verified, and so does the next one, once
the ledger has grown.

One process fills the index, while others read it. Each chunk is stored at once or not
at all, together with the audit's checkpoint. A reader of the database sees what was
there before a change or what is there after it, and never a part.

Damage ends the audit and not the reading: transactions after the damage are in the
index, and are marked as not vouched for.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ccfpy.audit import checkpoint as checkpoints
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
from ccfpy.audit.ledger_index import (
    FORMAT,
    IndexedChunk,
    IndexedTransaction,
    LedgerIndex,
    Vouched,
    write_id,
)
from ccfpy.audit.readers import Readers
from ccfpy.audit.verification import read_in_order, shortened
from ccfpy.base.ids import Seqno
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.signature import is_signature

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS maps (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS chunks (
    first INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    is_final INTEGER NOT NULL,
    is_verified INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS services (
    seqno INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    digest TEXT NOT NULL,
    pem TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS damage (
    file TEXT NOT NULL,
    position INTEGER NOT NULL,
    seqno INTEGER,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    seqno INTEGER PRIMARY KEY,
    view INTEGER NOT NULL,
    chunk INTEGER NOT NULL REFERENCES chunks,
    position INTEGER NOT NULL,
    is_signature INTEGER NOT NULL,
    entry_bytes INTEGER NOT NULL,
    private_bytes INTEGER NOT NULL,
    claims_digest BLOB,
    leaf BLOB NOT NULL,
    covered_by INTEGER
);
CREATE TABLE IF NOT EXISTS writes (
    id INTEGER PRIMARY KEY,
    map INTEGER NOT NULL REFERENCES maps,
    key BLOB NOT NULL,
    value BLOB
);
CREATE VIEW IF NOT EXISTS coverage AS
    SELECT seqno, covered_by,
        CASE
            WHEN covered_by IS NOT NULL THEN 'verified'
            WHEN EXISTS (SELECT 1 FROM damage) THEN 'not vouched for'
            ELSE 'unsigned'
        END AS word,
        (SELECT digest FROM services WHERE services.seqno <= covered_by
            ORDER BY services.seqno DESC LIMIT 1) AS service
    FROM transactions;
"""
_CLEAR: Final = """
BEGIN;
DELETE FROM damage;
DELETE FROM writes;
DELETE FROM transactions;
DELETE FROM chunks;
DELETE FROM services;
DELETE FROM maps;
DELETE FROM meta WHERE name = 'checkpoint';
COMMIT;
"""
_KEY_INDEX: Final = "CREATE INDEX IF NOT EXISTS writes_of_key ON writes (map, key, id)"


class IndexWriter(LedgerIndex):
    """The database of one ledger, to be filled."""

    _mode = "rwc"

    def _prepare(self) -> None:
        """Make the tables, all at once, if there are none."""
        database = self._database
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not tables:
            database.execute("PRAGMA journal_mode = WAL")
            # Two consoles of one ledger may come here at a time.
            database.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
            self._put("format", FORMAT.encode())
            database.execute("COMMIT")
        database.execute("PRAGMA synchronous = NORMAL")

    def clear(self) -> None:
        """Forget everything, as the ledger is not the one that was read."""
        self._database.executescript(_CLEAR)
        self._maps.clear()

    def resume(self) -> AuditState | None:
        """Forget what is beyond the checkpoint, and return the checkpoint."""
        stored = self._meta("checkpoint")
        state = None if stored is None else checkpoints.parse(stored)
        last = 0 if state is None else state.last_signed.seqno
        with self._database as database:
            database.execute("BEGIN")
            database.execute("DELETE FROM damage")
            database.execute("DELETE FROM transactions WHERE seqno > ?", [last])
            database.execute(
                "DELETE FROM writes WHERE id >= ?", [write_id(last + 1, 0)]
            )
            database.execute("DELETE FROM chunks WHERE first > ?", [last])
            database.execute("DELETE FROM services WHERE seqno > ?", [last])
        return state

    def add(self, chunk: IndexedChunk, vouched: Vouched) -> None:
        """Store a chunk's rows, what vouches for them, and where to continue."""
        with self._database as database:
            database.execute("BEGIN")
            database.executemany(
                "INSERT OR REPLACE INTO services VALUES (?, ?, ?, ?)",
                (
                    (s.txid.seqno, s.status, s.service.digest_hex, s.service.pem)
                    for s in vouched.services
                ),
            )
            is_verified = vouched.is_checked and vouched.damage is None
            database.execute(
                "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?, ?, ?)",
                (
                    chunk.first,
                    chunk.file,
                    chunk.size_bytes,
                    chunk.sha256,
                    chunk.is_final,
                    is_verified,
                ),
            )
            # Beyond damage nothing is believed, not even that seqnos occur once.
            database.executemany(
                "INSERT OR IGNORE INTO transactions VALUES (?,?,?,?,?,?,?,?,?,?)",
                _covered(chunk, vouched),
            )
            database.executemany(
                "INSERT OR IGNORE INTO writes VALUES (?, ?, ?, ?)",
                self._writes(chunk),
            )
            self._cover_earlier(chunk.first, vouched)
            if vouched.damage is not None:
                self._note(vouched.damage)
            if vouched.checkpoint is not None:
                self._put("checkpoint", checkpoints.serialise(vouched.checkpoint))

    def note(self, damage: Damage) -> None:
        """Store that something is damaged that is in no chunk."""
        with self._database as database:
            database.execute("BEGIN")
            self._note(damage)

    def finish(self) -> None:
        """Make keys quick to find, which is cheaper once all rows are there."""
        self._database.execute(_KEY_INDEX)

    def _cover_earlier(self, first: Seqno, vouched: Vouched) -> None:
        """Mark the end of the chunk before, which a signature of this one covers."""
        if not vouched.signatures:
            return
        self._database.execute(
            "UPDATE transactions SET covered_by = ?1 WHERE covered_by IS NULL AND"
            " seqno < ?2 AND seqno > coalesce((SELECT seqno FROM transactions WHERE"
            " seqno < ?2 AND covered_by NOT NULL ORDER BY seqno DESC LIMIT 1), 0)",
            (vouched.signatures[0], first),
        )

    def _writes(
        self, chunk: IndexedChunk
    ) -> Iterator[tuple[int, int, bytes, bytes | None]]:
        ids = [self._map_id(name) for name in chunk.maps]
        for its_id, place, key, value in chunk.writes:
            yield its_id, ids[place], key, value

    def _map_id(self, name: str) -> int:
        found = self._maps.get(name)
        if found is None:
            self._database.execute(
                "INSERT OR IGNORE INTO maps (name) VALUES (?)", [name]
            )
            (made,) = self._database.execute(
                "SELECT id FROM maps WHERE name = ?", [name]
            ).fetchone()
            assert isinstance(made, int), "it is the table's key"
            found = self._maps[name] = made
        return found

    def _note(self, damage: Damage) -> None:
        # The last signature's own entry may be what a later signature blames.
        self._database.execute(
            "UPDATE transactions SET covered_by = NULL WHERE seqno = ?", [damage.seqno]
        )
        self._database.execute(
            "INSERT INTO damage VALUES (?, ?, ?, ?)",
            (damage.file, damage.position, damage.seqno, damage.reason),
        )

    def _put(self, name: str, value: bytes) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value)
        )


def _covered(chunk: IndexedChunk, vouched: Vouched) -> Iterable[tuple[object, ...]]:
    """Yield a chunk's transactions, each with the next signature that holds."""
    signatures = vouched.signatures
    for row in chunk.transactions:
        place = bisect_left(signatures, row.seqno)
        covered = signatures[place] if place < len(signatures) else None
        yield (*row[:2], chunk.first, *row[2:], covered)


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
