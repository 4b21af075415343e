"""A ledger's public side as rows of two tables, for whatever stores tables.

``transactions`` has a row for each transaction, ``writes`` one for each key that it
wrote or removed in a public map. Keys and values stay bytes; beside them is their text,
where they are text.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ccfpy.audit.chunks import ChunkPath
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import Seqno, View
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.entry import PUBLIC_OFFSET, Transaction
from ccfpy.ledger.signature import is_signature


class TransactionRow(NamedTuple):
    """A transaction, without what it wrote."""

    seqno: Seqno
    view: View
    file: str
    """The chunk it lies in."""
    is_signature: bool
    entry_bytes: int
    private_bytes: int
    """Of them, how many are encrypted."""
    claims_digest: bytes | None


class WriteRow(NamedTuple):
    """One key that a transaction wrote or removed."""

    seqno: Seqno
    map: str
    key: bytes
    key_text: str | None
    value: bytes | None
    """Nothing if the key was removed."""
    value_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRows:
    """The rows of one chunk."""

    transactions: list[TransactionRow]
    writes: list[WriteRow]


class Sink(Protocol):
    """What stores rows."""

    def add(self, rows: ChunkRows) -> None:
        """Store a chunk's rows."""


def read_rows(tables: str, chunk: ChunkPath) -> ChunkRows:
    """Read a chunk's rows; nothing is verified.

    Args:
        tables: write rows are made of maps whose name contains this.
        chunk: the file.

    Raises:
        Malformed: the chunk is damaged.
        OSError: it cannot be read.
    """
    try:
        found = Chunk.parse(chunk.name, chunk.path.read_bytes())
        rows = ChunkRows(transactions=[], writes=[])
        for _, _, data in found.entries():
            transaction = Transaction.parse(data)
            rows.transactions.append(_transaction_row(chunk, transaction))
            rows.writes.extend(_write_rows(tables, transaction))
    except Malformed as error:
        raise Malformed(f"{chunk.name} is damaged: {error}") from error
    return rows


def _transaction_row(chunk: ChunkPath, transaction: Transaction) -> TransactionRow:
    entry, domain = transaction.entry, transaction.domain
    return TransactionRow(
        seqno=transaction.txid.seqno,
        view=transaction.txid.view,
        file=str(chunk.name),
        is_signature=is_signature(domain.write_set),
        entry_bytes=len(entry.data),
        private_bytes=len(entry.data) - PUBLIC_OFFSET - len(entry.public),
        claims_digest=domain.claims_digest,
    )


def _write_rows(tables: str, transaction: Transaction) -> Iterator[WriteRow]:
    for name, writes in transaction.domain.write_set.items():
        if tables in name:
            for key, value in writes.items():
                yield WriteRow(
                    seqno=transaction.txid.seqno,
                    map=name,
                    key=key,
                    key_text=_text(key),
                    value=value,
                    value_text=None if value is None else _text(value),
                )


def _text(data: bytes) -> str | None:
    """Return bytes as text if a person could read it."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
