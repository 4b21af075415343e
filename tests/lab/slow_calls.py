"""Calls of an application's code that are slow when somebody says so.

They stand in for the threads of an enclave: each slow call has a thread of its own, but
one thread at a time runs, and whoever steps the node says which. So a run of slow calls
repeats itself. An application's code calls ``may_stop`` wherever it may stop.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from ccfpy.base import limits
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import CallGivenUp, Given, Result
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event

DEADLINE_S = 60.0


class Stepped(Protocol):
    """A node, as far as threads know it."""

    def step(self, events: Sequence[Event], /) -> Sequence[Effect]:
        """Process events."""

    def leave(self, call: object, /) -> None:
        """Go on without the call that the node makes now."""

    def give_up(self, call: object, reason: str, /) -> Sequence[Effect]:
        """Answer the caller of a call."""

    def came_back_late(self, call: object, /) -> None:
        """Note that a call is over whose caller was answered."""


class SlowCall:
    """A step in a thread of its own, which stops in a call of an application's code.

    Attributes:
        stops_left: how often the call will stop yet.
        quick_left: how many calls come first that do not stop.
        is_over: the thread has done its part.
        is_given_up: the caller of the call has been answered.
        effects: what the thread's part asked for at its end.
    """

    def __init__(
        self, node: Stepped, events: Sequence[Event], stops: int, quick: int = 0
    ) -> None:
        self.stops_left = stops
        self.quick_left = quick
        self.is_over = False
        self.is_given_up = False
        self.effects: list[Effect] = []
        self._node = node
        self._events = events
        self._error: BaseException | None = None
        self._is_ended = False
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._live, daemon=True).start()

    def run_on(self) -> None:
        """Run until the call stops, or the thread's part is over."""
        self._turn.release()
        assert self._back.acquire(timeout=DEADLINE_S), "a slow call must stop or end"
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Stop here until somebody says to run on."""
        self._back.release()
        self._turn.acquire()
        if self._is_ended:
            raise CallGivenUp

    def end(self) -> None:
        """End the thread, which does nothing any more."""
        self._is_ended = True
        self.run_on()

    def _live(self) -> None:
        self._turn.acquire()
        _HERE.call = self
        try:
            self.effects = list(self._node.step(self._events))
        except CallGivenUp:
            self._node.came_back_late(self)
        except BaseException as error:  # noqa: BLE001 - raised where it is run on
            self._error = error
        self.is_over = True
        self._back.release()


class _Here(threading.local):
    """What this thread is in."""

    call: SlowCall | None = None
    is_in_app = False


_HERE = _Here()


def may_stop() -> None:
    """Stop here if this call is slow, and has not stopped often enough."""
    call = _HERE.call
    if call is not None and _HERE.is_in_app and call.stops_left > 0:
        call.stops_left -= 1
        call.stop()


class SlowCalls(AppThreads):
    """The threads of one node, and which of its calls are slow.

    Attributes:
        next_stops: how often the first call of the next step stops; it is fast if 0.
        next_quick: how many calls of that step come before the first that stops.
        away: the calls that the node went on without, the oldest first.
        slow_calls_max: how many may be away at once.
    """

    def __init__(self) -> None:
        self.next_stops = 0
        self.next_quick = 0
        self.away: list[SlowCall] = []
        self.slow_calls_max = limits.SLOW_CALLS_MAX

    @property
    def is_full(self) -> bool:
        """Whether as many calls are away as may be."""
        return self.free <= 0

    @property
    def is_python_full(self) -> bool:
        """Whether no call of Python can be allowed."""
        return self.is_full or self.free_to_hang <= 0

    @property
    def _hung(self) -> int:
        return sum(call.is_given_up for call in self.away)

    @property
    def is_away(self) -> bool:
        """Whether the node went on without the call of the calling thread."""
        return _HERE.call in self.away

    @property
    def free(self) -> int:
        """How many more calls may be away."""
        return self.slow_calls_max - (len(self.away) - self._hung)

    @property
    def free_to_hang(self) -> int:
        """How many more calls of Python may hang."""
        return limits.HUNG_CALLS_MAX - self._hung

    # What a node calls

    def allow(self, slow_calls_max: int) -> None:
        """Allow so many calls to be away at once."""
        self.slow_calls_max = slow_calls_max

    def came_back(self) -> None:
        """Note that the call of the calling thread is over, which stops no more."""
        call = _HERE.call
        if call is not None:
            call.stops_left = 0
            self.away.remove(call)

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        """Call a function, which stops first if it is slow."""
        del execution_ms_max, memory_bytes_max, taken_up_ns
        return self.beside(function, given)

    def beside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Call a function, which stops first if it is slow."""
        was_in_app = _HERE.is_in_app
        if _HERE.call is not None and _HERE.call.quick_left > 0:
            _HERE.call.quick_left -= 1
            return function(given)
        _HERE.is_in_app = True
        try:
            may_stop()
            result = function(given)
        finally:
            _HERE.is_in_app = was_in_app
        if _HERE.call is not None and _HERE.call.is_given_up:
            raise CallGivenUp
        return result

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Call a function; nothing else runs meanwhile."""
        was_in_app, _HERE.is_in_app = _HERE.is_in_app, False
        try:
            return function(given)
        finally:
            _HERE.is_in_app = was_in_app

    # What steps the node

    def step(self, node: Stepped, events: Sequence[Event]) -> list[Effect]:
        """Step a node; it goes on without a call that is slow."""
        if not self.next_stops:
            return list(node.step(events))
        stops, self.next_stops = self.next_stops, 0
        quick, self.next_quick = self.next_quick, 0
        call = SlowCall(node, events, stops, quick)
        call.run_on()
        if call.is_over:
            if call.stops_left == stops:
                self.next_stops = stops  # nothing was called
            return call.effects
        self.away.append(call)
        node.leave(call)
        return list(node.step(()))

    def run_on(self, call: SlowCall) -> list[Effect]:
        """Run a call that is away to its next stop or its end."""
        call.run_on()
        if not call.is_over:
            return []
        if call in self.away:  # given up
            self.away.remove(call)
        return call.effects

    def give_up(self, node: Stepped, call: SlowCall) -> list[Effect]:
        """Answer the caller of a call, which stays away."""
        call.is_given_up = True
        return list(node.give_up(call, "it took 1001 ms, and may take 1000 ms"))

    def end(self) -> None:
        """End all threads; what they would have done is lost."""
        for call in self.away:
            call.end()
        self.away.clear()
