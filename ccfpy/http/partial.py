"""The part of reading a message that requests and responses share.

httptools calls back as llhttp finds headers and pieces of body. This module gathers
them and checks their limits, whether the message is complete or not. Trailers are
dropped: no code of ours reads them, and merged into the headers they would evade the
checks of the headers.
"""

from collections.abc import Mapping
from types import MappingProxyType

from ccfpy.base import limits
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParserLimits,
    UnreadableRequest,
)


def _spellings(*names: str) -> Mapping[bytes, str]:
    table = {}
    for name in names:
        table[name.encode()] = name
        table[name.title().encode()] = name
    return MappingProxyType(table)


# Lower-casing and decoding a name costs more than looking up how it is usually spelt.
_COMMON_NAMES = _spellings(
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "etag",
    "if-match",
    "if-none-match",
    "host",
    "location",
    "origin",
    "referer",
    "transfer-encoding",
    "user-agent",
    "x-ms-ccf-transaction-id",
)


class CallbackRefused(Exception):
    """Carries one of our own refusals out through llhttp's callbacks."""


class PartialMessage:
    """Headers and body of one message after another, as llhttp finds them.

    ``body`` stays the same list throughout: httptools binds its ``append`` once.
    """

    __slots__ = (
        "_fed_last",
        "_head_bytes",
        "_head_bytes_max",
        "_header_lines",
        "_limits",
        "_long_body",
        "_seen_lines",
        "_silent_bytes",
        "_trailers",
        "body",
        "headers",
        "refusal",
    )

    def __init__(self, parser_limits: ParserLimits) -> None:
        self._limits = parser_limits
        self.headers: dict[str, str] = {}
        self.body: list[bytes] = []
        self.refusal: UnreadableRequest | str | None = None
        self._fed_last = 0
        self._head_bytes = 0
        self._head_bytes_max = parser_limits.head_bytes_max
        self._header_lines = 0
        self._seen_lines = 0
        self._silent_bytes = 0
        self._long_body = bytearray()
        self._trailers = False

    def refuse(self, refusal: UnreadableRequest | str) -> None:
        """Stop llhttp from inside a callback; text becomes a ``ParseFailure``."""
        self.refusal = refusal
        raise CallbackRefused

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        """Add a header or trailer whose characters llhttp has checked."""
        name = _COMMON_NAMES.get(raw_name) or raw_name.decode("ascii").lower()
        bounds = self._limits
        lines = self._header_lines = self._header_lines + 1
        if lines > bounds.headers_max:
            self.refuse(too_many_headers(bounds))
        if len(raw_value) > bounds.header_bytes_max:
            self.refuse(too_large(f"Header value for '{name}'", bounds))
        if len(raw_name) > bounds.header_bytes_max:
            self.refuse(too_large(f"Header key for '{name}'", bounds))
        head_bytes = self._head_bytes = (
            self._head_bytes + len(raw_name) + len(raw_value)
        )
        if head_bytes > self._head_bytes_max:
            self.refuse(too_large_together(bounds))
        if self._trailers:
            return
        headers = self.headers
        if name not in headers:
            headers[name] = raw_value.rstrip().decode("latin-1")
        elif name == "host":
            self.refuse("Duplicate Host")

    def on_chunk_header(self) -> None:
        """Note that the headers have ended, so that all later ones are trailers."""
        if not self._trailers:
            self._trailers = True
            coding = self.headers["transfer-encoding"]
            if coding.lower() != "chunked":
                self.refuse(f"Unsupported Transfer-Encoding: {coding}")

    def take(self) -> tuple[dict[str, str], bytes]:
        """Return headers and body, and prepare for the next message."""
        headers = self.headers
        parts = self.body
        body = b""
        if parts:
            body = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            if self._long_body:
                body = bytes(self._long_body) + body
                self._long_body.clear()
            if len(body) > self._limits.body_bytes_max:
                self.refuse(BodyTooLarge(self._limits.body_bytes_max))
        elif self._long_body:
            body = bytes(self._long_body)
            self._long_body.clear()
        self.headers = {}
        self._header_lines = self._seen_lines = self._silent_bytes = 0
        self._head_bytes = self._fed_last = 0
        self._trailers = False
        return headers, body

    @property
    def size(self) -> int:
        """Return about how many bytes are held of a message that has not ended."""
        body = len(self._long_body) + sum(map(len, self.body))
        return self._head_bytes + max(self._silent_bytes, self._fed_last) + body

    def overgrowth(self, fed: int) -> UnreadableRequest | None:
        """Return the bound that an unfinished message exceeds after ``fed`` more bytes.

        httptools keeps a header to itself until the next one begins. Its size is
        bounded by how many bytes went in since anything last came out: the target, a
        name and a value at most, and what stands between them.
        """
        bounds = self._limits
        self._fed_last = 0 if self.body else fed
        if self.body:
            self._long_body += b"".join(self.body)
            self.body.clear()
            self._silent_bytes = 0
            if len(self._long_body) > bounds.body_bytes_max:
                return BodyTooLarge(bounds.body_bytes_max)
        elif self._header_lines != self._seen_lines:
            self._seen_lines = self._header_lines
            self._silent_bytes = 0
        else:
            self._silent_bytes += fed
            if self._silent_bytes > 3 * bounds.header_bytes_max + limits.KIB:
                return too_large("Header", bounds)
        return None


def too_large(subject: str, bounds: ParserLimits) -> HeadersTooLarge:
    """Refuse a part of the head for its size."""
    return HeadersTooLarge(
        f"{subject} is too large (max size allowed: {bounds.header_bytes_max})"
    )


def too_large_together(bounds: ParserLimits) -> HeadersTooLarge:
    """Refuse a head for the size of all its headers."""
    return HeadersTooLarge(
        f"Headers are too large together (max size allowed: {bounds.head_bytes_max})"
    )


def too_many_headers(bounds: ParserLimits) -> HeadersTooLarge:
    """Refuse a head for the number of its lines."""
    return HeadersTooLarge(
        f"Too many headers (max number allowed: {bounds.headers_max})"
    )
