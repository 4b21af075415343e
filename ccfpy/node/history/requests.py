"""Callers' requests for past states, by the handles that they chose."""

from ccfpy.endpoints.history import RequestHandle
from ccfpy.node.history.past_state import HistoryRequest


class HistoryRequests:
    """All requests, the one asked about for longest first."""

    def __init__(self) -> None:
        self._by_handle: dict[RequestHandle, HistoryRequest] = {}
        self._next_deadline_ms: int | None = None
        """No request is to be forgotten before this."""

    def __len__(self) -> int:
        """Count them."""
        return len(self._by_handle)

    def get(self, handle: RequestHandle) -> HistoryRequest | None:
        """Find a request."""
        return self._by_handle.get(handle)

    def put(self, request: HistoryRequest) -> None:
        """Note that a request was asked about just now, perhaps for the first time."""
        self._by_handle.pop(request.handle, None)
        self._by_handle[request.handle] = request
        self._expect(request.deadline_ms)

    def remove(self, request: HistoryRequest) -> None:
        """Forget a request."""
        removed = self._by_handle.pop(request.handle)
        assert removed is request, "a handle has one request"

    def oldest(self) -> HistoryRequest:
        """Return the request whose last question is oldest."""
        return next(iter(self._by_handle.values()))

    def expired(self, now_ms: int) -> list[HistoryRequest]:
        """Return the requests whose time is over."""
        if self._next_deadline_ms is None or now_ms < self._next_deadline_ms:
            return []
        expired: list[HistoryRequest] = []
        self._next_deadline_ms = None
        for request in self._by_handle.values():
            if request.deadline_ms <= now_ms:
                expired.append(request)
            else:
                self._expect(request.deadline_ms)
        return expired

    def _expect(self, deadline_ms: int) -> None:
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms
