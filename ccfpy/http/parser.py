"""Bytes of one connection to requests (server) or responses (client), incrementally.

llhttp, by way of httptools, in its strict mode does the work. Added here: size limits;
refusal of what llhttp lets pass and intermediaries might read otherwise (a repeated
``Host``, a target naming another host, codings besides ``chunked``, a body behind an
``Upgrade``); trailers dropped rather than merged; everything after a refusal or a
``Connection: close`` left unread. An error is told as soon as its byte is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType, SimpleNamespace

import httptools

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, Malformed
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserLimits:
    """Bounds on one message; an interface's ``http_configuration`` may set them.

    Attributes:
        header_bytes_max: of one header's name, of one value, and of the target.
        headers_max: header lines in one message, trailers included.
    """

    body_bytes_max: int = limits.HTTP_BODY_BYTES_MAX
    header_bytes_max: int = limits.HTTP_HEADER_BYTES_MAX
    headers_max: int = limits.HTTP_HEADERS_MAX


class UnreadableRequest(CcfpyError):
    """What a client sent that is no request; answer it and close the connection.

    Attributes:
        completed: requests that were whole before the error; answer them first.
        response: the answer to the rest.
    """

    def __init__(self, message: str, response: Response) -> None:
        super().__init__(message)
        self.response = response
        self.completed: list[Request] = []


class ParseFailure(UnreadableRequest):
    """Bytes that are not HTTP; the client gets them back for its own debugging."""

    def __init__(self, fragment: bytes, description: str) -> None:
        self.fragment = fragment
        self.description = description
        text = (
            "Unable to parse data as a HTTP request. "
            f"Error message is: {description}\n"
            "Error occurred while parsing fragment:\n"
        )
        response = Response(
            status=400,
            headers={"content-type": "text/plain"},
            body=text.encode() + fragment,
            close=True,
        )
        super().__init__(description, response)


class BodyTooLarge(UnreadableRequest):
    """A body above its interface's limit."""

    def __init__(self, body_bytes_max: int) -> None:
        error = ApiError(
            413,
            ErrorCode.RequestBodyTooLarge,
            f"HTTP request body is too large (max size allowed: {body_bytes_max})",
            close=True,
        )
        super().__init__(error.message, error.response())


class HeadersTooLarge(UnreadableRequest):
    """A header, or a number of headers, above its interface's limit."""

    def __init__(self, message: str) -> None:
        error = ApiError(431, ErrorCode.RequestHeaderTooLarge, message, close=True)
        super().__init__(error.message, error.response())


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
_VERSIONS = ("1.1", "1.0")


class _Refused(Exception):
    """Carries one of our own refusals out through llhttp's callbacks."""


class _Message:
    """The part of a message that requests and responses share, as it is being read.

    ``body`` stays the same list throughout: httptools binds its ``append`` once.
    """

    __slots__ = (
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
        self._header_lines = 0
        self._seen_lines = 0
        self._silent_bytes = 0
        self._long_body = bytearray()
        self._trailers = False

    def refuse(self, refusal: UnreadableRequest | str) -> None:
        """Stop llhttp from inside a callback; text becomes a ``ParseFailure``."""
        self.refusal = refusal
        raise _Refused

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        """Take a header or trailer whose characters llhttp has checked."""
        name = _COMMON_NAMES.get(raw_name) or raw_name.decode("ascii").lower()
        bounds = self._limits
        lines = self._header_lines = self._header_lines + 1
        if lines > bounds.headers_max:
            self.refuse(_too_many_headers(bounds))
        if len(raw_value) > bounds.header_bytes_max:
            self.refuse(_header_too_large(f"value for '{name}'", bounds))
        if len(raw_name) > bounds.header_bytes_max:
            self.refuse(_header_too_large(f"key for '{name}'", bounds))
        if self._trailers:
            return
        headers = self.headers
        if name not in headers:
            headers[name] = raw_value.rstrip().decode("latin-1")
        elif name == "host":
            self.refuse("Duplicate Host")

    def on_chunk_header(self) -> None:
        """Learn that the headers are over, so that any later ones are trailers."""
        if not self._trailers:
            self._trailers = True
            coding = self.headers["transfer-encoding"]
            if coding.lower() != "chunked":
                self.refuse(f"Unsupported Transfer-Encoding: {coding}")

    def take(self) -> tuple[dict[str, str], bytes]:
        """Give headers and body, and make ready for the next message."""
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
        self._trailers = False
        return headers, body

    def overgrowth(self, fed: int) -> UnreadableRequest | None:
        """Say which bound an unfinished message exceeds after ``fed`` more bytes.

        httptools keeps a header to itself until the next one begins. Its size is
        bounded by how many bytes went in since anything last came out: the target, a
        name and a value at most, and what stands between them.
        """
        bounds = self._limits
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
                return _header_too_large("", bounds)
        return None


def _header_too_large(which: str, bounds: ParserLimits) -> HeadersTooLarge:
    subject = f"Header {which}".rstrip()
    return HeadersTooLarge(
        f"{subject} is too large (max size allowed: {bounds.header_bytes_max})"
    )


def _too_many_headers(bounds: ParserLimits) -> HeadersTooLarge:
    return HeadersTooLarge(
        f"Too many headers (max number allowed: {bounds.headers_max})"
    )


class RequestParser:
    """Reads the requests of one connection, pipelined ones included."""

    __slots__ = (
        "_is_over",
        "_limits",
        "_llhttp",
        "_message",
        "_requests",
        "_url",
    )

    def __init__(self, parser_limits: ParserLimits | None = None) -> None:
        self._limits = parser_limits or ParserLimits()
        self._message = _Message(self._limits)
        self._url: list[bytes] = []
        self._requests: list[Request] = []
        self._is_over = False
        self._llhttp = httptools.HttpRequestParser(
            SimpleNamespace(
                on_url=self._url.append,
                on_header=self._message.on_header,
                on_chunk_header=self._message.on_chunk_header,
                on_body=self._message.body.append,
                on_message_complete=self._on_message_complete,
            )
        )

    def feed(self, data: bytes) -> list[Request]:
        """Take the next bytes; give the requests that they complete.

        After an error, or a request that closes the connection, all is ignored.

        Raises:
            ParseFailure: it is not HTTP, or not HTTP that all would read the same way.
            BodyTooLarge: a body exceeds its limit.
            HeadersTooLarge: a header, the target or the number of headers does.
        """
        if self._is_over:
            return []
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data, upgrade.args[0])
        except httptools.HttpParserError as error:
            self._stop(data, str(error))
        requests = self._requests
        if requests:
            self._requests = []
        elif (excess := self._message.overgrowth(len(data))) is not None:
            self._message.refusal = excess
            self._stop(data, "")
        return requests

    def _on_message_complete(self) -> None:
        message = self._message
        parts = self._url
        raw = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        if len(raw) > self._limits.header_bytes_max:
            message.refuse(_target_too_large(self._limits))
        headers, body = message.take()
        llhttp = self._llhttp
        keep_alive = llhttp.should_keep_alive()
        version = "1.1"
        if not keep_alive or "connection" in headers:
            version = llhttp.get_http_version()
            if version not in _VERSIONS:
                message.refuse(f"Unsupported HTTP version {version}")
            self._is_over = not keep_alive
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

    def _ignore_upgrade(self, data: bytes, offset: int) -> None:
        """Read on after a request that asked to change protocols.

        llhttp hands over behind such a request's headers. If a body follows them, where
        it ends is not known any more.
        """
        rest = memoryview(data)
        while True:
            headers = self._requests[-1].headers
            if (
                "transfer-encoding" in headers
                or headers.get("content-length", "0") != "0"
            ):
                self._requests.pop()
                self._stop(data, "Upgrade of a request with a body")
            if self._is_over:
                return
            rest = rest[offset:]
            try:
                self._llhttp.feed_data(rest)
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


