"""One client's connection: TLS around a protocol, and the bytes that wait for a turn.

TLS begins with the client's first bytes. A client that only connects costs no memory in
OpenSSL, and no time of other clients' requests.

A connection with nothing to do is *idle*: its bytes are served at once. Otherwise its
bytes wait, in order, until the connection's turn comes (`Turns`). While the client
reads no answers, or while an answer is pending, the connection has no turn.

The host closes silent connections. A client that sends a little now and then could hold
a connection for ever with an unfinished handshake, request or answer. `ReadTimeout`
bounds that; CCF has no such bound.
"""

from enum import Enum, StrEnum, auto
from functools import lru_cache
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import SessionId
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.session import Session
from ccfpy.http.tls import TlsContext, TlsFailure, TlsSession
from ccfpy.node.sessions.app_protocol import AppProtocol
from ccfpy.node.sessions.client import Client, Conversation, InterfaceSessions
from ccfpy.node.sessions.http1 import Http1Connection
from ccfpy.node.sessions.http2 import Http2Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.http.messages import Response
    from ccfpy.node.sessions.client import Router
    from ccfpy.node.streams import NodeStreams


class Stall(StrEnum):
    """Why a client has stalled; the text is part of a log line."""

    UNFINISHED = "began what it has not ended"
    """A handshake, record or request is unfinished, or a flow-control window closed."""
    UNREAD = "has read none of its answers"


class ReadTimeout:
    """The read timeout of one connection.

    It starts again whenever something is complete. Otherwise it has a fixed length,
    extended by the bytes that the client sends, at a minimum rate.
    """

    __slots__ = ("_progress", "_received", "_waited_ms")

    def __init__(self) -> None:
        self._progress: object = None
        self._received = 0
        self._waited_ms = 0

    def is_over(self, *, progress: object, received: int, elapsed_ms: int) -> bool:
        """Return whether the time for an unfinished request is over.

        Args:
            progress: equal to the value of the last check if nothing was completed
                since; ``None`` if nothing is unfinished.
            received: bytes received from the client in total.
            elapsed_ms: time since the last check, in milliseconds.
        """
        if progress is None or progress != self._progress:
            self._progress = progress
            self._received = received
            self._waited_ms = 0
            return False
        self._waited_ms += elapsed_ms
        sent = received - self._received
        return self._waited_ms >= limits.SESSION_UNFINISHED_MS_MAX + (
            1000 * sent // limits.SESSION_BYTES_PER_S_MIN
        )


class Turn(Enum):
    """The reason for a connection's turn."""

    READ = auto()
    """Its bytes were read and parsed in this step, with those of others."""
    WAITED = auto()
    """It has waited for its turn."""
    SETTLED = auto()
    """A pending answer is ready."""
    LAST = auto()
    """Its client has gone, and the protocol has one last turn."""


