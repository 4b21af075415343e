"""Clients by interface, and the frontend that answers each request.

`Router` finds the frontend by the prefix of the path: ``/app``, ``/gov`` or ``/node``.
A path under none of them goes to the app whole, so that an application's endpoints also
answer without the prefix (``src/http/http_rpc_context.h``).

`interfaces_of` reads from the configuration what each interface serves. `Conversation`
is the base of the protocols that a connection may speak.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccfpy.base.compiling import mypyc_attr
from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.histogram import Histogram
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.boundary.configuration import (
    HTTP_PROTOCOLS,
    InterfaceAuthority,
    NodeConfiguration,
    RedirectKind,
    RedirectTarget,
    RpcInterface,
)
from ccfpy.boundary.metrics import TIME_EDGES_NS
from ccfpy.endpoints.app_calls import NodeCall
from ccfpy.endpoints.declaration import Endpoint, Match
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ErrorCode, unavailable
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.messages import Request
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    Http2Limits,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from ccfpy.node.streams import NodeStreams

if TYPE_CHECKING:
    from ccfpy.endpoints.app_calls import AppCalls
    from ccfpy.endpoints.frontend import Frontend
    from ccfpy.endpoints.pending import Answer
    from ccfpy.endpoints.streams import OpenStream
    from ccfpy.http.messages import Response


class _Route:
    """The frontend for requests with one path.

    Attributes:
        frontend: answers the requests.
        path: the path without the frontend's prefix.
    """

    __slots__ = ("frontend", "path")

    def __init__(self, frontend: "Frontend", path: str) -> None:
        self.frontend = frontend
        self.path = path


class Router:
    """The frontends by prefix; ``app`` has all other paths.

    Attributes:
        calls: makes the calls of the application's code, each for one caller.
        frontends: the mounted frontends. A node mounts all of them when it boots,
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
        """Answer a request with the frontend for its path."""
        route = self._route(request.path)
        return route.frontend.answer(request, session, route.path)

    def is_live(self, request: "Request") -> bool:
        """Return whether a request may be for an endpoint that answers by a stream."""
        route = self._route(request.path)
        return route.frontend.registry.is_live(request.method, route.path)

    def answer_step(self, stream: "OpenStream") -> "Answer":
        """Run the next step of an open stream."""
        return self.frontends["app"].answer_step(
            stream.match, stream.request, stream.session
        )

    def begin_session(self, protocol: "Endpoint", session: "Session") -> "Answer":
        """Begin a session of a protocol of the application's."""
        match = Match(endpoint=protocol, params={}, full_path=protocol.path)
        request = Request(method=protocol.method, path=protocol.path, version="")
        return self.frontends["app"].answer_step(match, request, session)

    def step_failed(self, protocol: "Endpoint", defect: Exception) -> None:
        """Log an error in the output of an application protocol."""
        self.frontends["app"].failed(protocol, defect)

    def answer_again(self, request: "Request", session: "Session") -> "Answer":
        """Run a request again whose caller has waited since an earlier run."""
        route = self._route(request.path)
        return route.frontend.answer(request, session, route.path, is_again=True)

    def _route(self, path: str) -> _Route:
        """Return the frontend for a path, and the path without its prefix.

        Fixed paths of endpoints are cached, with and without prefix. Other paths are
        not, because callers could invent any number of them.
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


@dataclass(slots=True, kw_only=True)
class InterfaceSessions:
    """An interface, its rules, and the counts that ``/node/metrics`` reports.

    Attributes:
        header_cache: parsed headers, shared by the interface's HTTP/1.1 connections.
        http2: set if the interface speaks HTTP/2, and then only HTTP/2.
        protocol: set if the interface speaks a protocol of the application's own.
        active: number of open sessions.
        peak: the largest number of sessions that were open at once.
        errors: number of unreadable requests, by kind.
        capped: number of requests refused because of the soft cap.
        handshakes: number of ended TLS handshakes, by result.
        handshake_ns: durations of successful handshakes, from the first bytes on.
        now_ns: returns the elapsed time, in nanoseconds.
    """

    configuration: RpcInterface
    rules: InterfaceRules
    limits: ParserLimits
    header_cache: HeaderCache
    http2: Http2Limits | None = None
    protocol: Endpoint | None = None
    active: int = 0
    peak: int = 0
    errors: dict[str, int] = field(
        default_factory=lambda: {
            "parsing": 0,
            "request_header_too_large": 0,
            "request_payload_too_large": 0,
        }
    )

    capped: int = 0
    handshakes: dict[str, int] = field(
        default_factory=lambda: {"ok": 0, "failed": 0, "timeout": 0}
    )
    handshake_ns: Histogram = field(default_factory=lambda: Histogram(TIME_EDGES_NS))
    now_ns: "Callable[[], int]" = lambda: 0

    def count_error(self, error: UnreadableRequest) -> None:
        """Count an unreadable request by its kind."""
        match error:
            case ParseFailure():
                self.errors["parsing"] += 1
            case BodyTooLarge():
                self.errors["request_payload_too_large"] += 1
            case HeadersTooLarge():
                self.errors["request_header_too_large"] += 1
            case _:
                raise AssertionError(f"unforeseen parse error {error!r}")


@dataclass(slots=True, kw_only=True)
class SessionCounts:
    """The sessions of all interfaces, as ``/node/metrics`` reports them.

    Attributes:
        active: sessions that are open now.
        peak: the most sessions that were ever open at once.
    """

    interfaces: dict[str, InterfaceSessions]
    active: int = 0
    peak: int = 0

    def opened(self, interface: InterfaceSessions) -> None:
        """Count a session that begins."""
        interface.active += 1
        interface.peak = max(interface.peak, interface.active)
        self.active += 1
        self.peak = max(self.peak, self.active)

    def closed(self, interface: InterfaceSessions) -> None:
        """Count a session that has ended."""
        interface.active -= 1
        self.active -= 1


@dataclass(slots=True, kw_only=True)
class Client:
    """The other end of a connection.

    Attributes:
        router: answers the requests.
        is_capped: whether the connection is beyond the soft cap, so that every request
            is answered 503.
        on_settled: called when a pending answer for this client is ready. It must not
            refer to the connection: the cycle would keep the session's memory until the
            garbage collector runs.
        streams: the live streams of the node.
    """

    session: Session
    interface: InterfaceSessions
    router: Router
    is_capped: bool
    on_settled: "Callable[[Client], None]"
    streams: NodeStreams

    def refuse(self) -> "Response":
        """Return the answer to each request of a connection beyond the soft cap."""
        self.interface.capped += 1
        return unavailable(
            ErrorCode.SessionCapExhausted,
            "Service is currently busy and unable to serve new connections",
            close=True,
        ).response()


@mypyc_attr(allow_interpreted_subclasses=True)
class Conversation(ABC):
    """The protocol spoken on a connection, inside TLS.

    A turn of the connection begins with ``begin``. Then ``next_call`` returns one call
    after another; each is made, or left pending, before the next. When it returns
    nothing, the turn has ended, and ``take_output`` returns the answers as bytes. The
    rest waits for the next turn. This is a base class and not a protocol, because
    mypyc calls the methods of a base class directly.

    Attributes:
        is_over: whether the connection ends after the answers of the last turn.
    """

    __slots__ = ("is_over",)

    def __init__(self) -> None:
        self.is_over = False

    @property
    @abstractmethod
    def has_left(self) -> bool:
        """Whether work waits for a turn, so that ``hear`` must not be called."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether there is work that a turn could do now."""

    @property
    @abstractmethod
    def is_waiting(self) -> bool:
        """Whether nothing is served until a pending answer is ready."""

    @property
    @abstractmethod
    def is_midway(self) -> bool:
        """Whether the client has begun something that it has not finished."""

    @property
    @abstractmethod
    def progress(self) -> int:
        """A number that grows whenever something is complete."""

    @abstractmethod
    def greet(self) -> None:
        """Note that TLS is set up, or that there is none."""

    @abstractmethod
    def hear_end(self) -> bool:
        """Note that the client sends no more; return whether the connection ends."""

    @abstractmethod
    def hear_loss(self) -> bool:
        """Note that the client has gone; return whether last turns are due."""

    @abstractmethod
    def hear(self, plaintext: bytes) -> None:
        """Receive the client's next bytes, for the turn that begins then."""

    @abstractmethod
    def begin(self, share: int) -> None:
        """Begin a turn that answers at most ``share`` requests."""

    @abstractmethod
    def come_back(self) -> None:
        """Send pending answers that are ready, as part of the current turn.

        The work left by an earlier turn follows.
        """

    @abstractmethod
    def next_call(self) -> NodeCall | None:
        """Return the next call, or end the turn."""

    @abstractmethod
    def take_output(self) -> bytes:
        """Return the answers as bytes for the client."""

    @property
    @abstractmethod
    def unfinished_bytes(self) -> int:
        """About how many bytes of unfinished requests are held."""

    @abstractmethod
    def turn_away(self, response: "Response") -> bytes:
        """Return the last bytes for a client whose unfinished request is refused."""

    @abstractmethod
    def abandon(self) -> None:
        """Note that the client has gone, and abandon its pending answers."""


