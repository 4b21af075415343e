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

By which calls a process has grown.

Nobody counts what each thread takes. What the process grew by between two readings is
charged to threads by the processor time that each of them used between: memory that was
not touched is not the process's, and touching it takes time. A call that holds Python's
own lock is alone then, and is charged nearly all; a call that waits is charged nothing.

Makes slow calls go on in turns, so that few of them run at once.

Calls in Python share Python's own lock: more than one at a time get no more done, and
the node would wait for each of them whenever it waits for that lock. Scripts share the
processors with the node. Whose turn it is, ``call_shares`` says.

What waits in C, such as a call that sleeps, runs nothing. It loses its turn to others
like any call, and waits for one when it is back in Python.
"""

import os
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
from ccfpy.enclave.holding import HOLDS_PYTHON, Hold
from ccfpy.enclave.workers import Gate, Worker
from ccfpy.endpoints.call_shares import Taking, Waiting, largest, next_turn

_CAN_TELL: Final = hasattr(time, "pthread_getcpuclockid")


class Meter(Protocol):
    """Measures this process's memory."""

    def data_bytes(self) -> int:
        """Return the bytes that it holds of its own."""
        ...


def charges(grown: int, used_ns: Sequence[int], all_ns: int) -> list[int]:
    """Return how much of a growth each thread is charged.

    Args:
        grown: by how many bytes the process grew; it may have shrunk.
        used_ns: the processor time of each thread.
        all_ns: that of the whole process.
    """
    whole_ns = max(all_ns, sum(used_ns), 1)
    return [grown * each // whole_ns for each in used_ns]


class Growth:
    """Charges what a process grows by to the calls of threads.

    Args:
        meter: of the process's memory.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._bytes = 0
        self._all_ns = 0

    def begin(self, workers: Sequence[Worker]) -> None:
        """Read all meters; nothing is charged to anybody."""
        self._read(workers)

    def charge(self, workers: Sequence[Worker]) -> None:
        """Charge what was taken since the last reading."""
        grown, used_ns, all_ns = self._read(workers)
        for worker, share in zip(workers, charges(grown, used_ns, all_ns), strict=True):
            # What another one gave back is no credit.
            worker.grown_bytes = max(0, worker.grown_bytes + share)

    def _read(self, workers: Sequence[Worker]) -> tuple[int, list[int], int]:
        """Read all meters, and return how much more they show than the last time."""
        before = self._bytes, self._all_ns
        self._bytes, self._all_ns = self._meter.data_bytes(), time.process_time_ns()
        used_ns = []
        for worker in workers:
            was_ns, worker.cpu_ns = worker.cpu_ns, _used_ns(worker)
            used_ns.append(worker.cpu_ns - was_ns)
        return self._bytes - before[0], used_ns, self._all_ns - before[1]


def _used_ns(worker: Worker) -> int:
    """Return the processor time of a thread; any number that grows if none can tell."""
    if not worker.ident:
        return 0
    if not _CAN_TELL:
        return time.monotonic_ns() if worker.is_calling else worker.cpu_ns
    return time.clock_gettime_ns(time.pthread_getcpuclockid(worker.ident))


def scripts_at_once() -> int:
    """Return how many slow scripts run at once: one processor is the node's."""
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    return max(1, processors - 1)


class TurnTaking:
    """Holds the slow calls of one node whose turn it is not.

    The watchdog's thread calls this.

    Args:
        outermost: the code that makes each call, or its caller's.
        scripts_max: how many scripts run at once.
        now_ns: returns the time.
    """

    def __init__(
        self,
        outermost: frozenset[CodeType],
        *,
        scripts_max: int,
        now_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._outermost = outermost
        self._most = (
            {False: 1, True: scripts_max} if HOLDS_PYTHON else {True: scripts_max}
        )
        self._now_ns = now_ns
        self._turns_ns: dict[str, int] = {}

    def look(self, workers: Sequence[Worker]) -> None:
        """Hold the calls whose turn is over, and open the holds of the next."""
        slow = [each for each in workers if each.away is not None and each.is_calling]
        if not slow:
            self._turns_ns.clear()
            return
        for is_script, most in self._most.items():
            of_kind = [each for each in slow if each.is_script == is_script]
            if of_kind:
                self._look_at(of_kind, most)

    def release(self, worker: Worker) -> None:
        """Hold a thread's call no longer."""
        if worker.hold is not None:
            worker.hold.open()

    def _look_at(self, workers: Sequence[Worker], most: int) -> None:
        running: list[Worker] = []
        waiting: list[Worker] = []
        for worker in workers:
            hold = self._hold_of(worker)
            if hold is None or _is_being_ended(worker):
                continue
            if not hold.is_closed:
                running.append(worker)
            elif hold.is_waiting:
                waiting.append(worker)
            else:  # as something else may trace the thread by now
                hold.close(is_script=worker.is_script)
        now_ns = self._now_ns()
        running.sort(key=lambda worker: worker.turn_ns)
        turn_ns = limits.SLOW_CALL_TURN_MS * _NS_PER_MS
        for place, worker in enumerate(running):
            is_over = bool(waiting) and now_ns - worker.turn_ns >= turn_ns
            if is_over or place >= most:
                self._close(worker)
        free = most - sum(not self._is_closed(worker) for worker in running)
        while free > 0 and waiting:
            chosen = waiting.pop(self._next(waiting))
            chosen.turn_ns = self._turns_ns[chosen.caller] = now_ns
            self.release(chosen)
            free -= 1

    def _next(self, waiting: Sequence[Worker]) -> int:
        return next_turn(
            [Waiting(worker.caller, worker.turn_ns) for worker in waiting],
            self._turns_ns,
        )

    def _hold_of(self, worker: Worker) -> Hold | None:
        """Return what can hold a worker's call; make it where the call is new here."""
        hold = worker.hold
        began_ns = worker.began_ns
        if hold is None or hold.began_ns != began_ns:
            if worker.traced is None:
                return None
            self.release(worker)
            hold = Hold(worker, began_ns, worker.traced, self._outermost)
            worker.hold = hold
            worker.turn_ns = self._now_ns()
        return hold

    def _close(self, worker: Worker) -> None:
        if worker.hold is not None:
            worker.hold.close(is_script=worker.is_script)

    def _is_closed(self, worker: Worker) -> bool:
        return worker.hold is not None and worker.hold.is_closed


def _is_being_ended(worker: Worker) -> bool:
    ending = worker.ending
    return ending is not None and ending.began_ns == worker.began_ns


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
