"""How many requests were answered, how, and how long that took.

The counts are a node's metrics. They hold no path, no status but its class, and no one
request.
"""

from bisect import bisect_left
from typing import Final, final

from ccfpy.boundary.metrics import TIME_EDGES_NS

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER_METHOD: Final = "other"
STATUS_CLASSES: Final = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""The first is of numbers below 100, which an app may answer with by mistake."""
_EDGES_NS: Final = TIME_EDGES_NS
_FIRST_NS: Final = TIME_EDGES_NS[0]


@final
class RequestCounts:
    """The requests of a frontend, or of one of its endpoints.

    Attributes:
        by_method: for each method, how many answers had a status of each class.
        times: how many answers took so long, as a `Histogram` has them; the last is how
            many nanoseconds all took together.
    """

    __slots__ = ("by_method", "times")

    def __init__(self) -> None:
        self.by_method: dict[str, list[int]] = {
            method: [0] * len(STATUS_CLASSES) for method in (*METHODS, OTHER_METHOD)
        }
        self.times = [0] * (len(_EDGES_NS) + 2)

    def count(self, method: str, status: int, elapsed_ns: int) -> None:
        """Count an answer.

        Every request comes by here, and nearly all have a usual method and status.
        """
        try:
            self.by_method[method][status // 100] += 1
        except (KeyError, IndexError):
            self._count_unusual(method, status)
        times = self.times
        place = 0 if elapsed_ns <= _FIRST_NS else bisect_left(_EDGES_NS, elapsed_ns)
        times[place] += 1
        times[-1] += elapsed_ns

    def _count_unusual(self, method: str, status: int) -> None:
        row = self.by_method.get(method, self.by_method[OTHER_METHOD])
        row[min(status // 100, len(row) - 1)] += 1
