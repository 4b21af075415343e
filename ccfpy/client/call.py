"""One call, from its first attempt to its answer, as a state machine without I/O.

A call is told what each attempt came to, and says what to do next: send the request to
an address, wait, or return an answer. A table says what may follow an attempt. It
decides by what may have happened to the request, and not by its status alone:

1. A request that was not sent, or that a node did not execute, may be sent again.
2. A write that was sent, and of which no answer came, may have been applied. Only the
   caller knows whether the write may be applied twice.
3. An answer of the application is the caller's, whatever its status.
4. A view that changed ends a session: the answers that it gave may be lost, so a write
   that relies on them is not repeated in another session.

Time is bounded too:

5. The deadline covers everything: attempts, redirects and waits.
6. If nothing was sent to any address that is known, the call ends at once.
7. A wait that would outlast the deadline is not begun: the call ends with what it has.
8. An attempt that may be repeated elsewhere gets half of the time that is left, so that
   a node that hangs does not use up the whole time.
9. Waits grow, and a random part of each is waited, which lets a service recover from
   an outage. A budget bounds what the calls of a connection repeat on their own
   account, so that an outage does not double the load. What a node asks to be repeated
   by ``Retry-After`` is not on that account: the node sets the pace.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from ccfpy.client.addresses import Addresses, origin_of, redirect_target
from ccfpy.client.errors import OutcomeUnknown, Unreachable
from ccfpy.client.requests import TXID_HEADER, Reply

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


WAIT_FIRST_S = 0.05
WAIT_MAX_S = 2.0
BUDGET_SHARE = 0.1
"""Repeated attempts for each call."""
BUDGET_MAX = 10.0
"""Repeated attempts that may be saved up; a new connection begins with as many."""
SPREAD = 0.25
"""By which part at most a wait that a node asks for is extended, so that clients do not
all come back at once."""

_DOUBLINGS_MAX = 16
_DIGITS_MAX = 6


def wait_s(repeated: int, *, chance: float, asked_s: float | None = None) -> float:
    """Return how long to wait, in seconds.

    Args:
        repeated: how often the call was repeated before.
        chance: at random, at least 0 and less than 1.
        asked_s: what the node asked for, if it did.
    """
    if asked_s is not None and asked_s > 0:
        return asked_s * (1 + SPREAD * chance)
    longest = WAIT_FIRST_S * float(2 ** min(repeated, _DOUBLINGS_MAX))
    return min(longest, WAIT_MAX_S) * chance


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``, or nothing where they are no number.

    The header's other form, a date, is not what a node sends.
    """
    text = headers.get(RETRY_AFTER, "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX:
        return None
    return float(text)


class RetryBudget:
    """How many attempts the calls of one connection may repeat."""

    def __init__(
        self, *, share: float = BUDGET_SHARE, most: float = BUDGET_MAX
    ) -> None:
        self._share = share
        self._most = most
        self._saved = most

    def earn(self) -> None:
        """Count a call."""
        self._saved = min(self._most, self._saved + self._share)

    def spend(self) -> bool:
        """Take one repetition from the budget; return whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True


REDIRECTS_MAX = 5
"""Redirects that one attempt follows."""
_LATE = "did not answer in time"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send the request to an address, and give up after so many seconds."""

    url: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds, then go on."""

    seconds: float


Action = Attempt | Pause | Reply


class Clock(Protocol):
    """What a call asks for the time."""

    def __call__(self) -> float:
        """Return the time in seconds; it never goes back."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What all calls of one connection have in common.

    Attributes:
        is_repeating: whether requests are sent again at all.
        has_independent_calls: no call relies on what an earlier call was answered.
        keeps_path: a redirect to another path is not followed.
        budget: of repetitions that no node asked for.
        chance: draws a number that is at least 0 and less than 1.
        clock: returns the time.
    """

    is_repeating: bool
    has_independent_calls: bool
    keeps_path: bool
    budget: RetryBudget
    chance: Callable[[], float]
    clock: Clock


@dataclass(slots=True, kw_only=True)
class Call:
    """A request on its way.

    Attributes:
        method: the HTTP method.
        path: with its query.
        repeat: how often the request may be applied.
        addresses: of the nodes; what the call learns of them is kept there.
        rules: of the connection.
        deadline_s: when the call must have ended, by the clock of ``rules``.
    """

    method: str
    path: str
    repeat: Repeatability
    addresses: Addresses
    rules: Rules
    deadline_s: float
    _url: str = ""
    _repeated: int = 0
    _redirects: int = 0
    _reached: bool = False
    _may_be_applied: bool = False
    _left: list[str] = field(default_factory=list)
    _unreached: list[str] = field(default_factory=list)

    def start(self) -> Action:
        """Begin the call, or go on after a pause."""
        is_write = self.repeat is not Repeatability.READ
        self._left = self.addresses.order(is_write=is_write)
        self._unreached.clear()
        self._reached = False
        return self._ask_next()

    def not_sent(self, reason: str) -> Action:
        """Go on after an attempt for which there was no connection.

        Raises:
            OutcomeUnknown: no address could be reached, and an earlier attempt may have
                been applied.
            Unreachable: no address could be reached.
        """
        origin = origin_of(self._url)
        self.addresses.failed(origin)
        self._unreached.append(f"no answer from {origin}: {reason}")
        return self._ask_next()

    def no_answer(self, reason: str) -> Action:
        """Go on after a request that was sent, and of which no answer came.

        Raises:
            OutcomeUnknown: the request may have been applied.
            Unreachable: a request that changes nothing cannot be repeated any more.
        """
        origin = origin_of(self._url)
        self.addresses.failed(origin)
        self._may_be_applied = True
        if self._move(Outcome.NO_ANSWER) is Move.REPEAT:
            pause = self._pause(None)
            if pause is not None:
                return pause
        raise self.failure(f"no answer from {origin}: {reason}")

    def answered(self, reply: Reply) -> Action:
        """Go on after an answer.

        Raises:
            OutcomeUnknown: the request may have been applied.
            Unreachable: the answer redirects to where nobody may follow.
        """
        self._reached = True
        outcome = outcome_of(reply)
        origin = origin_of(self._url)
        if outcome is Outcome.REDIRECTED and not self._leads_elsewhere(reply):
            return self._follow(reply)
        if outcome in (Outcome.ANSWERED, Outcome.REDIRECTED):
            self.addresses.answered(origin)
            return reply
        self.addresses.failed(origin)
        self._may_be_applied |= outcome is Outcome.FORWARD_LOST
        if self._move(outcome) is Move.REPEAT:
            pause = self._pause(asked_wait_s(reply.headers))
            if pause is not None:
                return pause
        if self._may_be_applied and self.repeat is not Repeatability.READ:
            raise self.failure(f"{origin} answered {reply.status}")
        return reply

    def failure(self, reason: str) -> Unreachable:
        """Return the error for a call that ends without an answer.

        It is ``OutcomeUnknown`` for a write that was sent, this time or before.
        """
        if self._may_be_applied and self.repeat is not Repeatability.READ:
            return OutcomeUnknown(self.method, self.path, reason)
        return Unreachable(reason)

    def _move(self, outcome: Outcome) -> Move:
        return move_after(
            outcome,
            self.repeat,
            has_independent_calls=self.rules.has_independent_calls,
        )

    def _ask_next(self) -> Action:
        if self._left:
            self._redirects = 0
            return self._attempt(urljoin(self._left.pop(0), self.path))
        # A node that answers and redirects to a dead primary will soon know better.
        if self._reached and (pause := self._pause(None, is_free=True)) is not None:
            return pause
        raise self.failure("; ".join(self._unreached))

    def _leads_elsewhere(self, reply: Reply) -> bool:
        """Return whether a redirect names another path, and none may be followed."""
        if not self.rules.keeps_path:
            return False
        try:
            target = urlsplit(urljoin(self._url, reply.headers["location"]))
        except ValueError:
            return True
        asked = urlsplit(self._url)
        return (target.path, target.query) != (asked.path, asked.query)

    def _follow(self, reply: Reply) -> Action:
        try:
            target = redirect_target(self._url, reply.headers["location"])
        except Unreachable as error:
            raise self.failure(str(error)) from error
        self._redirects += 1
        if self._redirects >= REDIRECTS_MAX:
            raise self.failure(
                f"{self.method} {self.path} was redirected {REDIRECTS_MAX} times"
            )
        if self.repeat is not Repeatability.READ:
            self.addresses.led_to(origin_of(target))
        return self._attempt(target)

    def _attempt(self, url: str) -> Attempt:
        self._url = url
        left_s = self.deadline_s - self.rules.clock()
        if left_s <= 0:
            raise self.failure(f"{origin_of(url)} {_LATE}")
        may_hang = len(self.addresses.known) > 1 and self.rules.is_repeating
        if may_hang and self.repeat is not Repeatability.ONCE:
            left_s /= 2
        return Attempt(url, left_s)

    def _pause(self, asked_s: float | None, *, is_free: bool = False) -> Pause | None:
        """Return the wait before the request is sent again, if it may be.

        Args:
            asked_s: what a node asked for, if it did.
            is_free: nobody received the request, so that it is no burden.
        """
        if not self.rules.is_repeating:
            return None
        seconds = wait_s(self._repeated, chance=self.rules.chance(), asked_s=asked_s)
        if self.rules.clock() + seconds >= self.deadline_s:
            return None
        is_paid = is_free or asked_s is not None or self.rules.budget.spend()
        if not is_paid:
            return None
        self._repeated += 1
        return Pause(seconds)
