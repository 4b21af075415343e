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


@dataclass(slots=True, kw_only=True)
class InterfaceSessions:
    """An interface, its rules, and the counts that ``/node/metrics`` reports.

    Attributes:
        header_cache: of all connections of HTTP/1.1 to the interface.
        http2: set if the interface speaks HTTP/2, and nothing else then.
        protocol: set if the interface speaks a protocol of the application's own.
        active: sessions open now.
        peak: most there ever were at once.
        capped: requests refused as the connection is beyond the soft cap.
        handshakes: those that have ended, by how.
        handshake_ns: how long those took that ended well, from the first bytes on.
        now_ns: elapsed time.
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
        """Count a request that could not be read, by its kind."""
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
        router: what answers the requests.
        is_capped: accepted beyond the soft cap: every request is answered 503.
        on_settled: told that an answer which was awaited has come to this client. It
            must not know the connection, which knows this: what a session holds would
            be kept until the collector came by.
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
    """What is said on a connection, inside of TLS.

    A turn of the connection begins with ``begin``. Then ``next_call`` returns what is
    to be answered, one call after the other, each after the one before was made or
    left. It ends the turn when it returns nothing; ``take_output`` then returns the
    answers as bytes. What a turn leaves waits for the next one.
    A base class, since the compiler makes a call of its methods a direct one.

    Attributes:
        is_over: the connection ends behind the answers of the turn that has ended.
    """

    __slots__ = ("is_over",)

    def __init__(self) -> None:
        self.is_over = False

    @property
    @abstractmethod
    def has_left(self) -> bool:
        """Whether something waits, so that ``hear`` must not be called."""

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether something waits that a turn would serve now."""

    @property
    @abstractmethod
    def is_waiting(self) -> bool:
        """Whether nothing is served until an awaited answer comes."""

    @property
    @abstractmethod
    def is_midway(self) -> bool:
        """Whether the client has begun something that it is to end."""

    @property
    @abstractmethod
    def progress(self) -> int:
        """What has come whole: more, whenever it is more."""

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
        """Begin a turn in which at most so many requests are answered."""

    @abstractmethod
    def come_back(self) -> None:
        """Send awaited answers that have come, as a part of the turn that has begun.

        What an earlier turn left is served behind them.
        """

    @abstractmethod
    def next_call(self) -> NodeCall | None:
        """Return what is to be answered next, or end the turn."""

    @abstractmethod
    def take_output(self) -> bytes:
        """Return the bytes for the client of what was answered."""

    @property
    @abstractmethod
    def unfinished_bytes(self) -> int:
        """Return about how many bytes are held of requests that have not ended."""

    @abstractmethod
    def turn_away(self, response: "Response") -> bytes:
        """Return the last bytes for a client whose request is not waited for."""

    @abstractmethod
    def abandon(self) -> None:
        """Note that the client has gone: nobody waits for an answer any more."""


def interfaces_of(
    configuration: NodeConfiguration,
    now_ns: Callable[[], int],
    protocols: Mapping[str, Endpoint],
    *,
    body_bytes_max: int = HTTP_BODY_BYTES_MAX,
) -> dict[str, InterfaceSessions]:
    """Return the rules of each interface.

    Args:
        configuration: of the node.
        now_ns: elapsed time.
        protocols: those of the application, by their names.
        body_bytes_max: how long a body may be where the configuration does not say.

    Raises:
        ConfigurationRefused: an accepted endpoint is not a regular expression, or
            nobody serves the protocol of an interface.
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
    """Raise ``ConfigurationRefused`` where clients would not be served as configured.

    Datagrams are echoed whatever protocol is written beside ``udp``, as in CCF.
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
