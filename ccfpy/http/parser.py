"""Bytes of one connection to requests, incrementally.

llhttp, by way of httptools, in its strict mode does the work. Added here: size limits;
refusal of what llhttp lets pass and intermediaries might read otherwise (a repeated
``Host``, a target naming another host, codings besides ``chunked`` or before HTTP/1.1,
a body behind an ``Upgrade``); everything after a refusal or a ``Connection: close``
left unread. An error is reported as soon as its byte has arrived.
"""

from collections.abc import Mapping
from types import SimpleNamespace

import httptools

from ccfpy.base.limits import HEADER_CACHE_MISSES_MAX
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.messages import Request
from ccfpy.http.partial import PartialMessage, too_large
from ccfpy.http.refusals import ParseFailure, ParserLimits, UnreadableRequest

_VERSIONS = ("1.1", "1.0")


class RequestParser:
    """Reads the requests of one connection, pipelined ones included.

    Args:
        parser_limits: the bounds on one request.
        header_cache: of the connection's interface, with the same bounds.

    Attributes:
        read: how many requests came whole.
        is_midway: bytes came that belong to none of them.
    """

    __slots__ = (
        "_has_begun",
        "_header_cache",
        "_is_over",
        "_is_upgraded",
        "_limits",
        "_llhttp",
        "_message",
        "_misses",
        "_requests",
        "_url",
        "is_midway",
        "read",
    )

    def __init__(
        self,
        parser_limits: ParserLimits | None = None,
        header_cache: HeaderCache | None = None,
    ) -> None:
        self._limits = parser_limits or ParserLimits()
        assert header_cache is None or header_cache.limits == self._limits, (
            "a cached head kept these limits"
        )
        self._header_cache = header_cache
        self._misses = 0
        self._message = PartialMessage(self._limits)
        self._url: list[bytes] = []
        self._requests: list[Request] = []
        self._is_over = False
        self._is_upgraded = False
        self._has_begun = False
        self.is_midway = False
        self.read = 0
        self._llhttp: httptools.HttpRequestParser | None = httptools.HttpRequestParser(
            SimpleNamespace(
                on_message_begin=self._on_message_begin,
                on_url=self._url.append,
                on_header=self._message.on_header,
                on_chunk_header=self._message.on_chunk_header,
                on_body=self._message.body.append,
                on_message_complete=self._on_message_complete,
            )
        )

    @property
    def unfinished_bytes(self) -> int:
        """Return about how many bytes are held of a request that has not ended."""
        return self._message.size if self.is_midway else 0

    def close(self) -> None:
        """Ignore all further bytes, and drop llhttp, which refers to its callbacks.

        Otherwise the cycle would stay in memory until the next garbage collection.
        """
        self._is_over = True
        self._llhttp = None

    def feed(self, data: bytes) -> list[Request]:
        """Parse the next bytes and return the requests that they complete.

        After an error, or a request that closes the connection, all is ignored.

        Raises:
            ParseFailure: it is not HTTP, or not HTTP that all would read the same way.
            BodyTooLarge: a body exceeds its limit.
            HeadersTooLarge: a header, the target or the number of headers does.
        """
        llhttp = self._llhttp
        if self._is_over or llhttp is None:
            return []
        cache = self._header_cache
        if self.is_midway or self._is_upgraded:
            cache = None
        if cache is not None:
            cached = cache.find(data)
            if cached is not None:
                self._misses = 0
                self.read += 1
                return [cached]
            self._count_miss()
        try:
            llhttp.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(llhttp, data, upgrade.args[0])
        except httptools.HttpParserError as error:
            self._stop(data, str(error))
        requests = self._requests
        self.is_midway = self._has_begun or not requests
        if requests:
            self._requests = []
            if cache is not None and len(requests) == 1 and not self._has_begun:
                cache.add(data, requests[0])
        elif (excess := self._message.overgrowth(len(data))) is not None:
            self._message.refusal = excess
            self._stop(data, "")
        return requests

    def _count_miss(self) -> None:
        """Do without the cache from now on if it has served none for too long."""
        self._misses += 1
        if self._misses >= HEADER_CACHE_MISSES_MAX:
            self._header_cache = None

    def _on_message_begin(self) -> None:
        self._has_begun = True

    def _on_message_complete(self) -> None:
        self._has_begun = False
        self.read += 1
        message = self._message
        parts = self._url
        raw = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if len(raw) > self._limits.header_bytes_max:
            message.refuse(too_large("Request target", self._limits))
        headers, body = message.take()
        llhttp = self._llhttp
        assert llhttp is not None, "llhttp calls back while it is fed"
        keep_alive = llhttp.should_keep_alive()
        version = "1.1"
        if not keep_alive or "connection" in headers:
            version = llhttp.get_http_version()
            if version not in _VERSIONS:
                message.refuse(f"Unsupported HTTP version {version}")
            self._is_over = not keep_alive
            if version != "1.1" and "transfer-encoding" in headers:
                message.refuse("Transfer-Encoding before HTTP/1.1")
        target = raw.decode("ascii")
        if target[0] != "/" or "#" in target:
            target = self._origin_form(target, headers)
        path, _, query = target.partition("?")
        self._requests.append(
            Request(
                method=llhttp.get_method().decode("ascii"),
                path=path,
                query=query,
                headers=headers,
                body=body,
                version=version,
                keep_alive=keep_alive,
            )
        )

    def _origin_form(self, target: str, headers: Mapping[str, str]) -> str:
        """Reduce an absolute target to its path, and drop a fragment.

        RFC 9112 3.2.2 lets the target overrule ``Host``; we refuse the two to differ.
        """
        target = target.partition("#")[0]
        scheme, separator, rest = target.partition("://")
        if separator and scheme.lower() in ("http", "https"):
            authority, slash, path = rest.partition("/")
            if headers.get("host", authority) != authority:
                self._message.refuse("Target and Host differ")
            return slash + path or "/"
        return target

    def _ignore_upgrade(
        self, llhttp: httptools.HttpRequestParser, data: bytes, offset: int
    ) -> None:
        """Read on after a request that asked to change protocols.

        llhttp hands over behind such a request's headers. If a body follows them, where
        it ends is not known any more.
        """
        self._is_upgraded = True
        rest = memoryview(data)
        while True:
            headers = self._requests[-1].headers
            if (
                "transfer-encoding" in headers
                or headers.get("content-length", "0") != "0"
            ):
                self._requests.pop()
                self._message.refusal = "Upgrade of a request with a body"
                self._stop(data, "")
            if self._is_over:
                return
            rest = rest[offset:]
            try:
                llhttp.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                offset = upgrade.args[0]
            except httptools.HttpParserError as error:
                self._stop(data, str(error))
                return
            else:
                return

    def _stop(self, data: bytes, reason: str) -> None:
        """End with the refusal that a callback left, or with llhttp's reason.

        What follows the last request of a connection is no error, only unread.
        """
        refusal = self._message.refusal
        if self._is_over and refusal is None:
            return
        self._is_over = True
        if not isinstance(refusal, UnreadableRequest):
            refusal = ParseFailure(data, f"HTTP parsing failed ({refusal or reason})")
        refusal.completed = self._requests
        self._requests = []
        raise refusal
