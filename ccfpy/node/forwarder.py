"""Forwarding: requests that a backup sends to the primary, and their responses.

A backup sends a client's request over the channel to the primary, with the session's
number, the view and the caller's certificate. The response comes back the same way
(``src/node/rpc/forwarder.h``). The rules:

1. A response counts only from the node that the command was sent to, once, and before
   the time-out. Any other response is dropped.
2. A change of view ends no command. Only the old primary's response, if it still comes,
   says what happened to the request.
3. A command from another node always gets a response, so that the client need not wait
   for the time-out. It is never forwarded again.

The channels prove which node sent a message. The endpoints authorise the caller, by the
certificate that the forwarding node vouches for. A command has no client address: all
strangers behind one node count as one caller.

A message has a header, which is authenticated but not encrypted: the kind, the version,
the command's number, and what later versions added (a command's view; whether a
response ends its session). The plaintext is the client's session number and HTTP/1.1.
Commands are sent in version 3, and each is answered in its own version.

`RedirectResolver` chooses the node that a redirect names. Backups take turns, so that
one of them does not get every read; CCF chooses at random
(``src/node/rpc/frontend.h``).
``endpoints/frontend.py`` decides whether a request is redirected, and writes the 307.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from ccfpy.base import limits
from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import NodeId, SessionId, View
from ccfpy.boundary.metrics import TIME_EDGES_MS
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall, place_of
from ccfpy.endpoints.call_shares import may_begin
from ccfpy.endpoints.commit_wait import commit_wait_ms
from ccfpy.endpoints.pending import Answer, Awaited
from ccfpy.endpoints.replies import text_reply
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ApiError, ErrorCode, internal_error, unavailable
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import ParserLimits, UnreadableRequest
from ccfpy.http.response_parser import ResponseParser
from ccfpy.kv.tx import Tx
from ccfpy.node.outbox import NodeLog
from ccfpy.node.sessions.connection import readable_certificate
from ccfpy.node.sessions.http1 import serialise_or_error
from ccfpy.service.nodes import trusted_nodes

_HTTP = 0


_TRAILER = "x-ccfpy-trailer-"
"""Begins the name of a header that is a trailer: HTTP/1.1 with a length has none."""


_PARSER_LIMITS = ParserLimits(
    body_bytes_max=limits.FORWARDED_BYTES_MAX,
    header_bytes_max=limits.FORWARDED_BYTES_MAX,
    headers_max=limits.FORWARDED_HEADERS_MAX,
)


_FROM_ANOTHER_NODE = InterfaceRules(name="primary_rpc_interface")
"""The rules for forwarded requests: the interface they came by has checked its own."""


class ForwardingPort(Protocol):
    """The channels, as far as forwarding knows them."""

    def send_encrypted(self, to: NodeId, header: bytes, plaintext: bytes) -> bool:
        """Send both to ``to``, protected; false if they are lost."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A command that was sent and not answered yet.

    Attributes:
        place: where its client's connection comes from.
    """

    to: NodeId
    place: str
    awaited: Awaited
    timeout_ms: int
    deadline_ms: int


class _ForwardedCall(AnsweredCall):
    """Answers a command of another node's."""

    __slots__ = ("_command", "_forwarder", "_request", "_sender", "_session")

    def __init__(
        self,
        forwarder: "Forwarder",
        sender: NodeId,
        command: "Command",
        request: Request,
        session: Session,
    ) -> None:
        super().__init__()
        self._forwarder = forwarder
        self._sender = sender
        self._command = command
        self._request = request
        self._session = session

    def answer(self) -> Answer:
        """Answer the command's request."""
        return self._forwarder.serve(self._request, self._session)

    def deliver(self, response: Response) -> None:
        """Reply to the node that forwarded the command."""
        self._forwarder.reply(self._sender, self._command, response)


