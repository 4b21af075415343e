"""A service's ledger as an auditor reads it: public tables, and whether it verifies."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ccfpy.audit.auditor import ChunkFile, Damage, Summary, audit
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.kv.names import is_public
from ccfpy.ledger import chunk
from ccfpy.ledger.entry import Transaction


class Write(NamedTuple):
    """One write to a table.

    Attributes:
        value: None where the key was removed.
    """

    txid: TxId
    key: bytes
    value: bytes | None


class Ledger:
    """What a node had its host keep, up to a seqno."""

    def __init__(self, entries: Sequence[bytes]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def last(self) -> TxId:
        """Its last transaction."""
        return Transaction.parse(self._entries[-1]).txid

    def transactions(self) -> Iterator[Transaction]:
        """Yield every transaction, from the service's first."""
        return map(Transaction.parse, self._entries)

    def writes(self, table: str) -> list[Write]:
        """Return all that was ever written to a public table, in order.

        Raises:
            ValueError: the table is private: nobody reads it from the ledger alone.
        """
        if not is_public(table):
            raise ValueError(f"not a public table: {table!r} is encrypted")
        return [
            Write(transaction.txid, key, value)
            for transaction in self.transactions()
            for key, value in transaction.domain.write_set.get(table, {}).items()
        ]

    def table(self, name: str) -> dict[bytes, bytes]:
        """Return what a public table holds in the end; raises as ``writes`` does."""
        content: dict[bytes, bytes] = {}
        for _, key, value in self.writes(name):
            if value is None:
                content.pop(key, None)
            else:
                content[key] = value
        return content

    def verify(self) -> Summary:
        """Check every signature, as ``ccfpy ledger verify`` does.

        Raises:
            VerificationFailed: the ledger is damaged.
        """
        name = str(chunk.ChunkName(first=1))
        data = chunk.header(0) + b"".join(self._entries)
        for finding in audit([ChunkFile(name, lambda: data)]):
            if isinstance(finding, Damage):
                raise VerificationFailed(
                    f"transaction {finding.seqno}: {finding.reason}"
                )
            if isinstance(finding, Summary):
                return finding
        raise AssertionError("an audit ends with its summary")