def interfaces_of(
    configuration: NodeConfiguration,
    now_ns: Callable[[], int],
    protocols: Mapping[str, Endpoint],
    *,
    body_bytes_max: int = HTTP_BODY_BYTES_MAX,
) -> dict[str, InterfaceSessions]:
    """Return each interface with its rules and counts, by name.

    Args:
        configuration: the node's configuration.
        now_ns: returns the elapsed time, in nanoseconds.
        protocols: the application's protocols, by name.
        body_bytes_max: maximum size of a body, in bytes, unless configured.

    Raises:
        ConfigurationRefused: an accepted endpoint is not a regular expression, or an
            interface has a protocol that this node does not serve.
    """
    for interface in configuration.rpc_interfaces:
        _require_served_protocol(interface, protocols)
    return {
        interface.name: _sessions_of(interface, now_ns, protocols, body_bytes_max)
        for interface in configuration.rpc_interfaces
    }


def _sessions_of(
    interface: RpcInterface,
    now_ns: Callable[[], int],
    protocols: Mapping[str, Endpoint],
    body_bytes_max: int,
) -> InterfaceSessions:
    configured = interface.http.body_bytes_max
    limits = ParserLimits(
        body_bytes_max=body_bytes_max if configured is None else configured,
        header_bytes_max=interface.http.header_bytes_max,
        headers_max=interface.http.headers_count_max,
    )
    return InterfaceSessions(
        configuration=interface,
        rules=_rules(interface),
        limits=limits,
        header_cache=HeaderCache(limits),
        http2=_http2_of(interface),
        protocol=protocols.get(interface.app_protocol),
        now_ns=now_ns,
    )


