"""A cache of request heads that llhttp has parsed, for requests that repeat one.

Clients send the same header lines again and again. llhttp parses the same lines into
the same headers, whatever plain request line stands before them. So a request is built
from the cache when it arrives alone and in one piece, when its request line has the
plainest form, and when its header lines are cached. llhttp parses all other requests.

The cache holds header lines of requests that llhttp parsed. It never holds lines with
credentials, nor lines that decide where a message ends or what the connection becomes,
except ``Content-Length``. A request line is cached up to its query: there may be as
many queries as requests. Each query is looked through for a byte that is not plain.

Most requests repeat the header lines of the request before them, on whatever connection
that came. These lines are compared first, before any are looked up.

An interface has one cache for all its connections, since the connections share its
limits. A client whose heads never repeat, as with a new request id each time, would pay
for a cache that serves nobody: after so many misses its connection does without.
"""

import re
from typing import Final

from ccfpy.base.limits import (
    HEADER_CACHE_ENTRIES_MAX,
    HEADER_CACHE_ENTRY_BYTES_MAX,
)
from ccfpy.http.messages import Request
from ccfpy.http.refusals import ParserLimits

_PLAIN: Final = rb"[A-Za-z0-9/._~%:@!$&'()*+,;=-]"
_VERSION: Final = b" HTTP/1.1"
_VERSION_BYTES: Final = 9
_START: Final = re.compile(rb"(GET|POST|PUT|DELETE) (/%b*)" % _PLAIN)
"""A request line up to its query or, if it has none, to its version."""
_REQUEST_LINE: Final = re.compile(
    rb"%b(?:\?(?:%b|\?)*)? HTTP/1\.1" % (_START.pattern, _PLAIN)
)
_QUERY_BYTES: Final = bytes(
    byte for byte in range(256) if re.fullmatch(_PLAIN + rb"|\?", bytes((byte,)))
)
_LINE_END: Final = b"\r\n"
_LINE_END_BYTES: Final = 2
_HEAD_END: Final = b"\r\n\r\n"
_HEAD_END_BYTES: Final = 4
_NEVER_CACHED: Final = frozenset(
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


class _CachedLines:
    """Header lines as llhttp parsed them, and the size of the body they announce.

    Attributes:
        raw: the lines, the version before them and the empty line behind them.
    """

    __slots__ = ("body_bytes", "headers", "raw")

    def __init__(self, after: bytes, headers: dict[str, str], body_bytes: int) -> None:
        self.raw = _VERSION + _LINE_END + after + _HEAD_END
        self.headers = headers
        self.body_bytes = body_bytes

    def line_before(self, data: bytes) -> bytes:
        """Return what is before these lines in ``data``, if their body ends it.

        Otherwise nothing is returned.
        """
        head = data[: -self.body_bytes] if self.body_bytes else data
        return head[: -len(self.raw)] if head.endswith(self.raw) else b""


class _CachedStart:
    """A request line up to its query."""

    __slots__ = ("method", "path")

    def __init__(self, method: str, path: str) -> None:
        self.method = method
        self.path = path


class HeaderCache:
    """The heads of one interface's requests.

    Attributes:
        limits: of the parsers that use this cache; every cached head keeps them.
    """

    def __init__(self, limits: ParserLimits) -> None:
        self.limits = limits
        self._line_bytes_max = (
            limits.header_bytes_max - _LINE_END_BYTES - _VERSION_BYTES
        )
        self._lines: dict[bytes, _CachedLines] = {}
        self._latest: _CachedLines | None = None
        self._starts: dict[bytes, _CachedStart] = {}

    def find(self, data: bytes) -> Request | None:
        """Return the request in ``data``, if its head is cached and nothing follows."""
        lines = self._latest
        line = b"" if lines is None else lines.line_before(data)
        if lines is None or not line:
            lines = self._lines.get(_header_lines(data))
            if lines is None:
                return None
            line = lines.line_before(data)
            self._latest = lines
        if len(line) > self._line_bytes_max:
            return None
        before, _, query = line.partition(b"?")
        start = self._starts.get(before)
        if start is None:
            start = self._parse(before)
        if start is None or (query and query.strip(_QUERY_BYTES)):
            return None
        body_bytes = lines.body_bytes
        return Request(
            method=start.method,
            path=start.path,
            query=query.decode(),
            headers=lines.headers.copy(),
            body=data[-body_bytes:] if body_bytes else b"",
        )

    def add(self, data: bytes, request: Request) -> None:
        """Cache the header lines of a request that llhttp parsed from ``data``."""
        head, _, body = data.partition(_HEAD_END)
        line, _, after = head.partition(_LINE_END)
        headers = request.headers
        if (
            request.version != "1.1"
            or not request.keep_alive
            or not after
            or len(after) + _HEAD_END_BYTES > HEADER_CACHE_ENTRY_BYTES_MAX
            or body != request.body
            or headers.get("content-length", "0") != str(len(body))
            or not _NEVER_CACHED.isdisjoint(headers)
            or _REQUEST_LINE.fullmatch(line) is None
        ):
            return
        cached = self._lines
        if len(cached) >= HEADER_CACHE_ENTRIES_MAX:
            cached.clear()
        cached[after] = _CachedLines(after, headers.copy(), len(body))

    def _parse(self, before: bytes) -> _CachedStart | None:
        """Parse a request line up to its query, if that is plain.

        What was parsed is cached, if it is not too long.
        """
        match = _START.fullmatch(before)
        if match is None:
            return None
        start = _CachedStart(match[1].decode(), match[2].decode())
        cached = self._starts
        if len(before) + _HEAD_END_BYTES <= HEADER_CACHE_ENTRY_BYTES_MAX:
            if len(cached) >= HEADER_CACHE_ENTRIES_MAX:
                cached.clear()
            cached[before] = start
        return start


def _header_lines(data: bytes) -> bytes:
    """Return the header lines of the first request in ``data``."""
    head, _, _ = data.partition(_HEAD_END)
    _, _, after = head.partition(_LINE_END)
    return after