@dataclass(eq=False, kw_only=True)
class Forwarder:
    """Both ends of forwarding: this node's commands, and those of others.

    Attributes:
        channels: carry forwarded requests and answers.
        primary: returns the current primary, if it is known.
        serve: answers a request that another node forwarded.
        due: makes a call when the node has time for it.
        node_log: for refused messages.
        now_ms: the host's clock, as in `tick`.
        results: how this node's commands have ended.
        took_ms: how long the answers took that came.
    """

    channels: ForwardingPort
    primary: Callable[[], NodeId | None]
    serve: Callable[[Request, Session], Answer]
    due: Callable[[NodeCall], None]
    node_log: NodeLog
    now_ms: int

    def __post_init__(self) -> None:
        self._next_id = 0
        self.results = {"ok": 0, "refused": 0, "timeout": 0}
        self.took_ms = Histogram(TIME_EDGES_MS)
        self._pending: dict[int, _Pending] = {}
        self._pending_of = Counter[str]()
        """How many of them come from each place."""
        self._next_deadline_ms: int | None = None

    @property
    def pending(self) -> int:
        """How many commands wait for their answer."""
        return len(self._pending)

    # As a backup

    def forward(self, request: Request, session: Session) -> Awaited:
        """Send a request to the primary; what it answers will be the response.

        Raises:
            ApiError: the primary is unknown, cannot be reached, or too many commands
                wait for it; or the request is too large for a message between nodes.
        """
        try:
            return self._forward(request, session)
        except ApiError:
            self.results["refused"] += 1
            raise

    def _forward(self, request: Request, session: Session) -> Awaited:
        primary = self.primary()
        if primary is None:
            raise unavailable(
                ErrorCode.InternalError,
                "RPC could not be forwarded to unknown primary.",
            )
        place = place_of(session.origin)
        self._make_room(place)
        timeout_ms = session.interface.forwarding_timeout_ms
        timeout_ms += commit_wait_ms(request) or 0
        command = self._command(request, session)
        if not self.channels.send_encrypted(primary, command.header, command.plaintext):
            raise unavailable(
                ErrorCode.InternalError,
                "Unable to establish channel to forward to primary.",
            )
        return self._await(primary, place, timeout_ms)

    def _command(self, request: Request, session: Session) -> "Command":
        assert session.active_view is not None, "the frontend compared the views"
        try:
            raw = write_request(request)
        except Malformed as error:
            raise ApiError(400, ErrorCode.InvalidInput, str(error)) from error
        caller = session.caller
        command = Command(
            command_id=self._next_id,
            view=session.active_view,
            session=session.id,
            caller_der=None if caller is None else caller.der,
            request=raw,
        )
        if len(command.plaintext) > limits.FORWARDED_BYTES_MAX:
            raise ApiError(
                413,
                ErrorCode.RequestBodyTooLarge,
                "Request is too large to be forwarded (max size allowed: "
                f"{limits.FORWARDED_BYTES_MAX})",
            )
        return command

    def _make_room(self, place: str) -> None:
        """Refuse to have more commands wait than may; gone clients' wait for nothing.

        Raises:
            ApiError: clients that are there have taken all places, or those at this
                place have taken their share.
        """
        if self._has_room_for(place):
            return
        for number, pending in list(self._pending.items()):
            if pending.awaited.is_abandoned:
                self._remove(number)
        if not self._has_room_for(place):
            raise unavailable(
                ErrorCode.TooManyPendingTransactions,
                "Too many forwarded requests pending on the primary.",
            )

    def _has_room_for(self, place: str) -> bool:
        free = limits.FORWARDED_PENDING_MAX - len(self._pending)
        return may_begin(self._pending_of[place], free)

    def _remove(self, number: int) -> _Pending:
        """Remove a command that waits no more, and return it."""
        pending = self._pending.pop(number)
        self._pending_of[pending.place] -= 1
        if not self._pending_of[pending.place]:
            del self._pending_of[pending.place]
        return pending

    def _await(self, to: NodeId, place: str, timeout_ms: int) -> Awaited:
        awaited = Awaited()
        deadline_ms = self.now_ms + timeout_ms
        self._pending[self._next_id] = _Pending(
            to=to,
            place=place,
            awaited=awaited,
            timeout_ms=timeout_ms,
            deadline_ms=deadline_ms,
        )
        self._pending_of[place] += 1
        self._next_id += 1
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms
        return awaited

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and answer the clients that have waited too long."""
        self.now_ms = now_ms
        if self._next_deadline_ms is None or now_ms < self._next_deadline_ms:
            return
        late = [
            self._remove(number)
            for number, pending in list(self._pending.items())
            if pending.deadline_ms <= now_ms
        ]
        self._next_deadline_ms = min(
            (pending.deadline_ms for pending in self._pending.values()), default=None
        )
        for pending in late:
            self.results["timeout"] += 1
            pending.awaited.settle(_too_late(pending))

    # Messages of other nodes

    def received(self, sender: NodeId, header: bytes, plaintext: bytes) -> None:
        """Receive a forwarded message whose sender its channel proved."""
        try:
            message = read_forwarded(header, plaintext)
        except Malformed as error:
            self.node_log.fail(f"Invalid forwarded message from {sender}: {error}")
            return
        if isinstance(message, Command):
            self._answer(sender, message)
        else:
            self._settle(sender, message)

    def _settle(self, sender: NodeId, message: "CommandResponse") -> None:
        """Send a client the response to its command."""
        number = message.command_id
        pending = None if number is None else self._pending.get(number)
        if pending is None:
            self.node_log.info(
                f"Response for {number} received too late - already sent timeout "
                "error to client"
            )
            return
        if pending.to != sender:
            self.node_log.fail(
                f"Invalid forwarded response for {number} from {sender}: it was sent "
                f"to {pending.to}"
            )
            return
        assert number is not None, "nothing pending has no number"
        self._remove(number)
        self.results["ok"] += 1
        began_ms = pending.deadline_ms - pending.timeout_ms
        self.took_ms.observe(max(0, self.now_ms - began_ms))
        try:
            response = read_response(message.response)
        except CcfpyError as error:
            self.node_log.fail(f"Invalid forwarded response from {sender}: {error}")
            response = internal_error(
                f"The response of node {sender} could not be read."
            ).response()
        response.close = message.ends_session
        pending.awaited.settle(response)

    def _answer(self, sender: NodeId, command: "Command") -> None:
        """Answer a command when the node has time for it."""
        try:
            request = read_request(command.request)
        except UnreadableRequest as error:
            self.node_log.fail(f"Invalid forwarded request from {sender}")
            self.reply(sender, command, error.response)
            return
        except Malformed as error:
            self.node_log.fail(f"Invalid forwarded request from {sender}: {error}")
            return
        der = command.caller_der
        if der is not None and len(der) > limits.FORWARDED_CERTIFICATE_BYTES_MAX:
            self.node_log.fail(
                f"Ignored a certificate of {len(der)} bytes from {sender}"
            )
            der = None
        session = Session(
            id=command.session,
            interface=_FROM_ANOTHER_NODE,
            caller=None if der is None else readable_certificate(der),
            active_view=command.view,
            is_forwarded=True,
            origin=f"node {sender}",
        )
        self.due(_ForwardedCall(self, sender, command, request, session))

    def reply(self, sender: NodeId, command: "Command", response: Response) -> None:
        """Send another node the response to its command."""
        raw = serialise_or_error(with_trailers_as_headers(response))
        if len(raw) > limits.FORWARDED_BYTES_MAX:
            raw = serialise_or_error(
                internal_error(
                    "Response is too large to be returned to the forwarding node."
                ).response()
            )
        kind = RESPONSE_TO[command.kind]
        reply = CommandResponse(
            kind=kind,
            command_id=command.command_id,
            ends_session=kind is MessageKind.RESPONSE_V3 and response.close,
            session=command.session,
            response=raw,
        )
        if not self.channels.send_encrypted(sender, reply.header, reply.plaintext):
            self.node_log.fail(f"Failed to send forwarded response to {sender}")


def _too_late(pending: _Pending) -> Response:
    return text_reply(
        f"Request was forwarded to node {pending.to}, but no response was received "
        f"after {pending.timeout_ms}ms",
        status=504,
    )


class RedirectResolver:
    """Finds targets for redirects, one after another."""

    def __init__(self) -> None:
        self._turn = 0

    def address_of(
        self, tx: Tx, *, role: str, interface: str, primary: NodeId | None
    ) -> str | None:
        """Return the published address of a trusted node in a role, if there is one.

        Args:
            tx: reads the nodes.
            role: ``primary``, or any other for a backup.
            interface: the name of the target's interface.
            primary: who leads, if that is known.
        """
        addresses = [
            info.rpc_interfaces[interface].published_address
            for node_id, info in trusted_nodes(tx).items()
            if (node_id == primary) is (role == "primary")
            and interface in info.rpc_interfaces
        ]
        if not addresses:
            return None
        self._turn += 1
        return addresses[self._turn % len(addresses)]


class MessageKind(IntEnum):
    """What the first eight bytes of a forwarded message say."""

    COMMAND_V1 = 0
    RESPONSE_V1 = 1
    COMMAND_V2 = 2
    RESPONSE_V2 = 3
    COMMAND_V3 = 4
    RESPONSE_V3 = 5


RESPONSE_TO = {
    MessageKind.COMMAND_V1: MessageKind.RESPONSE_V1,
    MessageKind.COMMAND_V2: MessageKind.RESPONSE_V2,
    MessageKind.COMMAND_V3: MessageKind.RESPONSE_V3,
}
"""The kind of response to each kind of command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A request on its way to the primary.

    Attributes:
        command_id: the sender's number for it; version 1 has none.
        view: the view of the client's session; before version 3 there is none.
        session: the client's session at the sender.
        caller_der: the certificate whose key the client proved to hold, if any.
        request: HTTP/1.1.
    """

    kind: MessageKind = MessageKind.COMMAND_V3
    command_id: int | None
    view: View | None
    session: SessionId
    caller_der: bytes | None
    request: bytes

    @property
    def header(self) -> bytes:
        """The part that is sent in the clear."""
        header = u64(self.kind) + bytes([_HTTP])
        if self.command_id is not None:
            header += u64(self.command_id)
        return header if self.view is None else header + u64(self.view)

    @property
    def plaintext(self) -> bytes:
        """The part that is encrypted."""
        head = u64(self.session)
        if self.caller_der is None:
            return head + b"\x00" + self.request
        return head + b"\x01" + buf(self.caller_der) + self.request


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResponse:
    """A response on its way back to the node that has the client.

    Attributes:
        command_id: of the command; version 1 has none.
        ends_session: the client's session is to end, of which only version 3 tells.
        session: as in the command.
        response: HTTP/1.1.
    """

    kind: MessageKind = MessageKind.RESPONSE_V3
    command_id: int | None
    ends_session: bool
    session: SessionId
    response: bytes

    @property
    def header(self) -> bytes:
        """The part that is sent in the clear."""
        header = u64(self.kind) + bytes([_HTTP])
        if self.command_id is not None:
            header += u64(self.command_id)
        if self.kind is MessageKind.RESPONSE_V3:
            header += bytes([self.ends_session])
        return header

    @property
    def plaintext(self) -> bytes:
        """The part that is encrypted."""
        return u64(self.session) + self.response


def read_forwarded(header: bytes, plaintext: bytes) -> Command | CommandResponse:
    """Read either kind of message.

    Raises:
        Malformed: it is neither, or not of the form its kind demands.
    """
    head, body = Reader(header), Reader(plaintext)
    number = head.u64()
    try:
        kind = MessageKind(number)
    except ValueError as error:
        raise Malformed(f"unknown kind of forwarded message: {number}") from error
    frame_format = head.u8()
    has_id = kind not in (MessageKind.COMMAND_V1, MessageKind.RESPONSE_V1)
    command_id = head.u64() if has_id else None
    if kind in RESPONSE_TO:
        if frame_format != _HTTP:
            raise Malformed(f"a forwarded frame of format {frame_format}, not HTTP")
        view = head.u64() if kind is MessageKind.COMMAND_V3 else None
        head.finish()
        session = SessionId(body.u64())
        caller_der = body.buf() if _flag(body) else None
        request = body.take(body.remaining)
        return Command(
            kind=kind,
            command_id=command_id,
            view=view,
            session=session,
            caller_der=caller_der,
            request=request,
        )
    ends_session = kind is MessageKind.RESPONSE_V3 and _flag(head)
    head.finish()
    session = SessionId(body.u64())
    return CommandResponse(
        kind=kind,
        command_id=command_id,
        ends_session=ends_session,
        session=session,
        response=body.take(body.remaining),
    )


def _flag(reader: Reader) -> bool:
    value = reader.u8()
    if value > 1:
        raise Malformed(f"a truth value of {value}")
    return bool(value)


def write_request(request: Request) -> bytes:
    """Write a request as it is forwarded: framed by its length, however it came.

    Raises:
        Malformed: as for any request that is written.
    """
    if "transfer-encoding" in request.headers:
        headers = dict(request.headers)
        del headers["transfer-encoding"]
        request = Request(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=headers,
            body=request.body,
        )
    return serialise_request(request)


def read_request(raw: bytes) -> Request:
    """Read a forwarded request; its interface held it to its limits already.

    Raises:
        UnreadableRequest: it is not HTTP, or beyond what any forwarded one may be.
        Malformed: it is not exactly one request.
    """
    requests = RequestParser(_PARSER_LIMITS).feed(raw)
    if len(requests) != 1:
        raise Malformed(f"a forwarded command of {len(requests)} requests")
    return requests[0]


def with_trailers_as_headers(response: Response) -> Response:
    """Return a response as it is sent to the node that forwarded its request."""
    if not response.trailers:
        return response
    trailers = {_TRAILER + name: value for name, value in response.trailers.items()}
    return Response(
        status=response.status,
        headers={**response.headers, **trailers},
        body=response.body,
        close=response.close,
    )


def read_response(raw: bytes) -> Response:
    """Read a forwarded response; whether it ends the session is not in its HTTP.

    Raises:
        Malformed: it is not exactly one response.
        LimitExceeded: it has more headers than one may have.
    """
    responses = ResponseParser(_PARSER_LIMITS).feed(raw)
    if len(responses) != 1:
        raise Malformed(f"a forwarded answer of {len(responses)} responses")
    response = responses[0]
    headers = response.headers
    headers.pop("connection", None)
    response.close = False
    trailers = [name for name in headers if name.startswith(_TRAILER)]
    if trailers:
        response.trailers = {
            name.removeprefix(_TRAILER): headers.pop(name) for name in trailers
        }
    return response
