"""Calls over gRPC: `POST /etcdserverpb.…`, which needs an interface of HTTP/2.

A body is one message, behind a byte that says whether the message is compressed and
four bytes of its length. The status of a call stands in the trailers, or in the headers
if there is no answer.
"""

import struct
from typing import Final, TypeVar
from urllib.parse import quote

from apps.etcd.calls import AUTH, CALLS, CLUSTER, KV, LEASE, MAINTENANCE, WATCH
from apps.etcd.gateway import options_of
from apps.etcd.limits import MESSAGE_BYTES_MAX
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.service import app, unserved
from apps.etcd.serving import handler_of
from apps.etcd.wire import decode, encode
from ccfpy.app import (
    ApiError,
    Context,
    Forwarding,
    Malformed,
    Mode,
    Redirection,
    Response,
    grpc_message,
)

T = TypeVar("T")

CONTENT_TYPE: Final = "application/grpc"
STATUS: Final = "grpc-status"
MESSAGE: Final = "grpc-message"
_PREFIX: Final = struct.Struct(">BI")
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def unframe(body: bytes) -> bytes:
    """Return the one message of a body.

    Raises:
        Malformed: the body is not one whole message.
        Refused: the message is compressed, or too large.
    """
    if len(body) < _PREFIX.size:
        raise Malformed("the body has no message")
    flag, size = _PREFIX.unpack_from(body)
    if flag:
        raise Refused(Code.UNIMPLEMENTED, "the service reads no compressed messages")
    if size > MESSAGE_BYTES_MAX:
        raise refused(Refusal.REQUEST_TOO_LARGE)
    if len(body) != _PREFIX.size + size:
        raise Malformed("the body is not one whole message")
    return body[_PREFIX.size :]


class GrpcError(ApiError):
    """A refusal as clients of gRPC read it: a status, and no answer."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(200, refusal.code.name, refusal.text)
        self.refusal = refusal

    def response(self) -> Response:
        """Return the whole response."""
        headers = {
            "content-type": CONTENT_TYPE,
            STATUS: str(int(self.refusal.code)),
            MESSAGE: quote(self.refusal.text, safe=_PRINTABLE),
        }
        return Response(status=200, headers=headers)


class GrpcForm:
    """Requests and answers in protobuf."""

    def read(self, ctx: Context, cls: type[T]) -> T:
        """Read the one message of the body."""
        return decode(cls, unframe(ctx.request.body))

    def reply(self, message: object) -> Response:
        """Answer with a message, and a status behind it."""
        return Response(
            status=200,
            headers={"content-type": CONTENT_TYPE},
            body=grpc_message(encode(message)),
            trailers={STATUS: str(int(Code.OK))},
        )

    def refusal(self, refusal: Refused) -> ApiError:
        """Return the refusal as a status."""
        return GrpcError(refusal)


_FORM: Final = GrpcForm()
UNSERVED: Final = (
    *(KV, LEASE, MAINTENANCE, CLUSTER, WATCH, AUTH),
    *("v3lockpb.Lock", "v3electionpb.Election"),
)
"""Services of which calls are not served, or not all."""


def _serve_all() -> None:
    for call in CALLS:
        options = options_of(call)
        options["redirection"] = Redirection.NONE  # clients of gRPC follow none
        options["hidden"] = True
        path = f"/{call.service}/{call.name}"
        app.post(path, **options)(handler_of(call, _FORM))
    for service in UNSERVED:
        _refuse(service)


def _refuse(service: str) -> None:
    def refuse(_: Context, rpc: str) -> Response:
        """Say that a call is not served."""
        raise GrpcError(unserved(f"{service}/{rpc[:64]}"))

    app.post(
        f"/{service}/{{rpc}}",
        mode=Mode.COMMAND,
        forwarding=Forwarding.NEVER,
        hidden=True,
    )(refuse)


_serve_all()
