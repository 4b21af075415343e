"""Header lines that were read before: clients send the same ones again and again.

What llhttp made of some header lines it makes of the same lines again, whatever plain
request line stands in front of them. So a request that comes in one piece, with nothing
before or behind it, is put together from what is known: its request line, of which only
the plainest form is understood here, the headers that the same lines gave before, and
as much body as they announced. Whatever else comes is llhttp's to read.

Header lines are learned from requests that llhttp read. Those with credentials are not
kept, nor those that have a say in where the message ends or what the connection
becomes, but for ``Content-Length``. A request line is kept too once it was understood,
unless it has a query, of which there may be as many as requests.
"""

import re
from typing import Final, TypeAlias

from ccfpy.base.limits import (
    KNOWN_HEAD_BYTES_MAX,
    KNOWN_HEADS_MAX,
    KNOWN_LINE_BYTES_MAX,
    KNOWN_LINES_MAX,
)
from ccfpy.http.messages import Request
from ccfpy.http.refusals import ParserLimits

_PLAIN: Final = rb"[A-Za-z0-9/._~%:@!$&'()*+,;=-]"
_REQUEST_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE) (/%b*)(?:\?((?:%b|\?)*))? HTTP/1\.1\r\n" % (_PLAIN, _PLAIN)
)
_LINE_END: Final = b"\r\n"
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


class _KnownHead:
    """What some header lines mean, under the limits that they were held to."""

    __slots__ = ("body_bytes", "headers", "limits")

    def __init__(
        self, headers: dict[str, str], body_bytes: int, limits: ParserLimits
    ) -> None:
        self.headers = headers
        self.body_bytes = body_bytes
        self.limits = limits


_known: Final[dict[bytes, _KnownHead]] = {}
_Line: TypeAlias = tuple[str, str, str]
"""Method, path and query."""
_known_lines: Final[dict[bytes, _Line]] = {}


def recall(data: bytes, limits: ParserLimits) -> Request | None:
    """Read a request whose header lines are known, if ``data`` is one and no more."""
    start = data.find(_LINE_END) + 2
    line = data[:start]
    words = _known_lines.get(line)
    if words is None:
        words = _understand(line)
        if words is None:
            return None
    stop = data.find(_HEAD_END, start) + 4
    if stop < start:
        return None
    head = _known.get(data[start:stop])
    if (
        head is None
        or len(data) != stop + head.body_bytes
        or start > limits.header_bytes_max
        or (head.limits is not limits and head.limits != limits)
    ):
        return None
    method, path, query = words
    return Request(
        method=method,
        path=path,
        query=query,
        headers=head.headers.copy(),
        body=data[stop:],
    )


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
    if len(_known) >= KNOWN_HEADS_MAX:
        _known.clear()
    _known[data[start:stop]] = _KnownHead(headers.copy(), body_bytes, limits)


def _understand(line: bytes) -> _Line | None:
    """Read a request line, of the plainest form, and keep it."""
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        return None
    method, path, query = match.groups(b"")
    words = method.decode(), path.decode(), query.decode()
    if match.group(3) is None and len(line) <= KNOWN_LINE_BYTES_MAX:
        if len(_known_lines) >= KNOWN_LINES_MAX:
            _known_lines.clear()
        _known_lines[line] = words
    return words
