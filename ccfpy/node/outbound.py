"""Requests of this node to other servers, mostly over HTTPS, one connection each.

The host connects and relays bytes. TLS and HTTP run here, so the host neither reads the
content nor decides which server is believed. A call ends either in a whole response or
in a `CallFailed`, at the latest at its deadline, and never in the step that began it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded
from ccfpy.base.ids import CallId
from ccfpy.boundary.effects import EndCall, OpenCall, SendCall
from ccfpy.http.http2_call import Http2Call
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.refusals import ParserLimits
from ccfpy.http.response_parser import ResponseParser
from ccfpy.http.tls import (
    HTTP_2,
    PeerNotTrusted,
    TlsContext,
    TlsFailure,
    TlsSession,
)
from ccfpy.node.outbox import Outbox


class CallFailure(Enum):
    """Why there is no response."""

    UNREACHABLE = auto()
    """No server accepted the connection, or it ended before TLS was established."""
    NOT_TRUSTED = auto()
    """The caller's trusted certificates do not vouch for the server."""
    NO_TLS = auto()
    """The server could not agree on TLS."""
    BROKEN = auto()
    """The connection ended within the response, or the response was not HTTP or too
    large."""
    TIMED_OUT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """A call without a response.

    Attributes:
        detail: one clause, for logs.
    """

    failure: CallFailure
    detail: str


Outcome = Response | CallFailed


@dataclass(slots=True)
class _OutboundCall:
    request: Request
    context: TlsContext | None
    deadline_ms: int
    bounds: ParserLimits
    parser: ResponseParser | Http2Call
    then: Callable[[Outcome], None]
    tls: TlsSession | None = None
    is_sent: bool = False


