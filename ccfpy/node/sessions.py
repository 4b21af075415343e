"""Client connections inside the enclave: TLS, who speaks what, and the caps.

The host relays ciphertext; plaintext exists only here. What is said inside of TLS is a
conversation of its own, by the protocol of the interface.
"""

from typing import TYPE_CHECKING, Protocol

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import Authority
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.session import Session
from ccfpy.http.tls import HTTP_1_1, HTTP_2, ServerContext, TlsFailure, TlsSession
from ccfpy.node.sessions_client import Client, Conversation, InterfaceSessions
from ccfpy.node.sessions_http1 import OneByOne
from ccfpy.node.sessions_http2 import AllAtOnce
from ccfpy.node.sessions_patience import Patience

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.boundary.events import SessionData
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.router import Router


class Certificates(Protocol):
    """Which TLS identity an interface presents now; ``None`` while it has none."""

    def context_for(
        self, authority: Authority, protocol: bytes
    ) -> ServerContext | None:
        """Give the context to accept a connection with, to speak ``protocol``."""
        ...


class Connection:
    """One client's connection."""

    __slots__ = (
        "_conversation",
        "_patience",
        "_received",
        "_tls",
        "interface",
        "session",
    )

    def __init__(
        self,
        session_id: SessionId,
        interface: InterfaceSessions,
        tls: TlsSession | None,
        *,
        is_capped: bool,
        on_settled: "Callable[[Client], None]",
    ) -> None:
        self.session = Session(id=session_id, interface=interface.rules)
        self.interface = interface
        self._tls = tls
        self._patience = Patience()
        self._received = 0
        client = Client(
            session=self.session,
            interface=interface,
            is_capped=is_capped,
            on_settled=on_settled,
        )
        self._conversation: Conversation = (
            OneByOne(client) if interface.http2 is None else AllAtOnce(client)
        )

    def receive(self, data: bytes, router: "Router") -> tuple[bytes, bool]:
        """Take a client's bytes; give bytes for it, and whether they are the last."""
        return self.protect(*self.serve(self.read(data), router))

    # The same in three stages, so that many clients can be served in each.

    def read(self, data: bytes) -> bytes | None:
        """Take a client's bytes; give what they say, or nothing if nobody can tell."""
        tls = self._tls
        self._received += len(data)
        if tls is None:
            return data
        try:
            plaintext = tls.feed(data)
        except TlsFailure:
            return None
        if (
            plaintext
            and self.session.caller is None
            and tls.peer_certificate_der is not None
        ):
            self.session.caller = _certificate(tls.peer_certificate_der)
        return plaintext

    def serve(self, said: bytes | None, router: "Router") -> tuple[bytes, bool]:
        """Answer what ``read`` gave; give the reply, and whether nothing follows."""
        if said:
            return self._conversation.serve(said, router)
        return b"", said is None

    def protect(self, reply: bytes, ends: bool) -> tuple[bytes, bool]:
        """Give bytes that carry what ``serve`` gave, and whether they are the last."""
        tls = self._tls
        if tls is None:
            return reply, ends
        if reply:
            try:
                tls.write(reply)
            except TlsFailure:
                # Whatever became of the request, its sender cannot be told.
                return tls.take_output(), True
        if ends:
            tls.close()
        return tls.take_output(), ends or tls.is_closed_by_peer

    def resume(self, router: "Router") -> tuple[bytes, bool]:
        """Go on where a response was awaited that is there now; as ``receive``."""
        return self.protect(*self._conversation.go_on(router))

    def has_stalled(self, elapsed_ms: int) -> bool:
        """Tell whether the client is not waited for any more.

        Args:
            elapsed_ms: since this was asked last.
        """
        tls, conversation = self._tls, self._conversation
        progress: object = None
        if conversation.is_midway or (tls is not None and tls.is_midway):
            progress = tls is None or tls.is_established, conversation.progress
        return self._patience.is_over(
            progress=progress, received=self._received, elapsed_ms=elapsed_ms
        )

    def dismiss(self) -> bytes:
        """End the connection from this side; give what tells the client."""
        if self._tls is None:
            return b""
        self._tls.close()
        return self._tls.take_output()

    def abandon(self) -> None:
        """The client has gone: nobody waits for an answer any more."""
        self._conversation.abandon()


def _certificate(der: bytes) -> Certificate | None:
    """Read a client's certificate; one we cannot read is as good as none."""
    try:
        return Certificate.from_der(der)
    except CcfpyError:
        return None


