"""Questions about a ledger's public side, answered from its index."""

from collections.abc import Sequence
from pathlib import Path

from ccfpy.audit.ledger_index import Coverage, IndexedTransaction, LedgerIndex
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno, TxId
from ccfpy.client.review.characters import inline, plain
from ccfpy.console.kinds import PROPOSALS_INFO, SIGNATURE, kind_of
from ccfpy.console.ledger_answers import (
    HistoryRow,
    KeyHistory,
    Keys,
    Text,
    TransactionPage,
    TransactionRow,
    Transactions,
    WriteRow,
)

ROWS_MAX = 100
"""Of one answer."""
VALUE_BYTES_MAX = 4096
"""Of a value in a list; a longer one is shown whole by a question of its own."""
WHOLE_BYTES_MAX = 256 * 1024


class NoSuchTransaction(CcfpyError):
    """The ledger's files do not have it."""


class Explorer:
    """One question at a time, on a connection of its own to the index."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def transactions(self, *, after: Seqno) -> Transactions:
        """Return the transactions after one."""
        with LedgerIndex(self._database) as index:
            found = index.transactions(after=after, count=ROWS_MAX + 1)
            rows = _rows(index, found[:ROWS_MAX])
        more = rows[-1].seqno if len(found) > ROWS_MAX else None
        return Transactions(rows=rows, more_after=more)

    def transaction(self, seqno: Seqno) -> TransactionPage:
        """Return a transaction, and what it wrote.

        Raises:
            NoSuchTransaction: it is not there.
        """
        with LedgerIndex(self._database) as index:
            found = index.transactions(after=seqno - 1, count=1)
            if not found or found[0][0].seqno != seqno:
                raise NoSuchTransaction(f"the ledger has no transaction {seqno}")
            transaction, _ = found[0]
            (row,) = _rows(index, found)
            decided = index.values(PROPOSALS_INFO, seqno, seqno)
            proposals = tuple(
                inline(key.decode(errors="surrogateescape")) for _, key, _ in decided
            )
            vouched = index.coverage(seqno)
            file = index.file_of(seqno)
            writes = index.writes(seqno)
        covered_by, service = (None, None) if vouched is None else vouched[1:]
        claims = transaction.claims_digest
        return TransactionPage(
            row=row,
            file=file,
            position=transaction.position,
            covered_by=covered_by,
            service=service,
            claims_digest=claims.hex() if claims and any(claims) else None,
            leaf=transaction.leaf.hex(),
            proposals=proposals,
            writes=tuple(
                WriteRow(map=inline(name), key=_key(key), value=_value(value))
                for name, key, value in writes
            ),
        )

    def keys(self, name: str, prefix: bytes) -> Keys:
        """Return keys of a map that begin so."""
        with LedgerIndex(self._database) as index:
            found = index.keys(name, prefix=prefix, count=ROWS_MAX + 1)
        return Keys(
            keys=tuple(map(_key, found[:ROWS_MAX])), is_cut=len(found) > ROWS_MAX
        )

    def history(self, name: str, key: bytes, *, before: Seqno | None) -> KeyHistory:
        """Return the writes to a key before one, the latest first."""
        with LedgerIndex(self._database) as index:
            found = index.history(name, key, before=before, count=ROWS_MAX + 1)
        rows = tuple(
            HistoryRow(
                txid=str(write.txid),
                seqno=write.txid.seqno,
                coverage=write.coverage,
                value=_value(write.value),
            )
            for write in found[:ROWS_MAX]
        )
        more = rows[-1].seqno if len(found) > ROWS_MAX else None
        return KeyHistory(rows=rows, more_before=more)

    def value(self, name: str, key: bytes, seqno: Seqno) -> Text:
        """Return what a transaction wrote to a key, whole or its long beginning.

        Raises:
            NoSuchTransaction: the transaction wrote nothing to the key.
        """
        with LedgerIndex(self._database) as index:
            found = index.history(name, key, before=seqno + 1, count=1)
        if not found or found[0].txid.seqno != seqno or found[0].value is None:
            raise NoSuchTransaction(f"transaction {seqno} wrote no value to this key")
        return shown(found[0].value, most=WHOLE_BYTES_MAX)


def shown(data: bytes, *, most: int = VALUE_BYTES_MAX) -> Text:
    """Return bytes as text if they are text, and as hex otherwise."""
    part = data[:most]
    is_cut = len(data) > most
    try:
        # A character of up to four bytes may be cut in two.
        text = plain(part.decode(errors="ignore" if is_cut else "strict"))
    except UnicodeDecodeError:
        text = part.hex()
    return Text(text=text, hex="", size=len(data), is_cut=is_cut)


def _key(key: bytes) -> Text:
    text = shown(key)
    return Text(text=text.text, hex=key.hex(), size=text.size, is_cut=text.is_cut)


def _value(value: bytes | None) -> Text | None:
    return None if value is None else shown(value)


def _rows(
    index: LedgerIndex, found: Sequence[tuple[IndexedTransaction, Coverage]]
) -> tuple[TransactionRow, ...]:
    if not found:
        return ()
    first, last = found[0][0].seqno, found[-1][0].seqno
    written = index.tables_written(first, last)
    infos: dict[Seqno, list[bytes]] = {}
    for seqno, _, value in index.values(PROPOSALS_INFO, first, last):
        infos.setdefault(seqno, []).append(value)
    return tuple(
        _row(
            transaction,
            coverage,
            SIGNATURE
            if transaction.is_signature
            else kind_of(
                written.get(transaction.seqno, {}),
                infos=infos.get(transaction.seqno, ()),
                has_private=transaction.private_bytes > 0,
            ),
        )
        for transaction, coverage in found
    )


def _row(
    transaction: IndexedTransaction, coverage: Coverage, kind: str
) -> TransactionRow:
    return TransactionRow(
        txid=str(TxId(transaction.view, transaction.seqno)),
        seqno=transaction.seqno,
        is_signature=transaction.is_signature,
        kind=kind,
        coverage=coverage,
        entry_bytes=transaction.entry_bytes,
        private_bytes=transaction.private_bytes,
    )
