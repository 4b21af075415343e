"""Takes the node from a slow call of an application's code, and ends it at its limit.

A thread of its own looks every ``WATCHDOG_TICK_MS`` while calls are made, and rests
when none are, so that a fast call pays for no look.

1. A call that has had the node for ``SLOW_CALL_MS`` loses it to another thread; while
   others are away, for ``SLOW_CALL_HURRY_MS``.
2. A call over its limit of time is ended (``ending.py``). A call that was over its
   limit has failed, even if it returned. Where calls together take more memory than one
   may, one of them is ended (``growth.py``, ``call_shares.py``).
3. A call that is not back ``SLOW_CALL_GIVEN_UP_MS`` later is given up.
4. A call that has been ended ``WATCHDOG_ATTEMPTS_MAX`` times and still goes on ends the
   enclave.
5. Calls that are away go on in turns (``turn_taking.py``).
"""

import sys
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from time import monotonic_ns
from types import CodeType
from typing import Final, Protocol

from ccfpy.base import limits
from ccfpy.enclave.code_origin import OwnThread
from ccfpy.enclave.ending import Ending
from ccfpy.enclave.growth import Growth, Meter
from ccfpy.enclave.turn_taking import TurnTaking, scripts_at_once
from ccfpy.enclave.workers import Gate, Worker
from ccfpy.endpoints.call_shares import Taking, largest

_NS_PER_MS: Final = 1_000_000
_MS_PER_S: Final = 1000
_USUAL_SWITCH_S: Final = sys.getswitchinterval()
_SWITCH_S: Final = 0.001
"""How long a thread may hold Python's own lock while calls are away."""


class Watched(Protocol):
    """The threads whose calls a watchdog looks after."""

    @property
    def workers(self) -> list[Worker]:
        """All threads that may be in a call."""
        ...

    @property
    def is_any_away(self) -> bool:
        """Whether the node goes on without a call now."""
        ...

    @property
    def is_any_awaited(self) -> bool:
        """Whether a call is away whose caller still waits."""
        ...

    @property
    def is_ended(self) -> bool:
        """Whether there is nothing to look after any more."""
        ...

    def fail(self, error: Exception, /) -> None:
        """End the node, as nobody looks after its calls."""
        ...

    def take_over(self, worker: Worker, /) -> None:
        """Pass the node on from a worker's call to another thread, if possible."""
        ...

    def give_up(self, worker: Worker, began_ns: int, reason: str, /) -> None:
        """Answer the caller of the call that began then, in another thread."""
        ...


