"""A host that stays awake for a moment, where requests follow each other.

A processor that idles needs 20 to 60 µs until it runs a process that was asleep, and a
virtual one far more where others wait for the real one. Each request would wake the
host twice, for itself and for the enclave's answer: over one connection, a read would
take twice as long.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns

from ccfpy.boundary.events import Event, SessionData
from ccfpy.boundary.pace import WATCH_NS, WATCHED_EVENTS_MAX

_let_others_run: Callable[[], None] = getattr(os, "sched_yield", partial(time.sleep, 0))


class Watch:
    """Keeps an event loop awake while requests follow each other.

    In each turn the loop looks for what has come, and does not wait for more. This
    takes time of an idle processor alone, since other processes that want this
    processor get it meanwhile. A stranger who often says a byte keeps the loop awake
    too, at that price.

    Args:
        soon: has the loop call a function in its next turn.
    """

    def __init__(self, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self._asked_ns = -2 * WATCH_NS
        """When a turn last sent a request."""
        self._until_ns = 0
        self._is_awake = False

    def sent(self, events: Sequence[Event]) -> None:
        """Stay awake if a turn sent requests, soon after the last turn that did.

        A turn sends requests if its first event is one. After a turn of more than
        ``WATCHED_EVENTS_MAX`` events the loop does not stay awake.
        """
        if type(events[0]) is not SessionData or len(events) > WATCHED_EVENTS_MAX:
            return
        now_ns = monotonic_ns()
        if now_ns - self._asked_ns < 2 * WATCH_NS:
            self._until_ns = now_ns + WATCH_NS
            if not self._is_awake:
                self._is_awake = True
                self._soon(self._look)
        self._asked_ns = now_ns

    def _look(self) -> None:
        if monotonic_ns() >= self._until_ns:
            self._is_awake = False
            return
        _let_others_run()
        self._soon(self._look)
