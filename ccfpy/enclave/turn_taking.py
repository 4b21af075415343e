"""Makes slow calls go on in turns, so that few of them run at once.

Calls in Python share Python's own lock: more than one at a time get no more done, and
the node would wait for each of them whenever it waits for that lock. Scripts share the
processors with the node. Whose turn it is, ``call_shares`` says.

What waits in C, such as a call that sleeps, runs nothing. It loses its turn to others
like any call, and waits for one when it is back in Python.
"""

import os
from collections.abc import Callable, Sequence
from time import monotonic_ns
from types import CodeType
from typing import Final

from ccfpy.base import limits
from ccfpy.enclave.holding import HOLDS_PYTHON, Hold
from ccfpy.enclave.workers import Worker
from ccfpy.endpoints.call_shares import Waiting, next_turn



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
