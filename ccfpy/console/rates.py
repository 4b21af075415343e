"""How much a service commits, and how far its nodes lag, in the last minutes."""

from collections import deque
from typing import Final

from ccfpy.console.answers import Network, RatePoint, Rates

EACH_MS: Final = 2000
"""From one point to the next."""
POINTS_MAX: Final = 150
"""Five minutes."""
GAP_MS: Final = 3 * EACH_MS
"""After a longer time without a look, nothing is known of the time between."""


class Ring:
    """The points of the last minutes, made of looks at the network."""

    def __init__(self) -> None:
        self._points: deque[RatePoint] = deque(maxlen=POINTS_MAX)
        self._at = 0
        self._seqno: int | None = None

    def take(self, network: Network, *, now_ms: int) -> Rates | None:
        """Take a look; return the points, if there is a new one.

        Args:
            network: what was seen.
            now_ms: when, in milliseconds since 1970.
        """
        elapsed_ms = now_ms - self._at
        if 0 <= elapsed_ms < EACH_MS:
            return None
        lags = [row.lag for row in network.nodes if row.lag is not None]
        point = RatePoint(
            at=now_ms,
            per_second=self._per_second(network.seqno, elapsed_ms),
            lag=max(lags, default=None),
        )
        self._at, self._seqno = now_ms, network.seqno
        self._points.append(point)
        return Rates(points=tuple(self._points))

    def _per_second(self, seqno: int | None, elapsed_ms: int) -> float | None:
        before = self._seqno
        if seqno is None or before is None or not 0 < elapsed_ms <= GAP_MS:
            return None
        # A recovered service may begin with a smaller number.
        return (
            round(1000 * (seqno - before) / elapsed_ms, 1) if seqno >= before else None
        )
