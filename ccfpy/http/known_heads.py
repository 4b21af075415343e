"""Header lines that were read before: clients send the same ones again and again.

What llhttp made of some header lines it makes of the same lines again, whatever plain
request line stands in front of them. So a request that comes in one piece, with nothing
before or behind it, is put together from what is known: its request line, of which only
the plainest form is understood here, the headers that the same lines gave before, and
as much body as they announced. Whatever else comes is llhttp's to read.

Header lines are learned from requests that llhttp read. Those with credentials are not
kept, nor those that have a say in where the message ends or what the connection
becomes, but for ``Content-Length``. Together with a request line they are kept too once
that was understood, unless it has a query, of which there may be as many as requests.
"""

import re
from typing import Final

from ccfpy.base.limits import KNOWN_HEAD_BYTES_MAX, KNOWN_HEADS_MAX
from ccfpy.http.messages import Request
from ccfpy.http.refusals import ParserLimits

_PLAIN: Final = rb"[A-Za-z0-9/._~%:@!$&'()*+,;=-]"
_REQUEST_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE) (/%b*)(?:\?((?:%b|\?)*))? HTTP/1\.1\r\n" % (_PLAIN, _PLAIN)
)
_HEAD_END: Final = b"\r\n\r\n"
_NEVER_KEPT: Final = frozenset(
    (
        "authorization",
        "connection",
        "cookie",
        "expect",
        "proxy-authorization",
        "transfer-encoding",
        "upgrade",
    )
)


class _KnownLines:
    """What some header lines mean, under the limits that they were held to."""

    __slots__ = ("body_bytes", "headers", "limits")

    def __init__(
        self, headers: dict[str, str], body_bytes: int, limits: ParserLimits
    ) -> None:
        self.headers = headers
        self.body_bytes = body_bytes
        self.limits = limits


class _KnownHead:
    """The same of a request line together with such lines."""

    __slots__ = ("lines", "method", "path", "query")

    def __init__(self, method: str, path: str, query: str, lines: _KnownLines) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.lines = lines


_known_lines: Final[dict[bytes, _KnownLines]] = {}
_known_heads: Final[dict[bytes, _KnownHead]] = {}


def recall(data: bytes, limits: ParserLimits) -> Request | None:
    """Read a request whose header lines are known, if ``data`` is one and no more."""
    end = data.find(_HEAD_END)
    if end < 0:
        return None
    stop = end + len(_HEAD_END)
    head = _known_heads.get(data[:stop])
    if head is None:
        head = _put_together(data, stop, limits)
        if head is None:
            return None
    lines = head.lines
    if len(data) != stop + lines.body_bytes or (
        lines.limits is not limits and lines.limits != limits
    ):
        return None
    return Request(
        method=head.method,
        path=head.path,
        query=head.query,
        headers=lines.headers.copy(),
        body=data[stop:],
    )


def _put_together(data: bytes, stop: int, limits: ParserLimits) -> _KnownHead | None:
    line = _REQUEST_LINE.match(data)
    if line is None:
        return None
    start = line.end()
    lines = _known_lines.get(data[start:stop])
    if lines is None or start > limits.header_bytes_max or lines.limits != limits:
        return None
    method, path, query = line.groups(b"")
    head = _KnownHead(method.decode(), path.decode(), query.decode(), lines)
    if line.group(3) is None and stop <= KNOWN_HEAD_BYTES_MAX:
        if len(_known_heads) >= KNOWN_HEADS_MAX:
            _known_heads.clear()
        _known_heads[data[:stop]] = head
    return head


def learn(data: bytes, request: Request, limits: ParserLimits) -> None:
    """Keep the header lines of a request that llhttp read, and that was all of it."""
    line = _REQUEST_LINE.match(data)
    if line is None or request.version != "1.1" or not request.keep_alive:
        return
    start = line.end()
    stop = data.find(_HEAD_END, start) + 4
    headers = request.headers
    body_bytes = len(data) - stop
    if (
        not start < stop <= start + KNOWN_HEAD_BYTES_MAX
        or data[stop:] != request.body
        or headers.get("content-length", "0") != str(body_bytes)
        or not _NEVER_KEPT.isdisjoint(headers)
    ):
        return
    if len(_known_lines) >= KNOWN_HEADS_MAX:
        _known_lines.clear()
    _known_lines[data[start:stop]] = _KnownLines(headers.copy(), body_bytes, limits)
