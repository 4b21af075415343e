"""A caller's wish to be answered only once its transaction is committed.

An extension: ``x-ccfpy-wait-for-commit`` names how many milliseconds the caller would
wait. The answer then tells, in ``x-ccfpy-transaction-status``, what became of it.
"""

from typing import TYPE_CHECKING, Final, Protocol

from ccfpy.base import limits
from ccfpy.http.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import TxId
    from ccfpy.consensus.status import TxStatus
    from ccfpy.endpoints.history import HistoricalState
    from ccfpy.endpoints.pending import Answer, Awaited
    from ccfpy.http.messages import Request, Response


_DIGITS_MAX = len(str(limits.COMMIT_WAIT_MS_MAX))

WAIT_HEADER: Final = "x-ccfpy-wait-for-commit"
COMMIT_WATCH_MS: int = 2_000
"""How long a caller waits for the next commit that does not say how long: shorter than
a forwarded request may take by default."""
STATUS_HEADER = "x-ccfpy-transaction-status"


class CommitWaiting(Protocol):
    """Where responses wait until their transactions are final."""

    def admit(self) -> None:
        """Ask before a request is run that would wait.

        Raises:
            ApiError: 503, too many wait already.
        """
        ...

    def wait(self, tx_id: "TxId", response: "Response", within_ms: int) -> "Answer":
        """Answer with ``response`` once the transaction is committed, or why not."""
        ...


class AnsweringAtCommit(Protocol):
    """Where callers wait whose answers are made once their transactions are final."""

    def admit(self) -> None:
        """Ask before a transaction is committed whose caller would wait.

        Raises:
            ApiError: 503, too many wait already.
        """
        ...

    def answer(
        self,
        tx_id: "TxId",
        make: "Callable[[TxStatus, HistoricalState | None], Answer]",
    ) -> "Awaited":
        """Answer with what ``make`` returns once it is known what became of ``tx_id``.

        Args:
            tx_id: the transaction.
            make: is called in a later step with Committed and the transaction's state;
                with Invalid; or with Pending, if neither is known in time.
        """
        ...


class CommitWatching(Protocol):
    """Where callers wait until more is committed than they know of."""

    def watch(
        self, known: "TxId", answer: "Callable[[], Response]", within_ms: int
    ) -> "Answer":
        """Answer once more is committed than ``known``, or the time is over.

        Args:
            known: the last transaction that the caller knows to be committed; of any
                view if its view is 0.
            answer: makes the answer.
            within_ms: how long the caller waits.

        Raises:
            ApiError: 503, too many wait already.
        """
        ...


def commit_wait_ms(request: "Request") -> int | None:
    """Read how long the caller would wait; nothing if it would not.

    Raises:
        ApiError: 400 ``InvalidHeaderValue``, not a number in range.
    """
    text = request.headers.get(WAIT_HEADER)
    if text is None:
        return None
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    wait_ms = int(text) if is_number else 0
    if not 1 <= wait_ms <= limits.COMMIT_WAIT_MS_MAX:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            f"Header {WAIT_HEADER} must be a number of milliseconds from 1 to "
            f"{limits.COMMIT_WAIT_MS_MAX}.",
        )
    return wait_ms
