"""The committed ledger from some transaction on, read back a stretch at a time.

While one stretch is processed, the next stretch is already on its way. Transactions are
verified like every past state, and forgotten once they were returned.
"""

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.base import limits
from ccfpy.base.ids import Seqno
from ccfpy.endpoints.history import HistoryFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.endpoints.history import HistoricalState, History

STRETCHES = 2
"""Asked for at once."""


class _Stretch(NamedTuple):
    """States that were asked for; itself the handle that they were asked for under."""

    first: Seqno
    last: Seqno


class PastReader:
    """The progress of one reader.

    Args:
        history: gives past states.
    """

    def __init__(self, history: "History") -> None:
        self._history = history
        self._under_way: deque[_Stretch] = deque()

    def read(
        self, first: Seqno, committed: Seqno
    ) -> "Sequence[HistoricalState] | None":
        """Return some states from ``first`` on, or nothing while they are on their way.

        Continue with the seqno after the last state; another ``first`` begins there.

        Raises:
            HistoryFailed: they cannot be had, now or at all.
        """
        under_way = self._under_way
        if under_way and under_way[0].first != first:
            self.stop()
        while len(under_way) < STRETCHES:
            begin = under_way[-1].last + 1 if under_way else first
            if begin > committed:
                break
            last = min(begin + limits.INDEX_ENTRIES_PER_READ - 1, committed)
            under_way.append(_Stretch(begin, last))
            self._history.states_range((self, begin), begin, last)
        head = under_way[0]
        if not self._history.is_settled((self, head.first)):
            return None
        states = self._history.states_range((self, head.first), *head)
        if states is None:
            # It was forgotten before it was there, and has just begun anew.
            raise HistoryFailed(f"the host did not give entries from {head.first} on")
        under_way.popleft()
        self._history.drop_request((self, head.first))
        return states

    def stop(self) -> None:
        """Want nothing any more."""
        while self._under_way:
            self._history.drop_request((self, self._under_way.pop().first))
