"""Callers that wait until more is committed than they know of.

A watch ends with the commit that it waits for, or when its time is over. Either way its
caller learns what is committed then, and may ask again. A watch of a caller that has
gone is answered to nobody, and gives its place to another watch.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.base.ids import TxId
from ccfpy.endpoints.awaited import Answer, Awaited
from ccfpy.http.errors import ErrorCode, unavailable
from ccfpy.http.messages import Response

COMMIT_WATCHES_MAX: int = 256
"""Callers of a node that wait for its next commit, which answers all of them within one
step; beyond it they are refused."""


@dataclass(slots=True, eq=False)
class _Watch:
    """One caller that waits."""

    known: TxId
    answer: Callable[[], Response]
    awaited: Awaited
    deadline_ms: int

    def end(self) -> None:
        """Answer the caller, if there is one still."""
        if not self.awaited.is_abandoned:
            self.awaited.settle(self.answer())


class CommitWatches:
    """The callers of a node that wait for the next commit.

    Args:
        committed: names the last committed transaction.
        now_ms: the time.
    """

    def __init__(self, *, committed: Callable[[], TxId | None], now_ms: int) -> None:
        self._committed = committed
        self._now_ms = now_ms
        self._watches: list[_Watch] = []
        self._next_deadline_ms: int | None = None

    def __len__(self) -> int:
        """Return how many callers wait."""
        return len(self._watches)

    def watch(
        self, known: TxId, answer: Callable[[], Response], within_ms: int
    ) -> Answer:
        """Answer once more is committed than ``known``, or the time is over.

        Args:
            known: the last transaction that the caller knows to be committed; of any
                view if its view is 0.
            answer: makes the answer, from what is committed then.
            within_ms: how long the caller waits.

        Raises:
            ApiError: 503, too many wait already.
        """
        committed = self._committed()
        if committed is not None and _is_news(committed, known):
            return answer()
        self._make_room()
        watch = _Watch(
            known=known,
            answer=answer,
            awaited=Awaited(),
            deadline_ms=self._now_ms + within_ms,
        )
        self._watches.append(watch)
        self._expect(watch.deadline_ms)
        return watch.awaited

    def committed(self, tx_id: TxId) -> None:
        """Note that everything up to this transaction is final."""
        if self._watches:
            self._end(lambda watch: _is_news(tx_id, watch.known))

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and answer those that have waited long enough."""
        self._now_ms = now_ms
        if self._next_deadline_ms is None or now_ms < self._next_deadline_ms:
            return
        self._next_deadline_ms = None
        self._end(lambda watch: watch.deadline_ms <= now_ms)
        for watch in self._watches:
            self._expect(watch.deadline_ms)

    def _end(self, is_over: Callable[[_Watch], bool]) -> None:
        watches, self._watches = self._watches, []
        for watch in watches:
            if is_over(watch):
                watch.end()
            else:
                self._watches.append(watch)

    def _make_room(self) -> None:
        if len(self._watches) < COMMIT_WATCHES_MAX:
            return
        self._end(lambda watch: watch.awaited.is_abandoned)
        if len(self._watches) >= COMMIT_WATCHES_MAX:
            raise unavailable(
                ErrorCode.TooManyPendingTransactions,
                "Too many requests wait for the next commit.",
                after_s=limits.RETRY_AFTER_S,
            )

    def _expect(self, deadline_ms: int) -> None:
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms


def _is_news(committed: TxId, known: TxId) -> bool:
    """Return whether a commit is later than what a caller knows.

    A later view is news whatever its seqno: what the caller knows of an earlier view
    may have been lost.
    """
    if known.view and committed.view != known.view:
        return committed.view > known.view
    return committed.seqno > known.seqno
