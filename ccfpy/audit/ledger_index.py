"""A ledger's public side as a SQLite database in which each row says who vouches.

Rows come from the bytes that were verified, and from no second reading
(`audit.indexing`). A transaction is *verified* if a signature that holds covers it,
*unsigned* if it comes after the ledger's last signature, and *not vouched for* if
something before it is damaged.

Each chunk is stored at once or not at all, together with the audit's checkpoint, so
that the next audit continues there. Other processes may read the database meanwhile.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from ccfpy.audit import checkpoint as checkpoints
from ccfpy.audit.auditor import AuditState, Damage, ServiceSeen
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId

FORMAT: Final = "ccfpy index 1"
WRITE_BITS: Final = 22
"""Bits of a write's id below its seqno: more writes than fit in an entry."""
PAGE_MAX: Final = 1000
"""Rows of one answer."""

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE maps (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE chunks (
    first INTEGER PRIMARY KEY,
    file TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    is_final INTEGER NOT NULL,
    is_verified INTEGER NOT NULL
);
CREATE TABLE services (
    seqno INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    digest TEXT NOT NULL,
    pem TEXT NOT NULL
);
CREATE TABLE damage (
    file TEXT NOT NULL,
    position INTEGER NOT NULL,
    seqno INTEGER,
    reason TEXT NOT NULL
);
CREATE TABLE transactions (
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
CREATE TABLE writes (
    id INTEGER PRIMARY KEY,
    map INTEGER NOT NULL REFERENCES maps,
    key BLOB NOT NULL,
    value BLOB
);
CREATE VIEW coverage AS
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
_KEY_INDEX = "CREATE INDEX IF NOT EXISTS writes_of_key ON writes (map, key, id)"


class Coverage(StrEnum):
    """What is known of a transaction's integrity."""

    VERIFIED = "verified"
    UNSIGNED = "unsigned"
    """It comes after the last signature; nobody vouches for it yet."""
    NOT_VOUCHED_FOR = "not vouched for"
    """Something before it is damaged, or it is."""


class IndexedTransaction(NamedTuple):
    """A transaction, without what it wrote."""

    seqno: Seqno
    view: int
    position: int
    """Its offset in the chunk's file."""
    is_signature: bool
    entry_bytes: int
    private_bytes: int
    claims_digest: bytes | None
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedChunk:
    """The rows of one chunk, and the bytes that they come from.

    Attributes:
        first: the first seqno that the file's name says.
        file: the file's name.
        size_bytes: of the file.
        sha256: of the file.
        is_final: whether the file is committed, and does not change any more.
        transactions: the transactions.
        maps: names of public maps.
        writes: what the transactions wrote: id, place in ``maps``, key, value.
    """

    first: Seqno
    file: str
    size_bytes: int
    sha256: bytes
    is_final: bool
    transactions: Sequence[IndexedTransaction] = ()
    maps: Sequence[str] = ()
    writes: Sequence[tuple[int, int, bytes, bytes | None]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What an audit says of a chunk.

    Attributes:
        signatures: the seqnos of the chunk's signatures that hold, in order.
        services: the services that the chunk introduces.
        damage: what is wrong in the chunk, if anything is.
        is_checked: whether the audit came to the chunk at all.
        checkpoint: where the next audit may continue after the chunk.
    """

    signatures: Sequence[Seqno] = ()
    services: Sequence[ServiceSeen] = ()
    damage: Damage | None = None
    is_checked: bool = True
    checkpoint: AuditState | None = None


class KeyWrite(NamedTuple):
    """A write to a key, and who vouches for it."""

    txid: TxId
    value: bytes | None
    coverage: Coverage
    covered_by: Seqno | None
    """The signature that covers the transaction."""
    service: str | None
    """The digest of the certificate of the service that signed then."""


class LedgerIndex:
    """The database of one ledger."""

    def __init__(self, path: Path) -> None:
        """Open the database, or make it.

        Raises:
            Malformed: the file is something else.
        """
        is_new = not path.exists() or not path.stat().st_size
        self._database = sqlite3.connect(path, isolation_level=None)
        try:
            self._open(path, is_new=is_new)
        except BaseException:
            self._database.close()
            raise

    def _open(self, path: Path, *, is_new: bool) -> None:
        database = self._database
        try:
            if is_new:
                database.execute("PRAGMA journal_mode = WAL")
                database.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
                self._put("format", FORMAT.encode())
            database.execute("PRAGMA synchronous = NORMAL")
            known = self._meta("format")
        except sqlite3.DatabaseError as error:
            raise Malformed(f"{path} is no index of a ledger: {error}") from error
        if known != FORMAT.encode():
            raise Malformed(f"{path} is no index of a ledger, or of another version")
        self._maps = dict(database.execute("SELECT name, id FROM maps"))

    def __enter__(self) -> Self:
        """Return the index itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the database."""
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    # Writing

    def resume(self) -> AuditState | None:
        """Forget what is beyond the checkpoint, and return the checkpoint."""
        stored = self._meta("checkpoint")
        state = None if stored is None else checkpoints.parse(stored)
        last = 0 if state is None else state.last_signed.seqno
        with self._database as database:
            database.execute("BEGIN")
            database.execute("DELETE FROM damage")
            database.execute("DELETE FROM transactions WHERE seqno > ?", [last])
            database.execute("DELETE FROM writes WHERE id >= ?", [_id(last + 1)])
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
        for write_id, place, key, value in chunk.writes:
            yield write_id, ids[place], key, value

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

    def _meta(self, name: str) -> bytes | None:
        row = self._database.execute(
            "SELECT value FROM meta WHERE name = ?", [name]
        ).fetchone()
        return None if row is None else bytes(row[0])

    # Reading

    @property
    def last_seqno(self) -> Seqno:
        """The last transaction that is stored."""
        (found,) = self._database.execute(
            "SELECT coalesce(max(seqno), 0) FROM transactions"
        ).fetchone()
        assert isinstance(found, int), "a seqno is a number"
        return found

    @property
    def last_verified(self) -> Seqno:
        """The last transaction that a signature covers; 0 if there is none."""
        row = self._database.execute(
            "SELECT seqno FROM transactions WHERE covered_by NOT NULL"
            " ORDER BY seqno DESC LIMIT 1"
        ).fetchone()
        return 0 if row is None else int(row[0])

    def services(self) -> list[str]:
        """Return the digests of services' certificates, in the ledger's order."""
        rows = self._database.execute("SELECT digest FROM services ORDER BY seqno")
        return [digest for (digest,) in rows]

    def file_of(self, seqno: Seqno) -> str:
        """Return the name of the file that has a transaction; empty if none has."""
        row = self._database.execute(
            "SELECT file FROM chunks JOIN transactions ON chunk = first"
            " WHERE seqno = ?",
            [seqno],
        ).fetchone()
        return "" if row is None else str(row[0])

    def maps(self) -> list[str]:
        """Return the names of the public maps that were ever written."""
        rows = self._database.execute("SELECT name FROM maps ORDER BY name")
        return [name for (name,) in rows]

    def damage(self) -> list[Damage]:
        """Return what is wrong with the ledger."""
        rows = self._database.execute(
            "SELECT file, position, seqno, reason FROM damage"
        )
        return [
            Damage(file=file, position=position, seqno=seqno, reason=reason)
            for file, position, seqno, reason in rows
        ]

    def chunk(self, first: Seqno) -> tuple[str, int, bytes, bool, bool] | None:
        """Return a chunk's file, size, SHA-256; whether it is final and verified."""
        row = self._database.execute(
            "SELECT file, bytes, sha256, is_final, is_verified FROM chunks"
            " WHERE first = ?",
            [first],
        ).fetchone()
        return None if row is None else (*row[:3], bool(row[3]), bool(row[4]))

    def final_chunks(self) -> list[tuple[Seqno, str, bytes]]:
        """Return those that do not change any more: first seqno, file, SHA-256."""
        return self._database.execute(
            "SELECT first, file, sha256 FROM chunks WHERE is_final ORDER BY first"
        ).fetchall()

    def coverage(
        self, seqno: Seqno
    ) -> tuple[Coverage, Seqno | None, str | None] | None:
        """Return what vouches for a transaction: the signature, and the service."""
        row = self._database.execute(
            "SELECT word, covered_by, service FROM coverage WHERE seqno = ?", [seqno]
        ).fetchone()
        return None if row is None else (Coverage(row[0]), row[1], row[2])

    def transactions(
        self, *, after: Seqno = 0, count: int = PAGE_MAX
    ) -> list[tuple[IndexedTransaction, Coverage]]:
        """Return transactions in their order, with what is known of each."""
        rows = self._database.execute(
            "SELECT seqno, view, position, is_signature, entry_bytes, private_bytes,"
            " claims_digest, leaf, word FROM transactions JOIN coverage USING (seqno)"
            " WHERE seqno > ? ORDER BY seqno LIMIT ?",
            (after, min(count, PAGE_MAX)),
        )
        return [
            (
                IndexedTransaction._make((*row[:3], bool(row[3]), *row[4:8])),
                Coverage(row[8]),
            )
            for row in rows
        ]

    def writes(self, seqno: Seqno) -> list[tuple[str, bytes, bytes | None]]:
        """Return what a transaction wrote or removed: map, key, value."""
        return self._database.execute(
            "SELECT name, key, value FROM writes JOIN maps ON maps.id = map"
            " WHERE writes.id BETWEEN ? AND ? ORDER BY writes.id",
            (_id(seqno), _id(seqno + 1) - 1),
        ).fetchall()

    def tables_written(self, first: Seqno, last: Seqno) -> dict[Seqno, dict[str, bool]]:
        """Return the public maps that transactions wrote, and whether a value is there.

        Args:
            first: the first of the transactions.
            last: the last of them.
        """
        rows = self._database.execute(
            "SELECT writes.id >> ?, name, max(value IS NOT NULL) FROM writes"
            " JOIN maps ON maps.id = map WHERE writes.id BETWEEN ? AND ? GROUP BY 1, 2",
            (WRITE_BITS, _id(first), _id(last + 1) - 1),
        )
        found: dict[Seqno, dict[str, bool]] = {}
        for seqno, name, is_put in rows:
            found.setdefault(seqno, {})[name] = bool(is_put)
        return found

    def values(
        self, name: str, first: Seqno, last: Seqno
    ) -> Iterator[tuple[Seqno, bytes, bytes]]:
        """Yield what transactions put in a map, in their order: seqno, key, value."""
        # Without the sign the database would read the whole map, by its keys.
        return self._database.execute(
            "SELECT id >> ?, key, value FROM writes WHERE id BETWEEN ? AND ?"
            " AND +map = ? AND value IS NOT NULL ORDER BY id",
            (WRITE_BITS, _id(first), _id(last + 1) - 1, self._maps.get(name)),
        )

    def keys(
        self, name: str, *, prefix: bytes = b"", count: int = PAGE_MAX
    ) -> list[bytes]:
        """Return keys of a map that were ever written and begin so."""
        rows = self._database.execute(
            "SELECT DISTINCT key FROM writes WHERE map = ? AND key >= ? ORDER BY key",
            (self._maps.get(name), prefix),
        )
        found: list[bytes] = []
        for (key,) in rows:
            if not key.startswith(prefix) or len(found) >= min(count, PAGE_MAX):
                break
            found.append(key)
        return found

    def history(
        self,
        name: str,
        key: bytes,
        *,
        before: Seqno | None = None,
        count: int = PAGE_MAX,
    ) -> list[KeyWrite]:
        """Return the writes to a key, the latest first.

        Args:
            name: the map's.
            key: the key.
            before: only writes of earlier transactions.
            count: how many at most.
        """
        until = (1 << 62) if before is None else _id(before)
        rows = self._database.execute(
            "SELECT view, t.seqno, value, word, c.covered_by, service FROM"
            " (SELECT id, value FROM writes WHERE map = ? AND key = ? AND id < ?"
            " ORDER BY id DESC LIMIT ?) AS w"
            " JOIN transactions AS t ON t.seqno = w.id >> ?"
            " JOIN coverage AS c ON c.seqno = t.seqno ORDER BY w.id DESC",
            (self._maps.get(name), key, until, min(count, PAGE_MAX), WRITE_BITS),
        )
        return [
            KeyWrite(TxId(view, seqno), value, Coverage(word), covered_by, service)
            for view, seqno, value, word, covered_by, service in rows
        ]


def write_id(seqno: Seqno, number: int) -> int:
    """Return the id of a transaction's write; ids are in the order of writes."""
    assert number < 1 << WRITE_BITS, "an entry holds fewer writes"
    return _id(seqno) + number


def _id(seqno: Seqno) -> int:
    return seqno << WRITE_BITS


def _covered(chunk: IndexedChunk, vouched: Vouched) -> Iterable[tuple[object, ...]]:
    """Yield a chunk's transactions, each with the next signature that holds."""
    signatures = vouched.signatures
    for row in chunk.transactions:
        place = bisect_left(signatures, row.seqno)
        covered = signatures[place] if place < len(signatures) else None
        yield (*row[:2], chunk.first, *row[2:], covered)
