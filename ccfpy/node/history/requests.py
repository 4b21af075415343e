"""What callers want of the past, by the handles that they chose."""

from typing import TYPE_CHECKING

from ccfpy.endpoints.history import RequestHandle
from ccfpy.node.history.past_state import Request

if TYPE_CHECKING:
    from collections.abc import Iterator



class Requests:
    """All requests, the one asked about for longest first."""

    def __init__(self) -> None:
        self._by_handle: dict[RequestHandle, Request] = {}

    def __len__(self) -> int:
        """Count them."""
        return len(self._by_handle)

    def get(self, handle: RequestHandle) -> Request | None:
        """Find a request."""
        return self._by_handle.get(handle)

    def put(self, request: Request) -> None:
        """Note that a request was asked about just now, perhaps for the first time."""
        self._by_handle.pop(request.handle, None)
        self._by_handle[request.handle] = request

    def remove(self, request: Request) -> bool:
        """Forget a request; tell whether it was there."""
        if self._by_handle.get(request.handle) is not request:
            return False
        del self._by_handle[request.handle]
        return True

    def oldest(self) -> Request:
        """Give the one asked about for longest."""
        return next(iter(self._by_handle.values()))

    def expired(self, now_ms: int) -> "Iterator[Request]":
        """Give those that nobody asked about in time."""
        return (r for r in tuple(self._by_handle.values()) if r.deadline_ms <= now_ms)
