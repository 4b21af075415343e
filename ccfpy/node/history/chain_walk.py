"""Facts that states wait for, each in one known entry, read one after another."""

from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.node.history.entry_fetcher import EntryFetcher, Waiter
    from ccfpy.node.history.past_entry import PastEntry


class ChainWalk:
    """A chain of entries, of which each names the seqno of the entry before it.

    Args:
        pool: where entries come from.
        learn: called with an entry that was needed.
    """

    def __init__(
        self, pool: "EntryFetcher", learn: "Callable[[PastEntry], None]"
    ) -> None:
        self._pool = pool
        self._learn = learn
        self._wanted: Seqno | None = None
        self._waiting: dict[Waiter, None] = {}

    def need(self, seqno: Seqno, waiter: "Waiter") -> None:
        """Read an entry, and resume ``waiter`` when this or another entry is learnt."""
        self._waiting[waiter] = None
        if self._wanted is None:
            self._wanted = seqno
            self._pool.block(self, seqno)

    def release(self, waiter: "Waiter") -> None:
        """Forget a waiter, if it waits."""
        self._waiting.pop(waiter, None)

    def advance(self) -> None:
        """Read the entry, and resume everybody that waited for its fact."""
        assert self._wanted is not None, "nothing else is told of"
        entry = self._pool.take(self._wanted)
        assert entry is not None, "it is there now"
        try:
            self._learn(entry)
        except CcfpyError as error:
            self._pool.refuse(self._wanted, error)
            self.lost(str(error))
            return
        for waiter in self._freed():
            waiter.advance()

    def lost(self, reason: str) -> None:
        """Report the lost entry to all waiters, and forget them."""
        for waiter in self._freed():
            waiter.lost(reason)

    def _freed(self) -> "list[Waiter]":
        waiting = list(self._waiting)
        self._waiting.clear()
        self._wanted = None
        return waiting