class OutboundClient:
    """All calls of a node that have not ended."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._calls: dict[CallId, _OutboundCall] = {}
        self._made = 0
        self._now_ms = 0

    def __len__(self) -> int:
        """Count the calls under way."""
        return len(self._calls)

    def request(
        self,
        address: str,
        request: Request,
        *,
        trust: TlsContext | None,
        then: Callable[[Outcome], None],
        deadline_ms: int = limits.CALL_DEADLINE_MS,
        response_bytes_max: int = limits.HTTP_BODY_BYTES_MAX,
    ) -> CallId:
        """Send a request, not HEAD, to ``address`` (``host:port``).

        Args:
            address: the address to which the host connects.
            request: gets a ``host`` header if it has none.
            trust: the trusted certificates, and the caller's own identity; without it
                the call is plain HTTP, for data that anybody may read and write.
            then: called with the outcome, in a later step.
            deadline_ms: from now.
            response_bytes_max: of the response's body; a longer one is `BROKEN`.

        Raises:
            LimitExceeded: there are too many calls already.
            Malformed: the request cannot be written.
        """
        if len(self._calls) >= limits.CALLS_MAX:
            raise LimitExceeded(
                f"a call to {address} beyond the {limits.CALLS_MAX} under way"
            )
        request = replace(request, headers={"host": address, **request.headers})
        serialise_request(request)  # refuses what cannot be written, by either protocol
        bounds = ParserLimits(body_bytes_max=response_bytes_max)
        call_id = CallId(self._made + 1)
        call = _OutboundCall(
            request=request,
            context=trust,
            deadline_ms=self._now_ms + deadline_ms,
            bounds=bounds,
            parser=ResponseParser(bounds),
            then=then,
        )
        self._made = call_id
        self._calls[call_id] = call
        self._outbox.put(OpenCall(call=call_id, address=address))
        return call_id

    def abandon(self, call_id: CallId) -> None:
        """End a call whose outcome nobody awaits any more."""
        if self._calls.pop(call_id, None) is not None:
            self._outbox.put(EndCall(call=call_id))

    # What the host reports

    def opened(self, call_id: CallId) -> None:
        """Begin TLS on a connection that is there."""
        call = self._calls.get(call_id)
        if call is None or call.is_sent or call.tls is not None:
            return
        if call.context is None:
            call.is_sent = True
            self._send(call_id, serialise_request(call.request))
            return
        call.tls = TlsSession(call.context)
        self._send(call_id, call.tls.take_output())

    def received(self, call_id: CallId, data: bytes) -> None:
        """Receive bytes from the other end; bytes after the outcome are ignored."""
        call = self._calls.get(call_id)
        if call is None or (call.tls is None and not call.is_sent):
            return
        if call.tls is None:
            self._read(call_id, call, data)
            return
        try:
            plaintext = call.tls.feed(data)
            if call.tls.is_established and not call.is_sent:
                call.is_sent = True
                call.tls.write(self._begin(call, call.tls.protocol))
        except TlsFailure as failure:
            self._send(call_id, call.tls.take_output())
            self._settle(call_id, self._tls_failed(call_id, call, failure))
            return
        self._send(call_id, call.tls.take_output())
        self._read(call_id, call, plaintext)

    def ended(self, call_id: CallId, reason: str | None) -> None:
        """Note that a connection has ended, or never began."""
        call = self._calls.get(call_id)
        if call is None:
            return
        if call.is_sent:
            self._finish(call_id, call)
        else:
            detail = reason or "the connection was closed"
            self._fail(call_id, CallFailure.UNREACHABLE, detail)

    def tick(self, now_ms: int) -> None:
        """End the calls whose deadline has passed."""
        self._now_ms = now_ms
        late = [key for key, call in self._calls.items() if call.deadline_ms <= now_ms]
        for call_id in late:
            self._fail(call_id, CallFailure.TIMED_OUT, "no response in time")

    def _begin(self, call: _OutboundCall, protocol: bytes) -> bytes:
        """Return what asks for the response, in the protocol the server chose."""
        if protocol != HTTP_2:
            return serialise_request(call.request)
        call.parser = Http2Call(call.request, call.bounds)
        return call.parser.take_output()

    def _read(self, call_id: CallId, call: _OutboundCall, plaintext: bytes) -> None:
        try:
            responses = call.parser.feed(plaintext) if plaintext else []
            if isinstance(call.parser, Http2Call):
                assert call.tls is not None, "HTTP/2 is agreed on by TLS"
                call.tls.write(call.parser.take_output())
                self._send(call_id, call.tls.take_output())
        except CcfpyError as error:
            self._fail(call_id, CallFailure.BROKEN, str(error))
            return
        if responses:
            self._settle(call_id, responses[0])
        elif call.tls is not None and call.tls.is_closed_by_peer:
            self._finish(call_id, call)

    def _finish(self, call_id: CallId, call: _OutboundCall) -> None:
        """Return the response that the end of its connection completes, if any."""
        try:
            response = call.parser.finish()
        except CcfpyError as error:
            self._fail(call_id, CallFailure.BROKEN, str(error))
            return
        if response is None:
            self._fail(call_id, CallFailure.BROKEN, "closed without a response")
        else:
            self._settle(call_id, response)

    def _tls_failed(
        self, call_id: CallId, call: _OutboundCall, failure: TlsFailure
    ) -> CallFailed:
        """Return the failure in CCF's words, which operators look for."""
        if call.is_sent:
            return CallFailed(failure=CallFailure.BROKEN, detail=str(failure))
        if isinstance(failure, PeerNotTrusted):
            return CallFailed(
                failure=CallFailure.NOT_TRUSTED,
                detail=f"TLS {call_id} invalid cert on handshake: {failure}",
            )
        return CallFailed(
            failure=CallFailure.NO_TLS,
            detail=f"TLS {call_id} error on handshake: {failure}",
        )

    def _fail(self, call_id: CallId, failure: CallFailure, detail: str) -> None:
        self._settle(call_id, CallFailed(failure=failure, detail=detail))

    def _settle(self, call_id: CallId, outcome: Outcome) -> None:
        call = self._calls.pop(call_id)
        self._outbox.put(EndCall(call=call_id))
        call.then(outcome)

    def _send(self, call_id: CallId, output: bytes) -> None:
        for start in range(0, len(output), limits.SEND_BYTES_MAX):
            piece = output[start : start + limits.SEND_BYTES_MAX]
            self._outbox.put(SendCall(call=call_id, data=piece))
