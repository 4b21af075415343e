"""Facts that others wait for, each written in one known entry, read one by one."""

from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import Seqno

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.node.history.entry_fetcher import EntryFetcher, Waiter
    from ccfpy.node.history.past_entry import PastEntry


class ChainWalk:
    """A chain of entries, of which each says where the one before it is.

    Args:
        pool: where entries come from.
        learn: takes an entry that was needed.
    """

    def __init__(
        self, pool: "EntryFetcher", learn: "Callable[[PastEntry], None]"
    ) -> None:
        self._pool = pool
        self._learn = learn
        self._wanted: Seqno | None = None
        self._waiting: dict[Waiter, None] = {}

    def need(self, seqno: Seqno, waiter: "Waiter") -> None:
        """Read an entry, and let ``waiter`` go on when it is learnt, or another is."""
        self._waiting[waiter] = None
        if self._wanted is None:
            self._wanted = seqno
            self._pool.block(self, seqno)

    def release(self, waiter: "Waiter") -> None:
        """Forget that somebody waits, if so."""
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
        """Drop everybody that waited: the entry is lost."""
        for waiter in self._freed():
            waiter.lost(reason)

    def _freed(self) -> "list[Waiter]":
        waiting = list(self._waiting)
        self._waiting.clear()
        self._wanted = None
        return waiting
