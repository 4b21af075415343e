"""What one attempt of a request came to, and what may follow, as a table.

The table decides by what may have happened to the request, and not by its status alone:

1. A request that was not sent, or that a node did not execute, may be sent again.
2. A write that was sent, and of which no answer came, may have been applied. Only the
   caller knows whether the write may be applied twice.
3. An answer of the application is the caller's, whatever its status.
4. A view that changed ends a session: the answers that it gave may be lost, so a write
   that relies on them is not repeated in another session.
"""

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from ccfpy.client.reply import TXID_HEADER, Reply

RETRY_AFTER = "retry-after"
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_REDIRECTS = (307, 308)
VIEW_CHANGED = "SessionConsistencyLost"
"""The code of a 500 that ends a session together with its view."""
NOT_EXECUTED = frozenset(
    {
        "BackupNotFound",
        "InternalError",  # with 503: a backup knows no way to the primary
        "PrimaryNotFound",
        "RequestAlreadyForwarded",
        "SessionCapExhausted",
        "TooManyPendingTransactions",
        "TransactionCommitAttemptsExceedLimit",
        "TransactionReplicationFailed",
    }
)
"""Codes of a 503 that a node answers instead of executing the request."""


class Outcome(Enum):
    """What one attempt came to."""

    NOT_SENT = auto()
    """There was no connection, so no byte of the request was sent."""
    REDIRECTED = auto()
    """A node named the address to ask."""
    NOT_EXECUTED = auto()
    """A node refused the request for a reason that passes."""
    VIEW_CHANGED = auto()
    """The session ended with its view, before the request was executed."""
    NO_ANSWER = auto()
    """The request was sent, and the connection or the time ended."""
    FORWARD_LOST = auto()
    """A backup forwarded the request and heard no answer of the primary."""
    ANSWERED = auto()
    """The service answered, with success or an error."""


class Repeatability(Enum):
    """How often a request may be applied."""

    READ = auto()
    """The request changes nothing."""
    IDEMPOTENT = auto()
    """Applied twice, the write does what it does once; its caller says so."""
    ONCE = auto()
    """The write must not be applied twice."""


class Move(Enum):
    """What follows an attempt."""

    ASK_NEXT = auto()
    """Send the request to the next address at once."""
    FOLLOW = auto()
    """Send the request to the address that the answer names."""
    REPEAT = auto()
    """Wait, and send the request again."""
    GIVE_UP = auto()
    """Report that nobody knows whether the request was applied."""
    RETURN = auto()
    """Return the answer."""


MOVES: Mapping[Outcome, Mapping[Repeatability, Move]] = MappingProxyType(
    {
        Outcome.NOT_SENT: dict.fromkeys(Repeatability, Move.ASK_NEXT),
        Outcome.REDIRECTED: dict.fromkeys(Repeatability, Move.FOLLOW),
        Outcome.NOT_EXECUTED: dict.fromkeys(Repeatability, Move.REPEAT),
        Outcome.VIEW_CHANGED: {
            Repeatability.READ: Move.REPEAT,
            Repeatability.IDEMPOTENT: Move.RETURN,
            Repeatability.ONCE: Move.RETURN,
        },
        Outcome.NO_ANSWER: {
            Repeatability.READ: Move.REPEAT,
            Repeatability.IDEMPOTENT: Move.REPEAT,
            Repeatability.ONCE: Move.GIVE_UP,
        },
        Outcome.FORWARD_LOST: {
            Repeatability.READ: Move.REPEAT,
            Repeatability.IDEMPOTENT: Move.REPEAT,
            Repeatability.ONCE: Move.GIVE_UP,
        },
        Outcome.ANSWERED: dict.fromkeys(Repeatability, Move.RETURN),
    }
)


def repeatability(method: str, *, is_idempotent: bool) -> Repeatability:
    """Return how often a request may be applied.

    PUT and DELETE are writes like POST: in a ledger, their second application is a
    second transaction.
    """
    if method.upper() in READING_METHODS:
        return Repeatability.READ
    return Repeatability.IDEMPOTENT if is_idempotent else Repeatability.ONCE


def outcome_of(reply: Reply) -> Outcome:
    """Return what an answer says about its request.

    An answer with a transaction's id is about a transaction that was executed, whatever
    its status.
    """
    if reply.status in _REDIRECTS and "location" in reply.headers:
        return Outcome.REDIRECTED
    if TXID_HEADER in reply.headers or not reply.is_error:
        return Outcome.ANSWERED
    code = reply.error_code
    match reply.status:
        case 503 if code in NOT_EXECUTED or RETRY_AFTER in reply.headers:
            return Outcome.NOT_EXECUTED
        case 500 if code == VIEW_CHANGED:
            return Outcome.VIEW_CHANGED
        case 504:
            return Outcome.FORWARD_LOST
        case _:
            return Outcome.ANSWERED


def move_after(
    outcome: Outcome, repeat: Repeatability, *, has_independent_calls: bool
) -> Move:
    """Return what follows an attempt.

    Args:
        outcome: what the attempt came to.
        repeat: how often the request may be applied.
        has_independent_calls: no call relies on what an earlier call was answered.
    """
    if outcome is Outcome.VIEW_CHANGED and has_independent_calls:
        return Move.REPEAT
    return MOVES[outcome][repeat]
