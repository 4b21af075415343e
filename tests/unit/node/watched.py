"""A node that tests step once at a time, as a host would, and its clients."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import InterfaceAuthority, RpcInterface
from ccfpy.boundary.effects import (
    CloseSession,
    Effect,
    ReadMore,
    SendData,
    Wake,
    WriteLog,
)
from ccfpy.boundary.events import Event, SessionData, Woken
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.session import InterfaceRules
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.refusals import ParserLimits
from ccfpy.http.tls import ServerContext, TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.sessions.client import InterfaceSessions, Router
from ccfpy.node.sessions.connection import Connection
from ccfpy.node.streams import CommitFeed, NodeStreams
from ccfpy.testing.node import HOST, START_UNIX_US, Client, InProcessNode
from tests.unit.endpoints.world import Indexes
from tests.unit.http.tls_ends import NODE

GET = b"GET /node/state HTTP/1.1\r\n\r\n"
OK = b"HTTP/1.1 200 OK"


class Watched:
    """A node that is stepped once at a time, and what its host was asked for."""

    def __init__(self, node: InProcessNode) -> None:
        self.node = node
        self.steps = 0
        self.sent: dict[SessionId, bytes] = {}
        self.closed: set[SessionId] = set()
        self.granted: dict[SessionId, int] = {}
        self.logs: list[str] = []
        self.is_to_wake = False

    def step(self, *events: Event) -> Sequence[Effect]:
        """Run one step; return what it asked."""
        self.steps += 1
        if Woken() in events:
            self.is_to_wake = False
        effects = self.node.trusted.step(events)
        assert sum(isinstance(each, Wake) for each in effects) <= 1
        for effect in effects:
            match effect:
                case SendData(session=session, data=data):
                    self.sent[session] = self.sent.get(session, b"") + data
                case CloseSession(session=session):
                    self.closed.add(session)
                case ReadMore(session=session, size=size):
                    self.granted[session] = self.granted.get(session, 0) + size
                case WriteLog():
                    self.logs.append(effect.message)
                case Wake():
                    assert not self.is_to_wake, "one is enough"
                    self.is_to_wake = True
                case _:
                    self.node.perform([effect])
        return effects

    def wake(self) -> Sequence[Effect]:
        """Answer ``Wake``, which was asked for."""
        assert self.is_to_wake
        return self.step(Woken())

    def finish(self) -> None:
        """Answer ``Wake`` until it is not asked for any more."""
        while self.is_to_wake:
            self.wake()

    def say(self, client: Client, plaintext: bytes) -> SessionData:
        """Return the event of a client's bytes."""
        return SessionData(session=client.session, data=client.encrypt(plaintext))

    def answers(self, client: Client) -> int:
        """Return how many answers came to a client since this was asked last."""
        plaintext = client.decrypt(self.sent.pop(client.session, b""))
        return plaintext.count(b"HTTP/1.1 ")


class Newcomer:
    """A client that connects and asks once, as far as its node lets it."""

    def __init__(self, node: InProcessNode) -> None:
        now = datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC)
        context = ClientContext(
            trusted_pem=node.service_certificate, host=HOST, now=now
        )
        self.session = node.open_session()
        self._tls = TlsSession(context)
        self._has_asked = False
        self.is_served = False

    def said(self) -> SessionData:
        """Return what the client says next: at first its hello."""
        return SessionData(session=self.session, data=self._tls.take_output())

    def reply(self, came: bytes) -> SessionData | None:
        """Read what came, and return what follows from it."""
        self.is_served |= self._tls.feed(came).startswith(OK)
        if not self._tls.is_established or self._has_asked:
            return None
        self._has_asked = True
        self._tls.write(GET)
        return self.said()


def hello(node: InProcessNode) -> SessionData:
    """Return the first bytes of a client that has just connected."""
    return Newcomer(node).said()


def connection_of(watched: Watched, session: SessionId) -> Connection:
    booted = watched.node.trusted._booted
    assert booted is not None
    return booted.sessions._connections[session]


def new_connection(interface: RpcInterface, number: int = 1) -> Connection:
    """Return a connection without a node, of which nothing was said yet."""
    is_unsecured = interface.authority is InterfaceAuthority.UNSECURED
    return Connection(
        SessionId(number),
        InterfaceSessions(
            configuration=interface,
            rules=InterfaceRules(name=interface.name, unsecured=is_unsecured),
            limits=ParserLimits(),
            header_cache=HeaderCache(ParserLimits()),
        ),
        None if is_unsecured else ServerContext(NODE.pem, NODE.key_pem),
        router=Router(AppCalls()),
        origin="test",
        is_capped=False,
        on_settled=lambda _: None,
        streams=NodeStreams(
            CommitFeed(Indexes(), committed=lambda: 0, wake=lambda: None),
            on_turn=lambda _: None,
            on_kept=lambda _, __: None,
        ),
    )
