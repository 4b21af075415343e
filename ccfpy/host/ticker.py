"""The node's only clock: the host reads it and tells the enclave.

The owner of the host controls this clock. Trusted code uses the clock for timeouts and
dates of certificates, never for a decision about rights.
"""

import time
from collections.abc import Callable

from ccfpy.base.limits import REST_AFTER_MS
from ccfpy.boundary.events import Tick

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