class Connection:
    """One client's connection.

    Attributes:
        conversation: the protocol spoken inside TLS.
        is_greeted: whether TLS is established, or not used.
        is_idle: whether TLS is established and nothing waits: no bytes, no request, no
            pending or unread answer.
        is_queued: whether the connection waits for its turn.
        has_ended: whether the connection is not served any more.
        has_spoken: whether bytes came in this step that are not parsed yet.
        turn: the reason for the current turn, if any.
        has_begun: whether the turn has begun.
        is_serving: whether the turn has something for the protocol to answer.
        is_leaving: whether the client has gone and the connection ends with this turn.
        inbox: the client's bytes that wait for a turn.
        received: number of the client's bytes that turns have read.
        grant_at: the value of ``received`` at which the host may send more.
        unread_bytes: number of bytes sent, but not yet accepted by the host's system.
        unfinished_bytes: bytes of unfinished requests at the last count.
    """

    __slots__ = (
        "_began_ns",
        "_context",
        "_ends",
        "_heard",
        "_inbox_bytes",
        "_patience",
        "_reply",
        "_said",
        "_tls",
        "_written",
        "conversation",
        "grant_at",
        "has_begun",
        "has_ended",
        "has_spoken",
        "inbox",
        "interface",
        "is_greeted",
        "is_idle",
        "is_leaving",
        "is_queued",
        "is_serving",
        "received",
        "session",
        "turn",
        "unfinished_bytes",
        "unread_bytes",
    )

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        session_id: SessionId,
        interface: InterfaceSessions,
        context: TlsContext | None,
        *,
        router: "Router",
        origin: str,
        is_capped: bool,
        on_settled: "Callable[[Client], None]",
        streams: "NodeStreams",
    ) -> None:
        self.session = Session(id=session_id, interface=interface.rules, origin=origin)
        self.interface = interface
        self._context = context
        self._tls: TlsSession | None = None
        self._heard = b""
        self._said: bytes | None = b""
        self._reply = b""
        self._ends = False
        self.is_serving = False
        self.has_spoken = False
        self.has_begun = False
        self.is_leaving = False
        self.turn: Turn | None = None
        self._began_ns = 0
        self._patience = ReadTimeout()
        self.inbox: list[bytes] = []
        self._inbox_bytes = 0
        self._written = 0
        self.is_greeted = context is None
        self.is_idle = self.is_greeted
        self.is_queued = False
        self.has_ended = False
        self.received = 0
        self.grant_at = limits.SESSION_GRANT_BYTES
        self.unread_bytes = 0
        self.unfinished_bytes = 0
        client = Client(
            session=self.session,
            interface=interface,
            router=router,
            is_capped=is_capped,
            on_settled=on_settled,
            streams=streams,
        )
        self.conversation: Conversation
        if interface.protocol is not None:
            self.conversation = AppProtocol(client, interface.protocol)
        elif interface.http2 is not None:
            self.conversation = Http2Connection(client)
        else:
            self.conversation = Http1Connection(client)
        if context is None:
            self.conversation.greet()

    # A turn has stages, so that one stage can serve many clients. The result of a stage
    # is kept here, in the conversation, or by OpenSSL.

    def hear(self, data: bytes) -> None:
        """Receive the client's bytes for this turn."""
        heard = self._heard
        self._heard = heard + data if heard else data
        self.has_spoken = True
        self.received += len(data)

    def decrypt(self) -> None:
        """Decrypt the bytes that ``hear`` received."""
        heard, self._heard = self._heard, b""
        tls = self._tls
        if tls is None:
            if self._context is None:
                self._said = heard
                return
            tls = self._tls = TlsSession(self._context)
            self._began_ns = self.interface.now_ns()
        tls.hear(heard)
        try:
            self._said = tls.read()
        except TlsFailure:
            if not self.is_greeted:
                self.interface.handshakes["failed"] += 1
            self._said = None
            return
        if not self.is_greeted and tls.is_established:
            self.is_greeted = True
            self.interface.handshakes["ok"] += 1
            took_ns = self.interface.now_ns() - self._began_ns
            self.interface.handshake_ns.observe(took_ns)
            if tls.peer_certificate_der is not None:
                self.session.caller = readable_certificate(tls.peer_certificate_der)
            self.conversation.greet()

    def parse(self) -> None:
        """Parse the decrypted bytes."""
        said = self._said
        if said:
            self.conversation.hear(said)

    def begin(self, share: int) -> None:
        """Begin to answer the parsed requests.

        Args:
            share: how many requests to answer at most.
        """
        said, self._said = self._said, b""
        self.has_spoken = False
        self.has_begun = True
        self._ends = said is None  # what came was not TLS
        self.is_serving = bool(said)
        if said:
            self.conversation.begin(share)

    def begin_turn(self, share: int) -> None:
        """Begin with the conversation's remaining work, or with waiting bytes."""
        if self.conversation.is_ready:
            self.resume(share)
            return
        self.hear(self._take_bytes())
        self.decrypt()
        self.parse()
        self.begin(share)

    def resume(self, share: int) -> None:
        """Begin with pending answers that are ready, and continue behind them."""
        self.has_begun = self.is_serving = True
        self.conversation.begin(share)
        self.conversation.come_back()

    def write(self) -> None:
        """Serialise the answers."""
        self._reply = self.conversation.take_output()

    def encrypt(self) -> None:
        """Encrypt the serialised answers."""
        tls, reply = self._tls, self._reply
        if tls is None or not reply:
            return
        self._reply = b""
        if not tls.is_failed:
            try:
                tls.write(reply)
            except TlsFailure:
                # The client cannot learn the result of its request.
                return

    def take(self) -> tuple[bytes, bool]:
        """Return the bytes for the client, and whether they are the last."""
        tls, ends = self._tls, self._ends
        if self.is_serving and self.conversation.is_over:
            ends = True
        if tls is None:
            reply, self._reply = self._reply, b""
            return reply, ends
        if ends:
            tls.close()
        if tls.is_failed or (tls.is_closed_by_peer and self.conversation.hear_end()):
            ends = True
        return tls.take_output(), ends

    # What waits

    def keep(self, data: bytes) -> bool:
        """Keep bytes for a later turn; return whether they are within the bound."""
        self.is_idle = False
        self.inbox.append(data)
        self._inbox_bytes += len(data)
        return self._inbox_bytes <= limits.HELD_BYTES_MAX

    def fitting(self, data: bytes) -> bytes:
        """Return the part of new bytes that fits into this turn."""
        if self.inbox:
            return b""
        room = limits.SESSION_TURN_BYTES_MAX - len(self._heard)
        return data if len(data) <= room else data[:room]

    @property
    def has_left(self) -> bool:
        """Whether something waits, so that new bytes cannot be served at once."""
        return (
            not self.is_greeted
            or bool(self.inbox)
            or self.conversation.has_left
            or self.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX
        )

    @property
    def wants_turn(self) -> bool:
        """Whether there is work that a turn could do now."""
        if self.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX:
            return False
        conversation = self.conversation
        return conversation.is_ready or (
            bool(self.inbox) and not conversation.is_waiting
        )

    def written(self, size: int) -> None:
        """Note that the host's system accepted bytes."""
        self._written += size
        self.unread_bytes = max(0, self.unread_bytes - size)

    def _take_bytes(self) -> bytes:
        """Return the bytes of one turn."""
        data = b"".join(self.inbox)
        self.inbox.clear()
        most = limits.SESSION_TURN_BYTES_MAX
        if len(data) > most:
            self.inbox.append(data[most:])
            data = data[:most]
        self._inbox_bytes -= len(data)
        return data

    # Its end

    def stall(self, elapsed_ms: int) -> Stall | None:
        """Return why the client has timed out, or nothing if it has not.

        A client that waits for its turn does not time out.

        Args:
            elapsed_ms: time since the last call, in milliseconds.
        """
        stall = self._stall()
        progress: object = None
        received = self.received
        if stall is Stall.UNREAD:
            progress = stall, self._written
            received = 0
        elif stall is Stall.UNFINISHED:
            progress = self.is_greeted, self.conversation.progress
        is_over = self._patience.is_over(
            progress=progress, received=received, elapsed_ms=elapsed_ms
        )
        return stall if is_over else None

    def _stall(self) -> Stall | None:
        if self.is_queued:
            return None
        if self.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX:
            return Stall.UNREAD
        if not self.is_greeted or self.conversation.is_midway:
            return Stall.UNFINISHED
        if self._tls is not None and self._tls.is_midway:
            return Stall.UNFINISHED
        return None

    def turn_away(self, response: "Response") -> bytes:
        """End the connection with an answer to the unfinished request."""
        self._reply = self.conversation.turn_away(response)
        self._ends = True
        self.encrypt()
        data, _ = self.take()
        return data

    def dismiss(self) -> bytes:
        """End the connection from this side; return the last bytes for the client."""
        if self._tls is None:
            return b""
        self._tls.close()
        return self._tls.take_output()

    def abandon(self) -> None:
        """Note that the client has gone, and abandon its pending answers."""
        self.has_ended = True
        self.inbox.clear()
        self.conversation.abandon()


def readable_certificate(der: bytes) -> Certificate | None:
    """Return a client's certificate, or nothing if it cannot be read.

    The same clients connect again and again, so parsed certificates are cached.
    """
    if len(der) <= limits.CERTIFICATE_CACHED_BYTES_MAX:
        return _read_lately(der)
    return _read(der)


def _read(der: bytes) -> Certificate | None:
    try:
        return Certificate.from_der(der)
    except CcfpyError:
        return None


_read_lately = lru_cache(maxsize=limits.CERTIFICATES_CACHED_MAX)(_read)
