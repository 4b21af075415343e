"""One call, from its first attempt to its answer, as a state machine without I/O.

A call is told what each attempt came to, and says what to do next: send the request to
an address, wait, or return an answer. The rules are in ``outcomes``; this file adds
addresses, the deadline, and the budget of repetitions:

1. The deadline covers everything: attempts, redirects and waits.
2. If nothing was sent to any address that is known, the call ends at once.
3. A wait that would outlast the deadline is not begun: the call ends with what it has.
4. An attempt that may be repeated elsewhere gets half of the time that is left, so that
   a node that hangs does not use up the whole time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from ccfpy.client.addresses import Addresses, origin_of, redirect_target
from ccfpy.client.errors import OutcomeUnknown, Unreachable
from ccfpy.client.outcomes import (
    Move,
    Outcome,
    Repeatability,
    move_after,
    outcome_of,
)
from ccfpy.client.reply import Reply
from ccfpy.client.waits import RetryBudget, asked_wait_s, wait_s

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
