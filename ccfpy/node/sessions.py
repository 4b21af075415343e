"""Client connections inside the enclave: TLS, HTTP and the caps, one object each.

The host relays ciphertext; plaintext exists only here. A session reads requests in the
order they came and answers each before the next (``src/http/http_session.h``); while
an answer is awaited, what the client sends is held and neither parsed nor served.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import Authority, RpcInterface
from ccfpy.boundary.effects import CloseSession, SendData
from ccfpy.crypto.certs import Certificate
from ccfpy.endpoints.session import Interface, Session
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Response, serialise_response
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from ccfpy.http.tls import ServerContext, TlsFailure, TlsSession

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ccfpy.endpoints.awaited import Answer, Awaited
    from ccfpy.http.messages import Request
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.router import Router


class Certificates(Protocol):
    """Which TLS identity an interface presents now; ``None`` while it has none."""

    def context_for(self, authority: Authority) -> ServerContext | None:
        """Give the context to accept a connection with."""
        ...


@dataclass(slots=True, kw_only=True)
class InterfaceSessions:
    """An interface, its rules, and the counts that ``/node/metrics`` reports.

    Attributes:
        active: sessions open now.
        peak: most there ever were at once.
    """

    configuration: RpcInterface
    rules: Interface
    limits: ParserLimits
    active: int = 0
    peak: int = 0
    errors: dict[str, int] = field(
        default_factory=lambda: {
            "parsing": 0,
            "request_header_too_large": 0,
            "request_payload_too_large": 0,
        }
    )

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


class Connection:
    """One client's connection.

    Attributes:
        is_capped: accepted beyond the soft cap: every request is answered 503.
    """

    __slots__ = (
        "_awaited",
        "_held",
        "_held_bytes",
        "_on_settled",
        "_parser",
        "_tls",
        "_unanswered",
        "_unreadable",
        "interface",
        "is_capped",
        "session",
    )

    def __init__(
        self,
        session_id: SessionId,
        interface: InterfaceSessions,
        tls: TlsSession | None,
        *,
        is_capped: bool,
        on_settled: "Callable[[Connection], None]",
    ) -> None:
        self.session = Session(id=session_id, interface=interface.rules)
        self.interface = interface
        self.is_capped = is_capped
        self._tls = tls
        self._parser = RequestParser(interface.limits)
        self._on_settled = on_settled
        self._awaited: Awaited | None = None
        self._unanswered: Sequence[Request] = ()
        self._unreadable: UnreadableRequest | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0

    def receive(self, data: bytes, router: "Router") -> tuple[bytes, bool]:
        """Take a client's bytes; give bytes for it, and whether they are the last."""
        tls = self._tls
        if tls is None:
            return self._serve(data, router)
        ends = False
        try:
            plaintext = tls.feed(data)
            if plaintext:
                if self.session.caller is None and tls.peer_certificate_der is not None:
                    self.session.caller = _certificate(tls.peer_certificate_der)
                reply, ends = self._serve(plaintext, router)
                if reply:
                    tls.write(reply)
        except TlsFailure:
            # Whatever became of the request, its sender cannot be told.
            return tls.take_output(), True
        if ends:
            tls.close()
        return tls.take_output(), ends or tls.is_closed_by_peer

    def resume(self, router: "Router") -> tuple[bytes, bool]:
        """Go on where a response was awaited that is there now; as ``receive``."""
        reply, ends = self._go_on(router)
        tls = self._tls
        if tls is None:
            return reply, ends
        try:
            tls.write(reply)
        except TlsFailure:
            return tls.take_output(), True
        if ends:
            tls.close()
        return tls.take_output(), ends

    def abandon(self) -> None:
        """The client has gone: nobody waits for an answer any more."""
        if self._awaited is not None:
            self._awaited.abandon()

    def _go_on(self, router: "Router") -> tuple[bytes, bool]:
        awaited, failure = self._awaited, self._unreadable
        assert awaited is not None, "only a connection that waits goes on"
        requests, held = self._unanswered, b"".join(self._held)
        self._awaited, self._unreadable, self._unanswered = None, None, ()
        self._held.clear()
        self._held_bytes = 0
        reply, ends = self._answer_all(requests, failure, router, awaited.response)
        if ends or not held:
            return reply, ends
        more, ends = self._serve(held, router)
        return reply + more, ends

    def _hold(self, plaintext: bytes) -> tuple[bytes, bool]:
        self._held.append(plaintext)
        self._held_bytes += len(plaintext)
        return b"", self._held_bytes > limits.HELD_BYTES_MAX

    def _serve(self, plaintext: bytes, router: "Router") -> tuple[bytes, bool]:
        if self._awaited is not None:
            return self._hold(plaintext)
        failure: UnreadableRequest | None = None
        try:
            requests = self._parser.feed(plaintext)
        except UnreadableRequest as error:
            requests, failure = error.completed, error
        return self._answer_all(requests, failure, router)

    def _answer_all(
        self,
        requests: "Sequence[Request]",
        failure: UnreadableRequest | None,
        router: "Router",
        settled: Response | None = None,
    ) -> tuple[bytes, bool]:
        """Answer requests in order, up to one whose response comes later.

        ``settled`` is the response to the first, if it came so.
        """
        replies: list[bytes] = []
        reply_bytes = 0
        for position, request in enumerate(requests):
            response = settled or self._answer(request, router)
            settled = None
            if not isinstance(response, Response):
                if response.response is None:
                    self._wait(response, requests[position:], failure)
                    return b"".join(replies), False
                response = response.response
            if not request.keep_alive or reply_bytes > limits.REPLIES_BYTES_MAX:
                response.close = True
            reply = serialise_reply(response, request)
            replies.append(reply)
            reply_bytes += len(reply)
            if response.close:
                return b"".join(replies), True
        if failure is not None:
            self.interface.count_error(failure)
            replies.append(serialise_response(failure.response))
        return b"".join(replies), failure is not None

    def _wait(
        self,
        awaited: "Awaited",
        unanswered: "Sequence[Request]",
        failure: UnreadableRequest | None,
    ) -> None:
        self._awaited = awaited
        self._unanswered = unanswered
        self._unreadable = failure
        awaited.then(self._settled)

    def _settled(self, _: Response) -> None:
        self._on_settled(self)

    def _answer(self, request: "Request", router: "Router") -> "Answer":
        if self.is_capped:
            return ApiError(
                503,
                ErrorCode.SessionCapExhausted,
                "Service is currently busy and unable to serve new connections",
                close=True,
            ).response()
        return router.answer(request, self.session)


