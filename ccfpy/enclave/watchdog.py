"""Takes the node from a slow call of an application's code, and ends it at its limit.

A thread of its own looks every ``WATCHDOG_TICK_MS`` while calls are made, and rests
when none are, so that a fast call pays for no look.

1. A call that has had the node for ``SLOW_CALL_MS`` loses it to another thread; while
   others are away, for ``SLOW_CALL_HURRY_MS``.
2. A call over its limit of time or memory is ended (``ending.py``). A call that was
   over its limit has failed, even if it returned.
3. A call that is not back ``SLOW_CALL_GIVEN_UP_MS`` later is given up.
4. A call that has been ended ``WATCHDOG_ATTEMPTS_MAX`` times and still goes on ends the
   enclave.
"""

import sys
import time
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import monotonic_ns
from types import CodeType
from typing import Final, Protocol

from ccfpy.base import limits
from ccfpy.enclave.ending import Ending
from ccfpy.enclave.workers import Gate, Worker

_NS_PER_MS: Final = 1_000_000
_MS_PER_S: Final = 1000
_USUAL_SWITCH_S: Final = sys.getswitchinterval()
_SWITCH_S: Final = 0.001
"""How long a thread may hold Python's own lock while calls are away."""


class Meter(Protocol):
    """Measures this process's memory."""

    def data_bytes(self) -> int:
        """Return the bytes that it holds of its own."""
        ...


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
        self._meter = meter
        self._outermost = outermost
        self._stuck = stuck
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._base_bytes = 0
        self._read_bytes: int | None = None
        self._thread = Thread(target=self._watch, name="watchdog", daemon=True)

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
        self._relax()

    def _watch_until_ended(self) -> None:
        while not self._watched.is_ended:
            self._bell.get()
            self._base_bytes = self._meter.data_bytes()
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
                if looks >= limits.WATCHDOG_IDLE_TICKS:
                    # What the node itself takes is not the next call's.
                    looks = 0
                    self._base_bytes = self._meter.data_bytes()

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
        self._read_bytes = None
        for worker in list(self._watched.workers):
            began_ns = worker.began_ns
            is_new = began_ns != worker.seen_ns
            if worker.is_calling or is_new:
                is_any = True
            if worker.is_calling:
                if is_new:
                    worker.base_bytes = self._base_now()
                self._look_at(worker, began_ns)
            worker.seen_ns = began_ns
        return is_any

    def _base_now(self) -> int:
        """Return what the process took before a call that is seen first now."""
        # While others are away, what they take is not this call's.
        is_alone = not self._watched.is_any_away
        return self._base_bytes if is_alone else self._data_bytes()

    def _data_bytes(self) -> int:
        """Return what the process takes, read once in a look for all calls."""
        if self._read_bytes is None:
            self._read_bytes = self._meter.data_bytes()
        return self._read_bytes

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
            ending = self._ending_for(worker, began_ns, age_ns)
            if ending is None:
                return
            worker.ending = ending
        ending.look()
        if ending.looks_in_vain > limits.WATCHDOG_ATTEMPTS_MAX:
            self._stuck(f"{ending.reason}; it cannot be ended")
        over_ns = monotonic_ns() - ending.found_ns
        if over_ns > limits.SLOW_CALL_GIVEN_UP_MS * _NS_PER_MS:
            self._watched.give_up(worker, began_ns, ending.hanging)

    def _ending_for(self, worker: Worker, began_ns: int, age_ns: int) -> Ending | None:
        """Return what ends a call, if the call is over a limit."""
        is_late = age_ns > worker.execution_ms_max * _NS_PER_MS
        if is_late:
            reason: str | None = reason_of_time(age_ns, worker.execution_ms_max)
        else:
            reason = self._reason_of_memory(worker, age_ns)
        if reason is None or worker.traced is None:
            return None
        return Ending(
            worker,
            began_ns,
            thread=worker.traced,
            outermost=self._outermost,
            reason=reason,
            is_late=is_late,
        )

    def _reason_of_memory(self, worker: Worker, age_ns: int) -> str | None:
        """Return by how much the process has grown, if that is too much."""
        if age_ns < limits.WATCHDOG_TICK_MS * _NS_PER_MS:
            return None
        grown = self._data_bytes() - worker.base_bytes
        most = worker.memory_bytes_max
        return f"it took {grown} bytes, and may take {most}" if grown > most else None


def reason_of_time(took_ns: int, execution_ms_max: int) -> str:
    """Return how a call went beyond its limit of time."""
    return f"it took {took_ns // _NS_PER_MS} ms, and may take {execution_ms_max} ms"
