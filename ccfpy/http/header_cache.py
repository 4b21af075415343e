"""A cache of request heads that llhttp has parsed, for requests that repeat one.

Clients send the same header lines again and again. llhttp parses the same lines into
the same headers, whatever plain request line stands before them. So a request is built
from the cache when it arrives alone and in one piece, when its request line has the
plainest form, and when its header lines are cached. llhttp parses all other requests.

The cache holds header lines of requests that llhttp parsed. It never holds lines with
credentials, nor lines that decide where a message ends or what the connection becomes,
except ``Content-Length``. A request line is cached together with the header lines after
it. Of a line with a query only the part before the query is cached: there may be as
many queries as requests. Each query is looked through for a byte that is not plain.

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
_REQUEST_LINE: Final = re.compile(
    rb"(GET|POST|PUT|DELETE) (/%b*)(?:\?(?:%b|\?)*)? HTTP/1\.1" % (_PLAIN, _PLAIN)
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
    """Header lines as llhttp parsed them, and the size of the body they announce."""

    __slots__ = ("body_bytes", "headers")

    def __init__(self, headers: dict[str, str], body_bytes: int) -> None:
        self.headers = headers
        self.body_bytes = body_bytes


class _CachedStart:
    """A request line up to its query, with header lines behind it if it has none."""

    __slots__ = ("lines", "method", "path")

    def __init__(self, method: str, path: str, lines: _CachedLines | None) -> None:
        self.method = method
        self.path = path
        self.lines = lines


class HeaderCache:
    """The heads of one interface's requests.

    Attributes:
        limits: of the parsers that use this cache; every cached head keeps them.
    """

    def __init__(self, limits: ParserLimits) -> None:
        self.limits = limits
        self._line_bytes_max = limits.header_bytes_max - _LINE_END_BYTES
        self._lines: dict[bytes, _CachedLines] = {}
        self._heads: dict[bytes, _CachedStart] = {}
        self._starts: dict[bytes, _CachedStart] = {}

    def find(self, data: bytes) -> Request | None:
        """Return the request in ``data``, if its head is cached and nothing follows."""
        if data.endswith(_HEAD_END):  # most often as there is no body
            head, body = data[:-_HEAD_END_BYTES], b""
        else:
            head, is_whole, body = data.partition(_HEAD_END)
            if not is_whole:
                return None
        query = b""
        start = self._heads.get(head)
        lines = None if start is None else start.lines
        if start is None or lines is None:
            line, _, after = head.partition(_LINE_END)
            lines = self._lines.get(after)
            if lines is None or len(line) > self._line_bytes_max:
                return None
            before, has_query, rest = line.partition(b"?")
            if has_query:
                query = rest[:-_VERSION_BYTES]
                if rest[-_VERSION_BYTES:] != _VERSION or query.strip(_QUERY_BYTES):
                    return None
                start = self._starts.get(before)
                if start is None:
                    start = _parse(line, None)
                    _keep(self._starts, before, start)
            else:
                start = _parse(line, lines)
                _keep(self._heads, head, start)
            if start is None:
                return None
        if len(body) != lines.body_bytes:
            return None
        return Request(
            method=start.method,
            path=start.path,
            query=query.decode(),
            headers=lines.headers.copy(),
            body=body,
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
        cached[after] = _CachedLines(headers.copy(), len(body))


def _parse(line: bytes, lines: _CachedLines | None) -> _CachedStart | None:
    """Parse a request line, if it is plain; without its query, if it has one."""
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        return None
    return _CachedStart(match[1].decode(), match[2].decode(), lines)


def _keep(
    cached: dict[bytes, _CachedStart], raw: bytes, start: _CachedStart | None
) -> None:
    """Cache what was parsed of ``raw``, if that is not too long."""
    if start is None or len(raw) + _HEAD_END_BYTES > HEADER_CACHE_ENTRY_BYTES_MAX:
        return
    if len(cached) >= HEADER_CACHE_ENTRIES_MAX:
        cached.clear()
    cached[raw] = start
