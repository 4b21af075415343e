"""How many requests a node answered, how, and how long that took.

The counts by verb are the node's metrics, which a host may see: they hold no path, no
status but its class, and no one request. The counts by endpoint are for the app.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from ccfpy.base import limits
from ccfpy.boundary.metrics import TIME_EDGES_NS

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER_METHOD: Final = "other"
STATUS_CLASSES: Final = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""The first is of numbers below 100, which an app may answer with by mistake."""
_EDGES_NS: Final = TIME_EDGES_NS


def status_class(status: int) -> str:
    """Return the class of a status, as the metrics name it."""
    return STATUS_CLASSES[min(status // 100, len(STATUS_CLASSES) - 1)]


@final
class RequestCounts:
    """The requests of a frontend, or of one of its endpoints.

    Attributes:
        by_method: how many answers to each method had a status of each class, in the
            order of `STATUS_CLASSES`.
        times: how many answers took so long, as a `Histogram` has them.
        total_ns: how long all answers took together.
    """

    __slots__ = ("by_method", "times", "total_ns")

    def __init__(self) -> None:
        self.by_method: dict[str, list[int]] = {
            method: [0] * len(STATUS_CLASSES) for method in (*METHODS, OTHER_METHOD)
        }
        self.times: list[int] = [0] * (len(_EDGES_NS) + 1)
        self.total_ns = 0

    def count(self, method: str, status: int, elapsed_ns: int) -> None:
        """Count an answer; every request comes by here."""
        statuses = self.by_method.get(method)
        if statuses is None:
            statuses = self.by_method[OTHER_METHOD]
        statuses[min(status // 100, len(STATUS_CLASSES) - 1)] += 1
        self.total_ns += elapsed_ns
        self.times[bisect_left(_EDGES_NS, elapsed_ns)] += 1


_ERRORS_FROM: Final = 400
_FAILURES_FROM: Final = 500


@dataclass(slots=True, kw_only=True)
class EndpointCounts:
    """The calls of one endpoint that a node has answered since its start.

    Attributes:
        path: the template, without the prefix.
        method: the verb; ``*`` of the default endpoint.
        calls: answers of any kind.
        errors: answers that say that the caller is wrong: 4xx.
        failures: answers that say that the service is wrong: 5xx.
        retries: further runs of the function, as others had changed what it read.
    """

    path: str
    method: str
    calls: int = 0
    errors: int = 0
    failures: int = 0
    retries: int = 0


class CountsByEndpoint:
    """The counts of a frontend's endpoints, as far as these are counted."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], EndpointCounts] = {}

    def answered(self, path: str, method: str, status: int) -> None:
        """Count an answer of an endpoint, which its template and its verb name."""
        counts = self._of(path, method)
        if counts is None:
            return
        counts.calls += 1
        if status >= _FAILURES_FROM:
            counts.failures += 1
        elif status >= _ERRORS_FROM:
            counts.errors += 1

    def retried(self, path: str, method: str) -> None:
        """Count a further run of an endpoint's function."""
        counts = self._of(path, method)
        if counts is not None:
            counts.retries += 1

    def all(self) -> Sequence[EndpointCounts]:
        """Return all counts as they are now, by path, then by verb."""
        return [replace(self._counts[key]) for key in sorted(self._counts)]

    def _of(self, path: str, method: str) -> EndpointCounts | None:
        """Return an endpoint's counts; ``None`` if there are too many endpoints."""
        key = path, method
        counts = self._counts.get(key)
        if counts is None and len(self._counts) < limits.APP_ENDPOINTS_COUNTED_MAX:
            counts = EndpointCounts(path=path, method=method)
            self._counts[key] = counts
        return counts
