"""A strategy that receives transactions only as far as a caller asked."""

from typing import TYPE_CHECKING, Generic, TypeVar

from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.index_strategies import Strategy

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.kv.changes import WriteSet

Kind = TypeVar("Kind", bound=Strategy)


class Lazy(Strategy, Generic[Kind]):
    """Limits a strategy to the transactions that were asked for.

    Attributes:
        strategy: the strategy itself, to be looked up in.
    """

    def __init__(self, strategy: Kind) -> None:
        self.strategy = strategy
        self.name = strategy.name
        self._until: Seqno = 0

    def extend_to(self, seqno: Seqno) -> None:
        """Pass the strategy, in time, all transactions up to ``seqno``."""
        self._until = max(self._until, seqno)

    @property
    def next_requested(self) -> Seqno | None:
        """What the strategy wants next, unless nobody asked for so much."""
        if not self._until:  # nobody asked for anything yet
            return None
        wanted = self.strategy.next_requested
        return None if wanted is None or wanted > self._until else wanted

    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Pass the transaction to the strategy."""
        self.strategy.take(tx_id, writes)

    def describe(self) -> "JsonObject":
        """Return the strategy's own description."""
        return self.strategy.describe()

    def uninstalled(self) -> None:
        """Uninstall the strategy."""
        self.strategy.uninstalled()
