"""What a node does while an application's code runs, in case the code is slow.

A node whose call of such code takes long goes on without it, on another thread. Who
waits for the call's answer learns that it comes later, and as what; the call's own
thread delivers it there.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Awaited
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.declaration import Endpoint
    from ccfpy.endpoints.tracing import Trace
    from ccfpy.http.errors import ApiError


class Recipient(Protocol):
    """Who asked for the answer that is under way."""

    def wait_for(self, awaited: "Awaited") -> None:
        """Take the answer later, from there, and leave all else to later turns."""
        ...


class Answerer(Protocol):
    """What answers by one of its endpoints: a frontend."""

    def failed(
        self, endpoint: "Endpoint", error: Exception, trace: str | None = None
    ) -> "ApiError":
        """Log a defect of an endpoint's, and return what its caller is told."""
        ...


class Underway:
    """A request that is being answered.

    Attributes:
        recipient: who asked; nobody, while the node does something of its own.
        frontend: what answers, by an endpoint of its own.
        endpoint: that one.
        context: of its handler, which knows the caller.
        awaited: where the answer will be, once the node has gone on without it.
        trace: of the request, if it is traced.
    """

    __slots__ = ("awaited", "context", "endpoint", "frontend", "recipient", "trace")

    def __init__(self) -> None:
        self.recipient: Recipient | None = None
        self.frontend: Answerer | None = None
        self.endpoint: Endpoint | None = None
        self.context: Context | None = None
        self.awaited: Awaited | None = None
        self.trace: Trace | None = None