class Watchdog:
    """Looks after the calls of a node's threads.

    Args:
        watched: the threads.
        gate: of their calls; says whether the watchdog looks at them.
        meter: of memory.
        outermost: the code that makes each call, or steps the node where that code is
            compiled.
        stuck: called with a call that cannot be ended; ends the process.
    """

    def __init__(
        self,
        watched: Watched,
        gate: Gate,
        meter: Meter,
        *,
        outermost: frozenset[CodeType],
        stuck: Callable[[str], None],
    ) -> None:
        self._watched = watched
        self._gate = gate
        self._growth = Growth(meter)
        self._turns = TurnTaking(outermost, scripts_max=scripts_at_once())
        self._outermost = outermost
        self._stuck = stuck
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._thread = OwnThread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start the thread, which rests."""
        self._thread.start()

    def wait_until_over(self) -> None:
        """Wait until the thread has seen that all is ended."""
        self._thread.join()

    def wake(self) -> None:
        """End the rest, as a call is made."""
        self._gate.is_watched = True
        self._bell.put(None)

    def hasten(self) -> None:
        """Make Python's threads take turns more often, as one of them is away."""
        sys.setswitchinterval(_SWITCH_S)

    def _watch(self) -> None:
        try:
            self._watch_until_ended()
        except Exception as error:  # noqa: BLE001  # the rim
            self._watched.fail(error)
        for worker in list(self._watched.workers):
            self._turns.release(worker)
        self._relax()

    def _watch_until_ended(self) -> None:
        while not self._watched.is_ended:
            self._bell.get()
            self._growth.begin(self._watched.workers[:])
            self._tick()
            self._gate.is_watched = False
            # One that began just now may have taken this thread to be awake.
            if any(worker.is_calling for worker in self._watched.workers):
                self.wake()

    def _tick(self) -> None:
        """Look again and again, until there was nothing to see for a while."""
        looks = idle_looks = 0
        while idle_looks < limits.WATCHDOG_IDLE_TICKS and not self._watched.is_ended:
            time.sleep(self._interval_ms() / _MS_PER_S)
            looks += 1
            idle_looks += 1
            if self._look():
                idle_looks = 0
            if not self._watched.is_any_away:
                self._relax()
                if looks >= limits.WATCHDOG_GROWTH_TICKS:
                    # What the node itself takes is not the next call's.
                    looks = 0
                    self._growth.begin(self._watched.workers[:])

    def _relax(self) -> None:
        if sys.getswitchinterval() != _USUAL_SWITCH_S:
            sys.setswitchinterval(_USUAL_SWITCH_S)

    def _interval_ms(self) -> int:
        for worker in self._watched.workers:
            if worker.ending is not None and worker.ending.is_resisting:
                return limits.WATCHDOG_HURRY_MS
        if self._watched.is_any_awaited:
            return limits.SLOW_CALL_HURRY_MS
        return limits.WATCHDOG_TICK_MS

    def _look(self) -> bool:
        """Look at all calls; return whether there was any since the last look."""
        is_any = False
        workers = list(self._watched.workers)
        for worker in workers:
            is_new = worker.began_ns != worker.seen_ns
            if worker.is_calling or is_new:
                is_any = True
            if is_new:
                worker.grown_bytes = 0
        self._look_at_memory(workers)
        for worker in workers:
            began_ns = worker.began_ns
            if worker.is_calling:
                self._look_at(worker, began_ns)
            worker.seen_ns = began_ns
        if self._watched.is_any_away:
            self._turns.look(workers)
        return is_any

    def _look_at_memory(self, workers: Sequence[Worker]) -> None:
        """End a call if calls together take too much, and none is being ended."""
        now_ns = monotonic_ns()
        tick_ns = limits.WATCHDOG_TICK_MS * _NS_PER_MS
        if not any(
            worker.is_calling and now_ns - worker.began_ns >= tick_ns
            for worker in workers
        ):
            return
        self._growth.charge(workers)
        calls = [
            worker
            for worker in workers
            if worker.is_calling
            and worker.traced is not None
            and not worker.is_script
            and not worker.is_given_up
        ]
        grown = sum(worker.grown_bytes for worker in calls)
        if not calls or any(map(_is_taken_to_end, calls)):
            return
        worker = calls[largest([Taking(it.caller, it.grown_bytes) for it in calls])]
        if grown > worker.memory_bytes_max:
            self._end(
                worker, worker.began_ns, reason_of_memory(worker, grown), is_late=False
            )

    def _look_at(self, worker: Worker, began_ns: int) -> None:
        age_ns = monotonic_ns() - began_ns
        if worker.execution_ms_max:
            self._look_at_limits(worker, began_ns, age_ns)
        if worker.away is None and age_ns > self._slow_ms() * _NS_PER_MS:
            self._watched.take_over(worker)

    def _slow_ms(self) -> int:
        if self._watched.is_any_awaited:
            return limits.SLOW_CALL_HURRY_MS
        return limits.SLOW_CALL_MS

    def _look_at_limits(self, worker: Worker, began_ns: int, age_ns: int) -> None:
        ending = worker.ending
        if ending is None or ending.began_ns != began_ns:
            own_ns, most = age_ns - worker.held_ns, worker.execution_ms_max
            if own_ns <= most * _NS_PER_MS:
                return
            reason = reason_of_time(own_ns, most)
            ending = self._end(worker, began_ns, reason, is_late=True)
            if ending is None:
                return
        ending.look()
        if ending.looks_in_vain > limits.WATCHDOG_ATTEMPTS_MAX:
            self._stuck(f"{ending.reason}; it cannot be ended")
        over_ns = monotonic_ns() - ending.found_ns
        if over_ns > limits.SLOW_CALL_GIVEN_UP_MS * _NS_PER_MS:
            self._watched.give_up(worker, began_ns, ending.hanging)

    def _end(
        self, worker: Worker, began_ns: int, reason: str, *, is_late: bool
    ) -> Ending | None:
        """Begin to end a call, in its own thread."""
        if worker.traced is None:
            return None
        worker.ending = ending = Ending(
            worker,
            began_ns,
            thread=worker.traced,
            outermost=self._outermost,
            reason=reason,
            is_late=is_late,
        )
        self._turns.release(worker)
        return ending


def _is_taken_to_end(worker: Worker) -> bool:
    """Return whether a call is being ended for its memory."""
    ending = worker.ending
    return (
        ending is not None and ending.began_ns == worker.began_ns and not ending.is_late
    )


def reason_of_memory(worker: Worker, grown: int) -> str:
    """Return how calls together went beyond the limit of memory, one most of all."""
    own, most = worker.grown_bytes, worker.memory_bytes_max
    if own > most:
        return f"it took {own} bytes, and may take {most}"
    return f"it took {own} of {grown} bytes, and all calls may take {most}"


def reason_of_time(took_ns: int, execution_ms_max: int) -> str:
    """Return how a call went beyond its limit of time."""
    return f"it took {took_ns // _NS_PER_MS} ms, and may take {execution_ms_max} ms"
