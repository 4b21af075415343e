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
    """What a client owes; the text completes a sentence of the log."""

    UNFINISHED = "began what it has not ended"
    """It has yet to end a handshake, a record or a request, or to open its windows."""
    UNREAD = "has read none of its answers"


class ReadTimeout:
    """What is left of it, for one connection.

    Whatever comes whole restores it. Otherwise it lasts for so long, and longer by what
    the client sends, at a rate that anybody can keep.
    """

    __slots__ = ("_progress", "_received", "_waited_ms")

    def __init__(self) -> None:
        self._progress: object = None
        self._received = 0
        self._waited_ms = 0

    def is_over(self, *, progress: object, received: int, elapsed_ms: int) -> bool:
        """Return whether the time of a client that has begun something is over.

        Args:
            progress: equal to what it was at the last look if nothing came whole since;
                ``None`` if nothing has begun.
            received: bytes that came from the client in all.
            elapsed_ms: since the last look.
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
    """Why it is a connection's turn."""

    READ = auto()
    """Its bytes were read and parsed in this step, with others'."""
    WAITED = auto()
    """It has waited for its turn."""
    SETTLED = auto()
    """An answer came that it awaits."""
    LAST = auto()
    """Its client has gone, and is to be heard of once more."""


class Connection:
    """One client's connection.

    Attributes:
        conversation: what is said inside TLS, such as requests and answers.
        is_greeted: TLS is established, or there is none.
        is_idle: TLS is established, and nothing waits: no bytes, no request, no awaited
            or unread answer.
        is_queued: it waits for its turn.
        has_ended: the connection is not served any more.
        has_spoken: bytes came in this step that are not parsed yet.
        turn: why it is the connection's turn, if it is.
        has_begun: the turn has begun.
        is_serving: there is something in the turn that the conversation answers.
        is_leaving: the client has gone, and the connection ends with this turn.
        inbox: bytes of the client that wait for a turn.
        received: bytes of the client that a turn has read.
        grant_at: at how many received bytes the host learns of them next.
        unread_bytes: bytes sent, but not yet accepted by the host's system.
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

    # A turn in stages, so that many clients can be served in each. What one stage makes
    # for the next is kept here, or in the conversation, or by OpenSSL.

    def hear(self, data: bytes) -> None:
        """Take bytes of the client."""
        heard = self._heard
        self._heard = heard + data if heard else data
        self.has_spoken = True
        self.received += len(data)

    def decrypt(self) -> None:
        """Decrypt what ``hear`` took."""
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
        """Parse what was decrypted."""
        said = self._said
        if said:
            self.conversation.hear(said)

    def begin(self, share: int) -> None:
        """Begin to answer what was parsed.

        Args:
            share: how many requests.
        """
        said, self._said = self._said, b""
        self.has_spoken = False
        self.has_begun = True
        self._ends = said is None  # what came was not TLS
        self.is_serving = bool(said)
        if said:
            self.conversation.begin(share)

    def begin_turn(self, share: int) -> None:
        """Begin with what waits: what the conversation has left, or bytes that came."""
        if self.conversation.is_ready:
            self.resume(share)
            return
        self.hear(self._take_bytes())
        self.decrypt()
        self.parse()
        self.begin(share)

    def resume(self, share: int) -> None:
        """Begin with awaited answers that have come, and what waits behind them."""
        self.has_begun = self.is_serving = True
        self.conversation.begin(share)
        self.conversation.come_back()

    def write(self) -> None:
        """Write what was answered."""
        self._reply = self.conversation.take_output()

    def encrypt(self) -> None:
        """Encrypt what was written."""
        tls, reply = self._tls, self._reply
        if tls is None or not reply:
            return
        self._reply = b""
        if not tls.is_failed:
            try:
                tls.write(reply)
            except TlsFailure:
                # Whatever became of the request, its sender cannot be told.
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
        """Keep bytes for a turn; return whether they are within the bound."""
        self.is_idle = False
        self.inbox.append(data)
        self._inbox_bytes += len(data)
        return self._inbox_bytes <= limits.HELD_BYTES_MAX

    def fitting(self, data: bytes) -> bytes:
        """Return how much of new bytes fits into this turn; the rest is to be kept."""
        if self.inbox:
            return b""
        room = limits.SESSION_TURN_BYTES_MAX - len(self._heard)
        return data if len(data) <= room else data[:room]

    @property
    def has_left(self) -> bool:
        """Whether something waits, so that what comes cannot be served at once."""
        return (
            not self.is_greeted
            or bool(self.inbox)
            or self.conversation.has_left
            or self.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX
        )

    @property
    def wants_turn(self) -> bool:
        """Whether something waits that a turn would serve."""
        if self.unread_bytes >= limits.SESSION_UNREAD_BYTES_MAX:
            return False
        conversation = self.conversation
        return conversation.is_ready or (
            bool(self.inbox) and not conversation.is_waiting
        )

    def written(self, size: int) -> None:
        """Note that the host's system took bytes."""
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
        """Return why the client is not waited for any more, if so.

        A client that waits for its turn is not to blame for anything.

        Args:
            elapsed_ms: since this was asked last.
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
        """End the connection with an answer to the request that has begun."""
        self._reply = self.conversation.turn_away(response)
        self._ends = True
        self.encrypt()
        data, _ = self.take()
        return data

    def dismiss(self) -> bytes:
        """End the connection from this side; give what tells the client."""
        if self._tls is None:
            return b""
        self._tls.close()
        return self._tls.take_output()

    def abandon(self) -> None:
        """The client has gone: nobody waits for an answer any more."""
        self.has_ended = True
        self.inbox.clear()
        self.conversation.abandon()


def readable_certificate(der: bytes) -> Certificate | None:
    """Read a client's certificate; one we cannot read is as good as none.

    The same clients come again and again, so what was read lately is kept.
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
