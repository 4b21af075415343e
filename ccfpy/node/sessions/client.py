"""Who is connected, on which interface, and what answers its requests."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccfpy.base.compiling import mypyc_attr
from ccfpy.base.histogram import Histogram
from ccfpy.boundary.configuration import RpcInterface
from ccfpy.boundary.metrics import TIME_EDGES_NS
from ccfpy.endpoints.app_calls import NodeCall
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ErrorCode, unavailable
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    Http2Limits,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from ccfpy.node.sessions.router import Router
from ccfpy.node.streams.node_streams import NodeStreams

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.http.messages import Response


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
