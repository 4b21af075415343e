"""Requests and responses as values, and how a response is written to the wire.

Header names are lower case. Header text maps to bytes one to one (Latin-1), so that
whatever a client sent can be sent on unchanged. A response always carries its
``content-length``; it is never chunked, because simple clients read nothing else. So
over HTTP/1.1 there is no place for trailers.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from ccfpy.base.errors import Malformed

# These two are built for every request, so they are not frozen, which would cost time;
# each has only one owner. A constructor that is written out is compiled with the rest;
# the constructor that `dataclass` writes would be interpreted.


@dataclass(slots=True, init=False)
class Request:
    """One request, complete with its body.

    Attributes:
        path: the target before ``?``, still percent-encoded.
        query: the target between ``?`` and ``#``, still percent-encoded.
        headers: for a repeated name, the first value, as in CCF.
        version: ``2``, ``1.1`` or ``1.0``.
        keep_alive: whether the client lets the connection live past the answer.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    version: str
    keep_alive: bool

    def __init__(  # noqa: PLR0913  # each has its name
        self,
        *,
        method: str,
        path: str,
        query: str = "",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        version: str = "1.1",
        keep_alive: bool = True,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = {} if headers is None else headers
        self.body = body
        self.version = version
        self.keep_alive = keep_alive

    @property
    def url(self) -> str:
        """The target as the client wrote it, less any fragment."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(slots=True, init=False)
class Response:
    """One answer.

    Attributes:
        close: the connection ends once this is sent, and the client is told so.
        trailers: what is sent behind the body. HTTP/2 alone carries trailers: over
            HTTP/1.1 an answer loses them.
        stream: who answers further, if this is only the beginning of an answer; such an
            answer has neither body nor trailers.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    close: bool
    trailers: dict[str, str] | None
    stream: Any

    def __init__(
        self,
        *,
        status: int,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        close: bool = False,
        trailers: dict[str, str] | None = None,
        stream: object = None,
    ) -> None:
        self.status = status
        self.headers = {} if headers is None else headers
        self.body = body
        self.close = close
        self.trailers = trailers
        self.stream = stream


_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}" for status in HTTPStatus
}


def serialise_response(response: Response) -> bytes:
    """Write a response, with a ``content-length`` unless its maker gave one.

    Raises:
        Malformed: a header holds a line break or a character beyond Latin-1, which an
            app may have let through from its caller; or the body is not bytes.
    """
    body = response.body
    if type(body) is not bytes:
        raise Malformed(f"the body of a response is {type(body).__name__}, not bytes")
    status = response.status
    line = _STATUS_LINES.get(status) or f"HTTP/1.1 {status} Unknown"
    if response.close:
        line += "\r\nconnection: close"
    return _with_headers(line, response.headers, body)


def serialise_request(request: Request) -> bytes:
    """Write a request for a call out, with a ``content-length``.

    Raises:
        Malformed: its head holds a line break, space or character it may not.
    """
    target = request.url
    if any(c <= " " or c > "~" for c in request.method + target):
        raise Malformed(f"not a request line: {request.method!r} {target!r}")
    line = f"{request.method} {target} HTTP/1.1"
    return _with_headers(line, request.headers, request.body)


def _with_headers(line: str, headers: dict[str, str], body: bytes) -> bytes:
    """Write a message that begins with ``line``.

    Raises:
        Malformed: a header holds a line break, or a character beyond Latin-1.
    """
    lines = [line]
    for name, value in headers.items():
        header = f"{name}: {value}"
        if "\n" in header or "\r" in header:
            raise Malformed("a header holds a line break")
        lines.append(header)
    if "content-length" in headers:
        lines.append("\r\n")
    else:
        lines.append(f"content-length: {len(body)}\r\n\r\n")
    try:
        return "\r\n".join(lines).encode("latin-1") + body
    except UnicodeEncodeError as error:
        raise Malformed("a header is beyond Latin-1") from error
