"""A base for strategies that visit every written entry of one table.

A strategy of an application subclasses it and says what is kept of an entry.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Strategy

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.kv.changes import WriteSet
    from ccfpy.kv.maps import Map

K = TypeVar("K")
V = TypeVar("V")


class VisitEachEntryInMap(Strategy, Generic[K, V]):
    """Visits each entry that transactions wrote to a table, in the ledger's order.

    A transaction's entries are visited in one go, in the order of the ledger's bytes.
    If a visit raises, the strategy is told of nothing more, as any other.

    Attributes:
        indexed_up_to: the last transaction whose entries were all visited; ``0.0``
            before any.

    Args:
        table: which one.
    """

    def __init__(self, table: "Map[K, V]") -> None:
        self.name = f"{type(self).__name__} {table.name}"
        self.indexed_up_to = TxId(0, 0)
        self._table = table

    @abstractmethod
    def visit_entry(self, tx_id: TxId, key: K, value: V) -> None:
        """Keep what is wanted of an entry.

        Args:
            tx_id: the transaction that wrote the entry.
            key: the entry's key.
            value: the value that the transaction gave the key.
        """
        ...

    def visit_removal(self, tx_id: TxId, key: K) -> None:
        """Forget what was kept of a key that a transaction removed; by default nothing.

        Args:
            tx_id: the transaction that removed the key.
            key: the removed key.
        """
        del tx_id, key

    @property
    def next_requested(self) -> Seqno:
        """Every transaction is wanted."""
        return self.indexed_up_to.seqno + 1

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Visit what the next transaction wrote to the table."""
        written = writes.get(self._table.name)
        if written is not None:
            decode_key = self._table.key_codec.decode
            decode_value = self._table.value_codec.decode
            for key, value in written.items():
                if value is None:
                    self.visit_removal(tx_id, decode_key(key))
                else:
                    self.visit_entry(tx_id, decode_key(key), decode_value(value))
        self.indexed_up_to = tx_id

    def describe(self) -> "JsonObject":
        """Return the table's name, and how far this index has come."""
        return {
            "target_map": self._table.name,
            "indexed_watermark": str(self.indexed_up_to),
        }
