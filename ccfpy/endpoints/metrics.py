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
_FIRST_NS: Final = 1_000_000
_OK: Final = 200
_REDIRECTED: Final = 300


def status_class(status: int) -> str:
    """Return the class of a status, as the metrics name it."""
    return STATUS_CLASSES[min(status // 100, len(STATUS_CLASSES) - 1)]


@final
class StatusCounts:
    """How many answers had a status of each class.

    Attributes:
        successful: those with 2xx, nearly all of them. Compiled code counts up a plain
            attribute in a tenth of the steps that an item of a list takes.
    """

    __slots__ = ("_others", "successful")

    def __init__(self) -> None:
        self.successful = 0
        self._others = [0] * len(STATUS_CLASSES)

    def count_other(self, status: int) -> None:
        """Count a status that is not 2xx."""
        self._others[min(status // 100, len(STATUS_CLASSES) - 1)] += 1

    @property
    def by_class(self) -> list[int]:
        """Return the numbers, in the order of ``STATUS_CLASSES``."""
        none, informational, _, *others = self._others
        return [none, informational, self.successful, *others]


@final
class RequestCounts:
    """The requests of a frontend, or of one of its endpoints.

    Attributes:
        by_method: the statuses that answered each method.
        total_ns: how long all answers took together.
    """

    __slots__ = ("_quick", "_slower", "by_method", "total_ns")

    def __init__(self) -> None:
        self.by_method: dict[str, StatusCounts] = {
            method: StatusCounts() for method in (*METHODS, OTHER_METHOD)
        }
        self.total_ns = 0
        self._quick = 0
        self._slower = [0] * (len(_EDGES_NS) + 1)

    def count(self, method: str, status: int, elapsed_ns: int) -> None:
        """Count an answer; every request comes by here."""
        try:
            statuses = self.by_method[method]
        except KeyError:
            statuses = self.by_method[OTHER_METHOD]
        if _OK <= status < _REDIRECTED:
            statuses.successful += 1
        else:
            statuses.count_other(status)
        self.total_ns += elapsed_ns
        if elapsed_ns <= _FIRST_NS:
            self._quick += 1
        else:
            self._slower[bisect_left(_EDGES_NS, elapsed_ns)] += 1

    @property
    def times(self) -> list[int]:
        """Return how many answers took so long, as a `Histogram` has them."""
        return [self._quick, *self._slower[1:]]


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
