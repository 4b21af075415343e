"""Callers that wait for a commit: of their transaction, or of any later one.

`CommitWaits` holds responses until their transactions are final or their time is over.
A transaction of an earlier view that this node lost becomes invalid only when a later
view has committed something; until then another node may bring it back. A rollback
therefore needs no action here, only an advance of the commit.

`CommitWatches` holds callers until more is committed than they know, or until their
time is over. Either way a caller learns what is committed, and may ask again. If a
caller has gone, its watch is not answered and gives its place to another one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from ccfpy.base import limits
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.boundary.metrics import TIME_EDGES_MS
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.commit_wait import STATUS_HEADER
from ccfpy.endpoints.frontend import TX_ID_HEADER
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.http.errors import ApiError, ErrorCode, unavailable
from ccfpy.http.messages import Response


@dataclass(order=True, slots=True)
class _CommitWait:
    """One response that waits; the earliest transaction comes first."""

    seqno: Seqno
    number: int
    tx_id: TxId = field(compare=False)
    response: Response = field(compare=False)
    awaited: Awaited = field(compare=False)
    deadline_ms: int = field(compare=False)
    within_ms: int = field(compare=False)
    decided: "Callable[[Awaited], None] | None" = field(compare=False, default=None)

    def settle(self, response: Response) -> None:
        """Answer, or call ``decided`` if that makes the answer."""
        if self.decided is None:
            self.awaited.settle(response)
        else:
            self.decided(self.awaited)


class CommitWaits:
    """The responses of a node that wait for commit.

    Attributes:
        status: returns the status of a transaction.
        waited_ms: waiting times of responses, in milliseconds.
    """

    def __init__(self, *, status: Callable[[TxId], TxStatus], now_ms: int) -> None:
        self.status = status
        self._now_ms = now_ms
        self._waits: list[_CommitWait] = []
        self._count = 0
        self._next_deadline_ms: int | None = None
        self._committed_view: View = 0
        self.waited_ms = Histogram(TIME_EDGES_MS)

    def __len__(self) -> int:
        """Return how many responses wait."""
        return len(self._waits)

    def admit(self) -> None:
        """Check that there is room for one more request that waits.

        Raises:
            ApiError: 503, too many requests wait.
        """
        if len(self._waits) < limits.COMMIT_WAITS_MAX:
            return
        self._keep(lambda wait: not wait.awaited.is_abandoned)
        if len(self._waits) >= limits.COMMIT_WAITS_MAX:
            raise unavailable(
                ErrorCode.TooManyPendingTransactions,
                "Too many requests wait for commit.",
                after_s=limits.RETRY_AFTER_S,
            )

    def wait(self, tx_id: TxId, response: Response, within_ms: int) -> Answer:
        """Answer ``response`` once its transaction is committed, or else an error."""
        if (final := _final(tx_id, self.status(tx_id), response)) is not None:
            self.waited_ms.observe(0)
            return final
        return self._add(tx_id, response, within_ms, None)

    def decide(
        self, tx_id: TxId, decided: Callable[[Awaited], None], within_ms: int
    ) -> Awaited:
        """Call ``decided`` once a transaction is final, or the time is over.

        Args:
            tx_id: the transaction.
            decided: has the caller of this pending answer answered; must not fail.
            within_ms: how long the caller waits, in milliseconds.
        """
        if self.status(tx_id) in (TxStatus.COMMITTED, TxStatus.INVALID):
            self.waited_ms.observe(0)
            awaited = Awaited()
            decided(awaited)
            return awaited
        return self._add(tx_id, Response(status=200), within_ms, decided)

    def _add(
        self,
        tx_id: TxId,
        response: Response,
        within_ms: int,
        decided: Callable[[Awaited], None] | None,
    ) -> Awaited:
        self._count += 1
        wait = _CommitWait(
            seqno=tx_id.seqno,
            number=self._count,
            tx_id=tx_id,
            response=response,
            awaited=Awaited(),
            deadline_ms=self._now_ms + within_ms,
            within_ms=within_ms,
            decided=decided,
        )
        heappush(self._waits, wait)
        self._expect(wait.deadline_ms)
        return wait.awaited

    def committed(self, tx_id: TxId) -> None:
        """Note that everything up to this transaction is final."""
        waits = self._waits
        if tx_id.view != self._committed_view:
            self._committed_view = tx_id.view
            self._keep(self._is_open)
            return
        while waits and waits[0].seqno <= tx_id.seqno:
            self._is_open(heappop(waits))

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and answer callers whose deadline has passed."""
        self._now_ms = now_ms
        if self._next_deadline_ms is None or now_ms < self._next_deadline_ms:
            return
        self._next_deadline_ms = None
        self._keep(self._has_time)

    def _is_open(self, wait: _CommitWait) -> bool:
        """Settle a wait if its transaction is final; return whether it is not."""
        final = _final(wait.tx_id, self.status(wait.tx_id), wait.response)
        if final is not None:
            self._observe(wait)
            wait.settle(final)
        return final is None

    def _has_time(self, wait: _CommitWait) -> bool:
        if wait.deadline_ms > self._now_ms:
            self._expect(wait.deadline_ms)
            return True
        self._observe(wait)
        status = self.status(wait.tx_id)
        wait.settle(
            _refusal(
                504,
                ErrorCode.TransactionPendingOrUnknown,
                f"Transaction {wait.tx_id} was not committed within "
                f"{wait.within_ms}ms. Its status will tell what becomes of it.",
                wait.tx_id,
                status,
            )
        )
        return False

    def _observe(self, wait: _CommitWait) -> None:
        began_ms = wait.deadline_ms - wait.within_ms
        self.waited_ms.observe(max(0, self._now_ms - began_ms))

    def _keep(self, is_kept: Callable[[_CommitWait], bool]) -> None:
        self._waits = [wait for wait in self._waits if is_kept(wait)]
        heapify(self._waits)

    def _expect(self, deadline_ms: int) -> None:
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms


