"""A host that stays awake for a moment, where one client's request follows another.

A processor that idles needs 20 to 60 µs until it runs a process that was asleep. Each
request over one connection would wake the host twice, for itself and for the enclave's
answer, and a read would take twice as long.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from ccfpy.boundary.events import Event, SessionData

if TYPE_CHECKING:
    from ccfpy.base.ids import SessionId

WATCH_NS: Final = 200_000
"""How long after a request the host stays awake, as an enclave does."""

_let_others_run: Callable[[], None] = getattr(os, "sched_yield", partial(time.sleep, 0))


class Watch:
    """Keeps an event loop awake in an exchange of one client's requests.

    In each turn the loop looks for what has come, and does not wait for more. Where
    clients ask at once, the processor has enough to do, and a loop that sleeps hears
    more of them together. A stranger who often says a byte keeps the loop awake too:
    that takes time of an idle processor alone, since other processes that want this
    processor get it meanwhile.

    Args:
        soon: has the loop call a function in its next turn.
    """

    def __init__(self, soon: Callable[[Callable[[], None]], None]) -> None:
        self._soon = soon
        self._asked_by: SessionId | None = None
        """The client of the last request, if it was sent alone."""
        self._asked_ns = 0
        self._until_ns = 0
        self._is_awake = False

    def sent(self, events: Sequence[Event]) -> None:
        """Stay awake if a turn sent one request, soon after its client's last."""
        first = events[0]
        if len(events) > 1 or type(first) is not SessionData:
            self._asked_by = None
            self._until_ns = 0
            return
        now_ns = monotonic_ns()
        if first.session == self._asked_by and now_ns - self._asked_ns < 2 * WATCH_NS:
            self._until_ns = now_ns + WATCH_NS
            if not self._is_awake:
                self._is_awake = True
                self._soon(self._look)
        self._asked_by = first.session
        self._asked_ns = now_ns

    def _look(self) -> None:
        if monotonic_ns() >= self._until_ns:
            self._is_awake = False
            return
        _let_others_run()
        self._soon(self._look)
