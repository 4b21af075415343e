"""A ledger's public side as a SQLite database in which each row says who vouches.

Rows come from the bytes that were verified, and from no second reading
(`audit.indexing`). A transaction is *verified* if a signature that holds covers it,
*unsigned* if it comes after the ledger's last signature, and *not vouched for* if
something before it is damaged.

One process fills the database (`audit.index_writer`), and others may read it meanwhile.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from ccfpy.audit.auditor import AuditState, Damage, ServiceSeen
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, TxId

FORMAT: Final = "ccfpy index 1"
WRITE_BITS: Final = 22
"""Bits of a write's id below its seqno: more writes than fit in an entry."""
PAGE_MAX: Final = 1000
"""Rows of one answer."""


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
    """The database of one ledger, as it was when it was opened."""

    _mode = "rw"
    """SQLite would make an absent file otherwise, in the way of who fills it."""

    def __init__(self, path: Path) -> None:
        """Open the database, which must be there.

        Raises:
            Malformed: the file is something else, or there is none.
        """
        place = f"{path.absolute().as_uri()}?mode={self._mode}"
        try:
            self._database = sqlite3.connect(place, isolation_level=None, uri=True)
        except sqlite3.DatabaseError as error:
            raise Malformed(f"{path} is no index of a ledger: {error}") from error
        try:
            self._prepare()
            known = self._meta("format")
            self._maps = dict(self._database.execute("SELECT name, id FROM maps"))
        except sqlite3.DatabaseError as error:
            self.close()
            raise Malformed(f"{path} is no index of a ledger: {error}") from error
        if known != FORMAT.encode():
            self.close()
            raise Malformed(f"{path} is no index of a ledger, or an older one")

    def _prepare(self) -> None:
        """Begin a transaction, which sees nothing of what is written meanwhile."""
        self._database.execute("BEGIN")

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

    def _meta(self, name: str) -> bytes | None:
        row = self._database.execute(
            "SELECT value FROM meta WHERE name = ?", [name]
        ).fetchone()
        return None if row is None else bytes(row[0])

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
