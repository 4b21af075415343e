"""How often each endpoint of an application was called, for the application itself.

The numbers stay in the enclave, and a node begins anew with each start. They have the
names of CCF's record (``include/ccf/endpoint_metrics.h``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ccfpy.base import limits

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
