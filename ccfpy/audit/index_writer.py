"""The one process that fills a ledger's index, while others read it.

Each chunk is stored at once or not at all, together with the audit's checkpoint, so
that the next audit continues there. A reader of the database sees what was there before
a change or what is there after it, and never a part.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from ccfpy.audit import checkpoint as checkpoints
from ccfpy.audit.auditor import AuditState, Damage
from ccfpy.audit.ledger_index import (
    FORMAT,
    IndexedChunk,
    LedgerIndex,
    Vouched,
    write_id,
)
from ccfpy.base.ids import Seqno

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