def _target_too_large(bounds: ParserLimits) -> HeadersTooLarge:
    return HeadersTooLarge(
        f"Request target is too large (max size allowed: {bounds.header_bytes_max})"
    )


class ResponseParser:
    """Reads the responses to calls that we make, in the order of the requests.

    Not for the answers to ``HEAD``. Interim answers (1xx) are dropped.
    """

    __slots__ = ("_has_headers", "_is_reading", "_llhttp", "_message", "_responses")

    def __init__(self, parser_limits: ParserLimits | None = None) -> None:
        self._message = _Message(parser_limits or ParserLimits())
        self._responses: list[Response] = []
        self._is_reading = False
        self._has_headers = False
        self._llhttp = httptools.HttpResponseParser(
            SimpleNamespace(
                on_message_begin=self._on_message_begin,
                on_header=self._message.on_header,
                on_headers_complete=self._on_headers_complete,
                on_chunk_header=self._message.on_chunk_header,
                on_body=self._message.body.append,
                on_message_complete=self._on_message_complete,
            )
        )

    def feed(self, data: bytes) -> list[Response]:
        """Take the next bytes; give the responses that they complete.

        Raises:
            Malformed: it is not HTTP.
            LimitExceeded: the answer is larger than its limits allow.
        """
        try:
            self._llhttp.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            raise Malformed("the peer changed the protocol") from upgrade
        except httptools.HttpParserError as error:
            raise self._failure(str(error)) from error
        responses = self._responses
        if responses:
            self._responses = []
        elif (excess := self._message.overgrowth(len(data))) is not None:
            self._message.refusal = excess
            raise self._failure("")
        return responses

    def finish(self) -> Response | None:
        """Give the response whose body ends with the connection, which now ended.

        Raises:
            Malformed: a response was cut short.
            LimitExceeded: its body is larger than the limit.
        """
        if not self._is_reading:
            return None
        headers = self._message.headers
        framed = "content-length" in headers or "transfer-encoding" in headers
        if framed or not self._has_headers:
            raise Malformed("the connection ended within a response")
        try:
            self._on_message_complete()
        except _Refused as error:
            raise self._failure("") from error
        return self._responses.pop()

    def _on_message_begin(self) -> None:
        self._is_reading = True

    def _on_headers_complete(self) -> None:
        self._has_headers = True

    def _on_message_complete(self) -> None:
        self._is_reading = self._has_headers = False
        headers, body = self._message.take()
        status = self._llhttp.get_status_code()
        if status >= HTTPStatus.OK:
            self._responses.append(
                Response(
                    status=status,
                    headers=headers,
                    body=body,
                    close=not self._llhttp.should_keep_alive(),
                )
            )

    def _failure(self, reason: str) -> CcfpyError:
        refusal = self._message.refusal
        if isinstance(refusal, UnreadableRequest):
            return LimitExceeded(f"response refused: {refusal}")
        return Malformed(f"not an HTTP response: {refusal or reason}")
