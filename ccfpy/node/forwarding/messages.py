"""The bytes of forwarded requests and responses (``src/node/rpc/forwarder.h``).

A header, in the clear and authenticated, says the kind and version, which command it
is, and what the versions added: a command's view, and of a response whether it ends
its session. The plaintext behind it names the client's session and holds HTTP/1.1. We
send commands of version 3, and answer each in the version it was asked in.
"""

from dataclasses import dataclass
from enum import IntEnum

from ccfpy.base import limits
from ccfpy.base.codec import Reader, buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import SessionId, View
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import ParserLimits
from ccfpy.http.response_parser import ResponseParser

_HTTP = 0
_TRAILER = "x-ccfpy-trailer-"
"""Begins the name of a header that is a trailer: HTTP/1.1 with a length has none."""
_PARSER_LIMITS = ParserLimits(
    body_bytes_max=limits.FORWARDED_BYTES_MAX,
    header_bytes_max=limits.FORWARDED_BYTES_MAX,
    headers_max=limits.FORWARDED_HEADERS_MAX,
)


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