def serialise_reply(response: Response, request: "Request") -> bytes:
    """Write a response; one to HEAD keeps its headers and loses its body."""
    try:
        data = serialise_response(response)
    except Malformed as error:
        response = _unwritable(response, error)
        data = serialise_response(response)
    if request.method == "HEAD" and response.body:
        return data[: -len(response.body)]
    return data


def serialise_or_error(response: Response) -> bytes:
    """Write a response; one that an app made wrongly becomes an error in its place."""
    try:
        return serialise_response(response)
    except Malformed as error:
        return serialise_response(_unwritable(response, error))


def _unwritable(response: Response, error: Malformed) -> Response:
    return ApiError(
        500, ErrorCode.InternalError, str(error), close=response.close
    ).response()


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
        self._settled: list[Connection] = []
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
            context = self._certificates.context_for(configuration.authority)
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

    def data(self, session_id: SessionId, data: bytes, router: "Router") -> None:
        """Serve bytes from a client; those of a session that has ended mean nothing."""
        connection = self._connections.get(session_id)
        if connection is None:
            return
        reply, ends = connection.receive(data, router)
        self._send(session_id, reply, ends=ends)

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
            for connection in ready:
                session_id = connection.session.id
                if self._connections.get(session_id) is connection:
                    reply, ends = connection.resume(router)
                    self._send(session_id, reply, ends=ends)

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
