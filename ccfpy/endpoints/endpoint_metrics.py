"""The counts of endpoints that are counted apart, for metrics or their application.

Few requests come by here: most endpoints share the counts of their frontend.
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.endpoints.metrics import CountsByEndpoint, RequestCounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ports import Clock
    from ccfpy.endpoints.declaration import Endpoint
    from ccfpy.http.messages import Response


class CountsApart:
    """The counts of such endpoints of one frontend.

    Attributes:
        by_path: what the metrics have of them.
        for_app: what their application may ask.
    """

    def __init__(self, shared: RequestCounts, clock: "Clock") -> None:
        self.by_path: dict[str, RequestCounts] = {}
        self.for_app = CountsByEndpoint()
        self._shared = shared
        self._now_ns: Callable[[], int] = clock.monotonic_ns

    def answered(
        self,
        endpoint: "Endpoint | None",
        method: str,
        began_ns: int,
        response: "Response",
    ) -> None:
        """Count the answer to a request, of whatever endpoint."""
        elapsed_ns = self._now_ns() - began_ns
        counts = self._shared
        if endpoint is not None and endpoint.is_counted:
            self.for_app.answered(endpoint.path, endpoint.method, response.status)
            if not endpoint.hides_counts:
                counts = self._of(endpoint.path)
        counts.count(method, response.status, elapsed_ns)

    def retried(self, endpoint: "Endpoint") -> None:
        """Count a further run of an endpoint's function, if the endpoint is counted."""
        if endpoint.is_counted:
            self.for_app.retried(endpoint.path, endpoint.method)

    def _of(self, path: str) -> RequestCounts:
        """Return the counts of a path; the frontend's, if too many have their own."""
        counts = self.by_path.get(path)
        if counts is None:
            if len(self.by_path) >= limits.ENDPOINTS_COUNTED_MAX:
                return self._shared
            counts = self.by_path[path] = RequestCounts()
        return counts
