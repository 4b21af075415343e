"""What gRPC adds to HTTP/2: errors as its clients read them, and bodies of messages.

A call of gRPC is a request by HTTP/2 whose answer has the HTTP status 200 whatever
became of the call. The call's own status comes in the trailers, or, where the answer
has no body, in its headers. A body is a row of messages, each framed by a byte that
says whether it is compressed, and by four bytes of its length.
"""

from http import HTTPStatus
from typing import Final

from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode
from ccfpy.http.messages import Request, Response

CONTENT_TYPE: Final = "application/grpc"
STATUS: Final = "grpc-status"
MESSAGE: Final = "grpc-message"

_WITH_MORE: Final = (f"{CONTENT_TYPE}+", f"{CONTENT_TYPE};")
_OK_FIRST: Final = 200
_OK_LAST: Final = 299
_UNKNOWN: Final = 2
_BY_STATUS: Final = {
    307: 14,  # Unavailable: gRPC's clients follow no redirect
    400: 3,  # InvalidArgument
    401: 16,  # Unauthenticated
    403: 7,  # PermissionDenied
    404: 12,  # Unimplemented, as gRPC reads this status
    405: 12,  # Unimplemented
    409: 10,  # Aborted
    412: 9,  # FailedPrecondition
    413: 8,  # ResourceExhausted
    429: 14,  # Unavailable
    431: 8,  # ResourceExhausted
    500: 13,  # Internal
    501: 12,  # Unimplemented
    502: 14,  # Unavailable
    503: 14,  # Unavailable: the request was not executed
    504: 4,  # DeadlineExceeded: nobody knows whether the request was executed
}
_BY_CODE: Final = {
    str(ErrorCode.FrontendNotOpen): 14,  # Unavailable: the service will open
    str(ErrorCode.SessionConsistencyLost): 10,  # Aborted: not executed, and not here
}


def is_call(request: Request) -> bool:
    """Return whether a request is a call of gRPC, in any encoding of messages."""
    kind = request.headers.get("content-type")
    return kind is not None and is_kind(kind)


def is_kind(content_type: str) -> bool:
    """Return whether a body of this type is of gRPC."""
    kind = content_type.lower()
    return kind == CONTENT_TYPE or kind.startswith(_WITH_MORE)


def readable(response: Response) -> Response:
    """Return the answer to a call, as gRPC's clients read it.

    An answer of success, or one that is of gRPC already, is returned as it is. An error
    becomes one without a body: its other headers stay.
    """
    if _OK_FIRST <= response.status <= _OK_LAST:
        return response
    headers = {name.lower(): value for name, value in response.headers.items()}
    kind = headers.get("content-type", "")
    if kind.startswith(CONTENT_TYPE):
        return response
    code, message = _code_and_message(response, kind)
    status = _BY_CODE.get(code) or _BY_STATUS.get(response.status, _UNKNOWN)
    headers.pop("content-length", None)
    headers["content-type"] = CONTENT_TYPE
    headers[STATUS] = str(status)
    headers[MESSAGE] = encoded(message)
    return Response(status=200, headers=headers, close=response.close)


def encoded(message: str) -> str:
    """Return a message percent-encoded, and cut off where it is too long."""
    raw = message.encode("utf-8", "replace")[: limits.GRPC_MESSAGE_BYTES_MAX]
    whole = raw.decode("utf-8", "ignore").encode()
    return "".join(
        chr(byte) if " " <= chr(byte) <= "~" and byte != ord("%") else f"%{byte:02X}"
        for byte in whole
    )


def _code_and_message(response: Response, kind: str) -> tuple[str, str]:
    """Return an error's code, if it has one, and its text."""
    if kind.startswith(JSON_CONTENT_TYPE):
        try:
            body = json.loads(response.body)
        except Malformed:
            body = None
        error = body.get("error") if isinstance(body, dict) else None
        if isinstance(error, dict):
            return str(error.get("code", "")), str(error.get("message", ""))
    if kind.startswith("text/plain"):
        return "", response.body.decode("utf-8", "replace")
    try:
        return "", HTTPStatus(response.status).phrase
    except ValueError:
        return "", f"HTTP {response.status}"


_HEAD_BYTES: Final = 5


def grpc_message(message: bytes) -> bytes:
    """Return a message as a body of gRPC has it."""
    return b"\0" + len(message).to_bytes(4) + message


class GrpcMessages:
    """The messages in the bytes of a body, however these are cut.

    Args:
        bytes_max: of a message that is kept until the rest of it comes. A message that
            is whole may be as long as the bytes in which it is.
    """

    __slots__ = ("_buffer", "_bytes_max")

    def __init__(self, bytes_max: int = limits.GRPC_BEGUN_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._bytes_max = bytes_max

    @property
    def is_midway(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that the next bytes complete.

        Raises:
            ApiError: 413, a message is too long; 501, it is compressed.
        """
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        start = 0
        while len(buffer) - start >= _HEAD_BYTES:
            if buffer[start]:
                raise ApiError(
                    501, ErrorCode.NotImplemented, "Messages must not be compressed."
                )
            size = int.from_bytes(buffer[start + 1 : start + _HEAD_BYTES])
            end = start + _HEAD_BYTES + size
            if len(buffer) < end:
                self._check_begun(size)
                break
            messages.append(bytes(buffer[start + _HEAD_BYTES : end]))
            start = end
        del buffer[:start]
        return messages

    def _check_begun(self, size: int) -> None:
        """Refuse a message whose beginning would have to be kept.

        Raises:
            ApiError: 413, it is too long.
        """
        if size > self._bytes_max:
            raise ApiError(
                413,
                ErrorCode.RequestBodyTooLarge,
                f"A message of {size} bytes (max size allowed: {self._bytes_max})",
            )
