"""Which frontend a request belongs to: ``/app``, ``/gov`` or ``/node``.

A path under none of them goes to the app whole, so that an application's endpoints
also answer without their prefix (``src/http/http_rpc_context.h``).
"""

from typing import TYPE_CHECKING

from ccfpy.endpoints.declaration import Match
from ccfpy.http.messages import Request

if TYPE_CHECKING:
    from ccfpy.endpoints.app_calls import AppCalls
    from ccfpy.endpoints.awaited import Answer
    from ccfpy.endpoints.declaration import Endpoint
    from ccfpy.endpoints.frontend import Frontend
    from ccfpy.endpoints.session import Session
    from ccfpy.endpoints.streams import OpenStream


class _Route:
    """Where requests with one path go.

    Attributes:
        frontend: what answers them.
        path: the path without the frontend's prefix.
    """

    __slots__ = ("frontend", "path")

    def __init__(self, frontend: "Frontend", path: str) -> None:
        self.frontend = frontend
        self.path = path


class Router:
    """The frontends by their prefix; ``app`` takes what no prefix claims.

    Attributes:
        calls: of an application's code; told for whom each is made.
        frontends: those that were mounted. A node mounts all of them when it boots,
            before it serves the first request.
    """

    def __init__(self, calls: "AppCalls") -> None:
        self.calls = calls
        self.frontends: dict[str, Frontend] = {}
        self._routes: dict[str, _Route] = {}

    def mount(self, prefix: str, frontend: "Frontend") -> None:
        """Route the requests under a prefix to a frontend."""
        self.frontends[prefix] = frontend
        self._routes.clear()

    def answer(self, request: "Request", session: "Session") -> "Answer":
        """Answer a request by the frontend its path names."""
        route = self._route(request.path)
        return route.frontend.answer(request, session, route.path)

    def is_live(self, request: "Request") -> bool:
        """Return whether a request may be for an endpoint that answers by a stream."""
        route = self._route(request.path)
        return route.frontend.registry.is_live(request.method, route.path)

    def answer_step(self, stream: "OpenStream") -> "Answer":
        """Do what is due on an open stream."""
        return self.frontends["app"].answer_step(
            stream.match, stream.request, stream.session
        )

    def begin_session(self, protocol: "Endpoint", session: "Session") -> "Answer":
        """Begin a session of a protocol of the application's."""
        match = Match(endpoint=protocol, params={}, full_path=protocol.path)
        request = Request(method=protocol.method, path=protocol.path, version="")
        return self.frontends["app"].answer_step(match, request, session)

    def step_failed(self, protocol: "Endpoint", defect: Exception) -> None:
        """Log what is wrong with what a session of a protocol sends."""
        self.frontends["app"].failed(protocol, defect)

    def answer_again(self, request: "Request", session: "Session") -> "Answer":
        """Answer a request whose caller waits since an earlier run of it."""
        route = self._route(request.path)
        return route.frontend.answer(request, session, route.path, is_again=True)

    def _route(self, path: str) -> _Route:
        """Find the frontend that a path names, and what follows the prefix.

        Paths of endpoints are kept: there are no more of these than endpoints, with
        their prefix and without. Other paths are for callers to invent.
        """
        route = self._routes.get(path)
        if route is not None:
            return route
        end = path.find("/", 1) if path.startswith("/") else -1
        frontend = self.frontends.get(path[1:end]) if end > 0 else None
        if frontend is None:
            route = _Route(self.frontends["app"], path)
        else:
            route = _Route(frontend, path[end:])
        if route.frontend.registry.has_fixed(route.path):
            self._routes[path] = route
        return route
