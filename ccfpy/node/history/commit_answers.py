"""Answers that an application makes once its transaction is committed.

The caller waits with those that wait for commit, in the same number of places. The
application's code runs at the end of a step and never while something is committed. It
runs when the transaction's state and receipt are there, so that it can answer with the
receipt.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base import limits
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.awaited import Answer, Awaited
from ccfpy.endpoints.history import HistoricalState, HistoryFailed

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId
    from ccfpy.node.history.state_cache import StateCache
    from ccfpy.node.replication.commit_waits import CommitWaits

Make: TypeAlias = Callable[[TxStatus, HistoricalState | None], Answer]


@dataclass(frozen=True, slots=True)
class CommitAnswers:
    """What calls an application once its transactions are final.

    Attributes:
        waits: those that wait for commit.
        history: gives a transaction's state and receipt, and runs what is due.
    """

    waits: "CommitWaits"
    history: "StateCache"

    def admit(self) -> None:
        """Ask before a transaction is committed whose caller would wait.

        Raises:
            ApiError: 503, too many wait already.
        """
        self.waits.admit()

    def answer(self, tx_id: "TxId", make: Make) -> Awaited:
        """Answer with what ``make`` returns once it is known what became of ``tx_id``.

        ``make`` is called with Committed and the transaction's state; with Invalid; or
        with Pending, if neither is known in time.
        """
        run = partial(self._run, tx_id, make, is_last=False)
        return self.waits.decide(
            tx_id, partial(self.history.run_later, run), limits.COMMIT_WAIT_MS_MAX
        )

    def _run(self, tx_id: "TxId", make: Make, *, is_last: bool) -> Answer:
        status = self.waits.status(tx_id)
        if status is TxStatus.INVALID:
            return make(status, None)
        if status is not TxStatus.COMMITTED:
            return make(TxStatus.PENDING, None)
        handle = (CommitAnswers, make)
        try:
            state = self.history.state_at(handle, tx_id.seqno)
        except HistoryFailed:
            return make(TxStatus.PENDING, None)
        if state is not None:
            self.history.drop_request(handle)
            return make(status, state)
        if is_last:
            return make(TxStatus.PENDING, None)
        awaited = Awaited()
        self.history.run_later(
            partial(self._run, tx_id, make, is_last=True),
            awaited,
            until=lambda: self.history.is_settled(handle),
            within_ms=limits.HISTORY_WAIT_MS_MAX,
        )
        return awaited