class Sessions:
    """All connections of a node, by the host's number."""

    def __init__(
        self,
        interfaces: "dict[str, InterfaceSessions]",
        *,
        certificates: Certificates,
        outbox: "Outbox",
    ) -> None:
        self.interfaces = interfaces
        self._certificates = certificates
        self._outbox = outbox
        self._connections: dict[SessionId, Connection] = {}
        self._settled: list[Client] = []
        self._looked_ms: int | None = None
        self.peak = 0

    @property
    def active(self) -> int:
        """How many sessions are open."""
        return len(self._connections)

    def open(self, session_id: SessionId, interface_name: str) -> None:
        """Accept a connection, unless its interface is full or has no certificate."""
        interface = self.interfaces.get(interface_name)
        if interface is None or session_id in self._connections:
            self._outbox.fail(f"The host opened session {session_id} wrongly")
            self._outbox.put(CloseSession(session=session_id))
            return
        configuration = interface.configuration
        if interface.active >= configuration.sessions_hard_max:
            self._refuse(session_id, interface)
            return
        tls: TlsSession | None = None
        if configuration.authority is not Authority.UNSECURED:
            context = self._certificates.context_for(
                configuration.authority,
                HTTP_1_1 if interface.http2 is None else HTTP_2,
            )
            if context is None:
                self._outbox.put(CloseSession(session=session_id))
                return
            tls = TlsSession(context)
        self._connections[session_id] = Connection(
            session_id,
            interface,
            tls,
            is_capped=interface.active >= configuration.sessions_soft_max,
            on_settled=self._settled.append,
        )
        interface.active += 1
        interface.peak = max(interface.peak, interface.active)
        self.peak = max(self.peak, self.active)

    def _refuse(self, session_id: SessionId, interface: InterfaceSessions) -> None:
        configuration = interface.configuration
        self._outbox.info(
            f"Refusing TLS session {session_id} inside the enclave - already have "
            f"{interface.active} sessions from interface {configuration.name} and "
            f"limit is {configuration.sessions_hard_max}"
        )
        self._outbox.put(CloseSession(session=session_id))

    def data(self, events: "list[SessionData]", router: "Router") -> None:
        """Serve bytes from clients; those of a session that has ended mean nothing.

        First all is decrypted, then all answered, then all encrypted: each of these is
        more code than a processor keeps at hand, and is fetched once for all of them.
        """
        if len(events) == 1:
            (event,) = events
            connection = self._connections.get(event.session)
            if connection is not None:
                reply, ends = connection.receive(event.data, router)
                self._send(event.session, reply, ends=ends)
            return
        read: dict[SessionId, tuple[Connection, bytes | None]] = {}
        for event in events:
            session_id = event.session
            if session_id in read:
                # What it said before may be answered with the end of the session.
                self._answer(read, router)
                read.clear()
            connection = self._connections.get(session_id)
            if connection is not None:
                read[session_id] = connection, connection.read(event.data)
        self._answer(read, router)

    def _answer(
        self,
        read: "dict[SessionId, tuple[Connection, bytes | None]]",
        router: "Router",
    ) -> None:
        replies: list[tuple[Connection, bytes, bool]] = []
        try:
            for connection, said in read.values():
                reply, ends = connection.serve(said, router)
                replies.append((connection, reply, ends))
        finally:
            # Who was answered before the node had to stop is told so.
            for connection, reply, ends in replies:
                data, is_last = connection.protect(reply, ends)
                self._send(connection.session.id, data, ends=is_last)

    def tick(self, monotonic_ms: int) -> None:
        """End the connections of clients that have stalled.

        Time in which nobody looked does not count beyond that of two looks: a node that
        slept cannot tell what its clients did.
        """
        if self._looked_ms is None:
            self._looked_ms = monotonic_ms
        elapsed_ms = monotonic_ms - self._looked_ms
        if elapsed_ms < limits.SESSIONS_LOOK_MS:
            return
        self._looked_ms = monotonic_ms
        elapsed_ms = min(elapsed_ms, 2 * limits.SESSIONS_LOOK_MS)
        stalled = [
            each
            for each in self._connections.items()
            if each[1].has_stalled(elapsed_ms)
        ]
        for session_id, connection in stalled:
            self._outbox.info(
                f"Closing session {session_id}, whose client began what it has not "
                f"ended in {limits.SESSION_UNFINISHED_MS_MAX // 1000}s"
            )
            self._send(session_id, connection.dismiss(), ends=True)

    @property
    def has_settled(self) -> bool:
        """Whether an awaited response came and waits to be sent."""
        return bool(self._settled)

    def resume(self, router: "Router") -> None:
        """Send the responses that came, and go on with the requests behind them.

        This is left for the end of a step: what settles a response may be in the midst
        of a transaction, and the next request must not begin inside of it.
        """
        while self._settled:
            ready = tuple(self._settled)
            self._settled.clear()
            for client in ready:
                session = client.session
                connection = self._connections.get(session.id)
                # The host may give a number again, to somebody else.
                if connection is not None and connection.session is session:
                    reply, ends = connection.resume(router)
                    self._send(session.id, reply, ends=ends)

    def _send(self, session_id: SessionId, reply: bytes, *, ends: bool) -> None:
        if len(reply) > limits.SEND_BYTES_MAX:
            self._send_in_pieces(session_id, reply)
        elif reply:
            self._outbox.put(SendData(session=session_id, data=reply))
        if ends:
            self.closed(session_id)
            self._outbox.put(CloseSession(session=session_id))

    def _send_in_pieces(self, session_id: SessionId, reply: bytes) -> None:
        for start in range(0, len(reply), limits.SEND_BYTES_MAX):
            piece = reply[start : start + limits.SEND_BYTES_MAX]
            self._outbox.put(SendData(session=session_id, data=piece))

    def closed(self, session_id: SessionId) -> None:
        """Forget a session."""
        connection = self._connections.pop(session_id, None)
        if connection is not None:
            connection.abandon()
            connection.interface.active -= 1
