"""Indexes over committed transactions: the port between an app and its node.

A *strategy* is told of every committed transaction once, in order, and keeps what
endpoints will look up. Each node has strategies of its own, in memory, and builds them
from the ledger anew after each start (``include/ccf/indexing/strategy.h``).
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ccfpy.base.ids import Seqno, TxId

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.base.ports import Given, Result
    from ccfpy.kv.changes import WriteSet


class Strategy(Protocol):
    """What builds an index.

    One that raises is told of nothing more.

    Attributes:
        name: what operators know it by.
    """

    name: str

    @property
    @abstractmethod
    def next_requested(self) -> Seqno | None:
        """The transaction to be told of next; nothing if none is wanted now."""
        ...

    @abstractmethod
    def take(self, tx_id: TxId, writes: "WriteSet") -> None:
        """Be told of the transaction that was wanted next.

        Args:
            tx_id: which one.
            writes: all that it changed, by table, removals included.
        """
        ...

    def describe(self) -> "JsonObject":
        """Return what operators should see besides its name and the next seqno."""
        return {}

    def uninstalled(self) -> None:
        """Release what is held elsewhere: nothing more will come."""
        return


class Impatient(Strategy):
    """A strategy of our own that does not wait for what cannot be had."""

    @abstractmethod
    def give_up(self, seqno: Seqno) -> bool:
        """Be told that the transaction wanted next cannot be had now.

        Returns:
            Whether something else is wanted from now on; else it is tried again later.
        """
        ...


class BlobSeries(Protocol):
    """What one strategy keeps with the host, which can neither read nor change it."""

    def store(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, which is not used again in this series."""
        ...

    def fetch(self, name: str, then: Callable[[bytes | None], None]) -> bool:
        """Ask for bytes that were kept.

        Args:
            name: theirs.
            then: told them in a later step, or nothing if the host lost or changed
                them.

        Returns:
            Whether they were asked for: not if too much is asked for already.
        """
        ...

    def forget(self) -> None:
        """Need nothing of this any more, nor what was asked for."""
        ...


class Blobs(Protocol):
    """Where strategies keep what would take too much memory."""

    def begin(self) -> BlobSeries:
        """Begin a series."""
        ...

    def inside(self, look: "Callable[[Given], Result]", given: "Given") -> "Result":
        """Look into a strategy while it is told of nothing.

        A handler may run beside its node, which goes on to tell strategies of what is
        committed. What a lookup reads must not change meanwhile.
        """
        ...


Kind = TypeVar("Kind", bound=Strategy)


class Indexing(Protocol):
    """The strategies of one node."""

    @property
    def blobs(self) -> Blobs:
        """Where they may keep what would take too much memory."""
        ...

    def install(self, index: "Index[Any]", strategy: Strategy) -> None:
        """Pass committed transactions to a strategy, from now on.

        Raises:
            ValueError: the index has one.
            LimitExceeded: there are ``limits.STRATEGIES_MAX``.
        """
        ...

    def uninstall(self, index: "Index[Any]") -> None:
        """Forget the strategy of an index.

        Raises:
            ValueError: it has none.
        """
        ...

    def strategy(self, index: "Index[Kind]") -> Kind | None:
        """Return the strategy of an index, if it has one."""
        ...

    def describe(self) -> "list[Json]":
        """Describe all strategies for operators."""
        ...


class Indexed(Protocol):
    """A node, as far as indexes are concerned: ``ctx.node``."""

    @property
    def indexing(self) -> Indexing:
        """Its strategies."""
        ...


class Index(Generic[Kind]):
    """An index that an application declares once, and each node has for itself.

    Args:
        make: makes a strategy for a node that starts; without it, none is installed
            until somebody does.
    """

    def __init__(self, make: Callable[[Blobs], Kind] | None = None) -> None:
        self.make = make

    def of(self, node: Indexed) -> Kind:
        """Return a node's strategy.

        Raises:
            LookupError: there is none.
        """
        strategy = node.indexing.strategy(self)
        if strategy is None:
            raise LookupError("no strategy is installed for this index")
        return strategy

    def is_installed(self, node: Indexed) -> bool:
        """Return whether a node has a strategy."""
        return node.indexing.strategy(self) is not None

    def install(self, node: Indexed, strategy: Kind) -> None:
        """Install a strategy on a node; raises as ``Indexing``."""
        node.indexing.install(self, strategy)

    def uninstall(self, node: Indexed) -> None:
        """Uninstall the strategy of a node; raises as ``Indexing``."""
        node.indexing.uninstall(self)
