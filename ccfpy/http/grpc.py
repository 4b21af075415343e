"""Errors as gRPC's clients read them: a status and a message, with no body.

A call of gRPC is a request by HTTP/2 whose answer has the HTTP status 200 whatever
became of the call. The call's own status comes in the trailers, or, where the answer
has no body, in its headers.
"""

from http import HTTPStatus
from typing import Final

from ccfpy.base import json, limits
from ccfpy.base.errors import Malformed
from ccfpy.http.errors import JSON_CONTENT_TYPE, ErrorCode
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
    if kind is None:
        return False
    kind = kind.lower()
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
