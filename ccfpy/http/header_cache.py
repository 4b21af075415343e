"""A cache of request heads that llhttp has parsed, for requests that repeat one.

Clients send the same header lines again and again. llhttp parses the same lines into
the same headers, whatever plain request line stands before them. So a request is built
from the cache when it arrives alone and in one piece, when its request line has the
plainest form, and when its header lines are cached. llhttp parses all other requests.

The cache holds header lines of requests that llhttp parsed. It never holds lines with
credentials, nor lines that decide where a message ends or what the connection becomes,
except ``Content-Length``. A request line is cached together with the header lines after
it, unless it has a query: there may be as many queries as requests.

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
_REQUEST_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE) (/%b*)(?:\?((?:%b|\?)*))? HTTP/1\.1\r\n" % (_PLAIN, _PLAIN)
)
_HEAD_END: Final = b"\r\n\r\n"
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
    """Header lines as llhttp parsed them, and the size of the body they announce."""

    __slots__ = ("body_bytes", "headers")

    def __init__(self, headers: dict[str, str], body_bytes: int) -> None:
        self.headers = headers
        self.body_bytes = body_bytes


class _CachedHead:
    """A request line, with the header lines behind it."""

    __slots__ = ("lines", "method", "path", "query")

    def __init__(self, method: str, path: str, query: str, lines: _CachedLines) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.lines = lines


class HeaderCache:
    """The heads of one interface's requests.

    Attributes:
        limits: of the parsers that use this cache; every cached head keeps them.
    """

    def __init__(self, limits: ParserLimits) -> None:
        self.limits = limits
        self._lines: dict[bytes, _CachedLines] = {}
        self._heads: dict[bytes, _CachedHead] = {}

    def find(self, data: bytes) -> Request | None:
        """Return the request in ``data``, if its head is cached and nothing follows."""
        end = data.find(_HEAD_END)
        if end < 0:
            return None
        stop = end + len(_HEAD_END)
        head = self._heads.get(data[:stop])
        if head is None:
            head = self._assemble(data, stop)
            if head is None:
                return None
        lines = head.lines
        if len(data) != stop + lines.body_bytes:
            return None
        return Request(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=lines.headers.copy(),
            body=data[stop:],
        )

    def add(self, data: bytes, request: Request) -> None:
        """Cache the header lines of a request that llhttp parsed from ``data``."""
        line = _REQUEST_LINE.match(data)
        if line is None or request.version != "1.1" or not request.keep_alive:
            return
        start = line.end()
        stop = data.find(_HEAD_END, start) + len(_HEAD_END)
        headers = request.headers
        body_bytes = len(data) - stop
        if (
            not start < stop <= start + HEADER_CACHE_ENTRY_BYTES_MAX
            or data[stop:] != request.body
            or headers.get("content-length", "0") != str(body_bytes)
            or not _NEVER_CACHED.isdisjoint(headers)
        ):
            return
        cached = self._lines
        if len(cached) >= HEADER_CACHE_ENTRIES_MAX:
            cached.clear()
        cached[data[start:stop]] = _CachedLines(headers.copy(), body_bytes)

    def _assemble(self, data: bytes, stop: int) -> _CachedHead | None:
        """Parse a plain request line before header lines that are cached."""
        line = _REQUEST_LINE.match(data)
        if line is None:
            return None
        start = line.end()
        lines = self._lines.get(data[start:stop])
        if lines is None or start > self.limits.header_bytes_max:
            return None
        method, path, query = line.groups(b"")
        head = _CachedHead(method.decode(), path.decode(), query.decode(), lines)
        if line.group(3) is None and stop <= HEADER_CACHE_ENTRY_BYTES_MAX:
            cached = self._heads
            if len(cached) >= HEADER_CACHE_ENTRIES_MAX:
                cached.clear()
            cached[data[:stop]] = head
        return head