def _require_served_protocol(
    interface: RpcInterface, protocols: Mapping[str, Endpoint]
) -> None:
    """Raise ``ConfigurationRefused`` if the node does not serve the protocol.

    With ``udp``, datagrams are echoed whatever the application protocol, as in CCF.
    """
    served = (*HTTP_PROTOCOLS, *protocols)
    if interface.app_protocol not in served and interface.protocol != "udp":
        raise ConfigurationRefused(
            f"app_protocol of {interface.name}: nobody serves "
            f"{interface.app_protocol!r}; this node serves "
            f"{', '.join(served[:-1])} and {served[-1]}"
        )


def _http2_of(interface: RpcInterface) -> Http2Limits | None:
    if interface.app_protocol != "HTTP2":
        return None
    return Http2Limits(
        streams_max=interface.http.concurrent_streams_max,
        window_bytes=interface.http.initial_window_bytes,
        frame_bytes_max=interface.http.frame_bytes_max,
    )


def _rules(interface: RpcInterface) -> InterfaceRules:
    accepted = interface.accepted_endpoints
    redirections = interface.redirections
    try:
        patterns = None if accepted is None else tuple(map(re.compile, accepted))
    except re.error as error:
        raise ConfigurationRefused(
            f"accepted_endpoints of {interface.name}: {error}"
        ) from error
    return InterfaceRules(
        name=interface.name,
        unsecured=interface.authority is InterfaceAuthority.UNSECURED,
        accepted_endpoints=patterns,
        redirect_to_primary=(
            redirections.to_primary or _BY_ROLE if redirections else None
        ),
        redirect_to_backup=(
            redirections.to_backup or _BY_ROLE if redirections else None
        ),
        forwarding_timeout_ms=interface.forwarding_timeout_ms,
    )


_BY_ROLE = RedirectTarget(kind=RedirectKind.NODE_BY_ROLE)
"""The target of an interface that redirects, where none is configured."""
