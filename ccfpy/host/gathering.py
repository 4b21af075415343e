"""Events on their way to the enclave: what one turn of the event loop says together.

They are headed by the time, if it moved. The host reads the node's only clock and tells
the enclave. The owner of the host controls this clock. Trusted code uses the clock for
timeouts and dates of certificates, never for a decision about rights.

Where requests follow each other, the host stays awake for a moment. A processor that
idles needs 20 to 60 µs until it runs a process that was asleep, and a virtual one far
more where others wait for the real one. Each request would wake the host twice, for
itself and for the enclave's answer: over one connection, a read would take twice as
long.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic_ns

from ccfpy.base.limits import REST_AFTER_MS
from ccfpy.boundary.batch_limits import (
    EVENTS_TOGETHER_MAX,
    WATCH_NS,
    WATCHED_EVENTS_MAX,
)
from ccfpy.boundary.events import Event, SessionData, Tick

INTERVAL_S_MIN = 0.01
"""A shorter ``tick_interval`` is rounded up: busy batches carry the time anyway."""


def tick_interval_s(configured_us: int) -> float:
    """Return the period of idle ticks for a configured one."""
    return max(configured_us / 1e6, INTERVAL_S_MIN)


class Ticker:
    """Makes a ``Tick`` whenever the millisecond changed since the last one."""

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        unix_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._unix_ns = unix_ns
        self._last_ms = -1

    def now(self) -> Tick:
        """Read the clock."""
        return self._tick(self._monotonic_ns() // 1_000_000)

    def if_moved(self) -> Tick | None:
        """Read the clock; give nothing within the same millisecond."""
        now_ms = self._monotonic_ns() // 1_000_000
        return None if now_ms == self._last_ms else self._tick(now_ms)

    def due_in_s(self, interval_s: float) -> float:
        """Return how long from now until no ``Tick`` was made for an interval."""
        idle_ms = self._monotonic_ns() // 1_000_000 - self._last_ms
        return max(interval_s - idle_ms / 1000, 0.0)

    def is_silent(self, stirred_ms: int) -> bool:
        """Return whether nothing has happened for long, but for ticks."""
        return self._last_ms - stirred_ms >= REST_AFTER_MS

    @property
    def last_ms(self) -> int:
        """When the last ``Tick`` was made."""
        return self._last_ms

    def _tick(self, now_ms: int) -> Tick:
        self._last_ms = now_ms
        return Tick(monotonic_ms=now_ms, unix_us=self._unix_ns() // 1000)


class Gathering:
    """Gathers the events of a turn, and sends them in parts when they are many.

    A part begins with a ``Tick`` if the millisecond changed.

    Args:
        soon: has the loop call a function after this turn.
        ticker: the clock.
        send: sends events to the enclave.
        in_parts: whether there may be parts. There may be none where the enclave
            answers while it is spoken to: the code that posts an event is not done yet.
    """

    def __init__(
        self,
        soon: Callable[[Callable[[], None]], None],
        ticker: Ticker,
        send: Callable[[list[Event]], None],
        *,
        in_parts: bool,
    ) -> None:
        self._soon = soon
        self._ticker = ticker
        self._send = send
        self._in_parts = in_parts
        self._watch = Watch(soon)
        self._events: list[Event] = []

    @property
    def is_empty(self) -> bool:
        """Whether no event waits for the end of the turn."""
        return not self._events

    def post(self, event: Event) -> None:
        """Send an event to the enclave, together with others of this turn."""
        events = self._events
        if not events:
            self._soon(self._flush)
        events.append(event)
        if len(events) == EVENTS_TOGETHER_MAX - 1 and self._in_parts:  # and the time
            self._flush()

    def _flush(self) -> None:
        events, self._events = self._events, []
        if not events:
            return
        tick = self._ticker.if_moved()
        self._send([tick, *events] if tick is not None else events)
        self._watch.sent(events)


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
