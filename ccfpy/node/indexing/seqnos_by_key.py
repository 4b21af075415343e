"""Which transactions wrote a key, in memory.

The index grows with the ledger: eight bytes for each write, and more for each key.
"""

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Strategy
from ccfpy.kv.maps import RAW, UNIT, Codec, Map, Set, Value

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.kv.changes import WriteSet

K = TypeVar("K")

UNIT_KEY: Codec[None] = Codec(encode=lambda _: UNIT, decode=lambda _: None)
"""The one key of every ``Value``."""


class SeqnosByKey(Strategy, Generic[K]):
    """The transactions that wrote each key of a table, the ledger's first included.

    A removal does not count as a write, as in CCF.

    Attributes:
        indexed_up_to: the last transaction that it received; ``0.0`` before any.

    Args:
        table: which one.
    """

    def __init__(self, table: Map[K, Any] | Set[K]) -> None:
        self.name = f"SeqnosByKey {table.name}"
        self.indexed_up_to = TxId(0, 0)
        self._table = table.name
        self._encode = table.key_codec.encode
        self._seqnos: dict[bytes, array[int]] = {}

    @staticmethod
    def of_value(value: Value[Any]) -> "SeqnosByKey[None]":
        """Index a table of one value; the key is ``None`` then."""
        return SeqnosByKey(Map(value.name, UNIT_KEY, RAW))

    @property
    def next_requested(self) -> Seqno:
        """Every transaction is wanted."""
        return self.indexed_up_to.seqno + 1

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Note which keys the next transaction wrote."""
        seqno = tx_id.seqno
        written = writes.get(self._table)
        if written is not None:
            by_key = self._seqnos
            for key, value in written.items():
                if value is None:
                    continue
                seqnos = by_key.get(key)
                if seqnos is None:
                    by_key[key] = array("Q", (seqno,))
                else:
                    seqnos.append(seqno)
        self.indexed_up_to = tx_id

    def write_txs_in_range(
        self, key: K, first: Seqno, last: Seqno, *, seqnos_max: int | None = None
    ) -> list[Seqno] | None:
        """List the transactions that wrote a key.

        Args:
            key: which.
            first: the first seqno of the range.
            last: the last seqno of the range, included.
            seqnos_max: list no more than the first few.

        Returns:
            Their seqnos in order; nothing if the index has not reached ``last`` yet.

        Raises:
            ValueError: the range goes backwards.
        """
        check_range(first, last)
        if last > self.indexed_up_to.seqno:
            return None
        seqnos = self._seqnos.get(self._encode(key))
        if seqnos is None:
            return []
        found = seqnos[bisect_left(seqnos, first) : bisect_right(seqnos, last)]
        return found[:seqnos_max].tolist()

    def all_write_txs(self, key: K) -> list[Seqno]:
        """List all transactions that wrote a key, as far as the index has come."""
        return self.write_txs_in_range(key, 0, self.indexed_up_to.seqno) or []

    def describe(self) -> "JsonObject":
        """Return the table's name, and how far this index has come."""
        return {
            "target_map": self._table,
            "indexed_watermark": str(self.indexed_up_to),
        }


def check_range(first: Seqno, last: Seqno) -> None:
    """Check that a range goes forwards.

    Raises:
        ValueError: it does not.
    """
    if last < first:
        raise ValueError(f"the range from {first} to {last} goes backwards")
