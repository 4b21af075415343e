"""Requests that a backup hands to the primary, and what comes of them.

A client's request goes over the channel to the primary with its session's number, its
view and the caller's certificate, and its response comes back the same way
(``src/node/rpc/forwarder.h``). The rules:

1. A response counts only from the node that the command was sent to, once, and before
   its time-out; whatever else comes is dropped.
2. A change of view gives up nothing: the old primary's answer, if it still comes, says
   what became of the request, and nothing else does.
3. A command that comes from another node is answered whatever becomes of it, so that
   the client need not wait for the time-out; it is never forwarded again.

The channels prove who sent what. Who is trusted to call is for the endpoints to say,
from the certificate that the forwarding node vouches for. A command has no address
of its client: strangers behind one node are one caller, apart from those behind others.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import NodeId
from ccfpy.boundary.metrics import TIME_EDGES_MS
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.endpoints.awaited import Answer, Awaited
from ccfpy.endpoints.call_shares import may_begin
from ccfpy.endpoints.callers import place_of
from ccfpy.endpoints.replies import text_reply
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.endpoints.waiting import commit_wait_ms
from ccfpy.http.errors import ApiError, ErrorCode, internal_error, unavailable
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import UnreadableRequest
from ccfpy.node.forwarding.messages import (
    RESPONSE_TO,
    Command,
    CommandResponse,
    MessageKind,
    read_forwarded,
    read_request,
    read_response,
    with_trailers_as_headers,
    write_request,
)
from ccfpy.node.outbox import NodeLog
from ccfpy.node.sessions.connection import readable_certificate
from ccfpy.node.sessions.http1 import serialise_or_error

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
        command: Command,
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

    def _command(self, request: Request, session: Session) -> Command:
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

    def _settle(self, sender: NodeId, message: CommandResponse) -> None:
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

    def _answer(self, sender: NodeId, command: Command) -> None:
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

    def reply(self, sender: NodeId, command: Command, response: Response) -> None:
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