def _final(tx_id: TxId, status: TxStatus, response: Response) -> Response | None:
    """Return the answer for a transaction of final status; nothing for others."""
    if status is TxStatus.COMMITTED:
        response.headers[STATUS_HEADER] = status
        return response
    if status is TxStatus.INVALID:
        return _refusal(
            503,
            ErrorCode.TransactionInvalid,
            f"Transaction {tx_id} was lost when the primary changed and will never be "
            "committed. The request can be sent again.",
            tx_id,
            status,
        )
    return None


def _refusal(
    status: int, code: ErrorCode, message: str, tx_id: TxId, tx_status: TxStatus
) -> Response:
    headers = {TX_ID_HEADER: str(tx_id), STATUS_HEADER: str(tx_status)}
    return ApiError(status, code, message, headers=headers).response()


COMMIT_WATCHES_MAX: int = 256
"""Maximum number of callers that wait for a node's next commit, which answers all of
them in one step. Further callers are refused."""


@dataclass(slots=True, eq=False)
class _Watch:
    """One waiting caller."""

    known: TxId
    answer: Callable[[], Response]
    awaited: Awaited
    deadline_ms: int

    def end(self) -> None:
        """Answer the caller, unless it has gone."""
        if not self.awaited.is_abandoned:
            self.awaited.settle(self.answer())


class CommitWatches:
    """The callers of a node that wait for the next commit.

    Args:
        committed: returns the id of the last committed transaction.
        now_ms: the time, in milliseconds.
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
            known: the last transaction that the caller knows to be committed; view 0
                stands for any view.
            answer: returns the answer, from the state of commit at that time.
            within_ms: how long the caller waits, in milliseconds.

        Raises:
            ApiError: 503, too many callers wait.
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
        """Advance the clock, and answer callers whose deadline has passed."""
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

    A later view is news whatever its seqno, because transactions of the earlier view
    may be lost.
    """
    if known.view and committed.view != known.view:
        return committed.view > known.view
    return committed.seqno > known.seqno
