"""Bytes of one connection to the responses to our own calls, incrementally."""

from http import HTTPStatus
from types import SimpleNamespace

import httptools

from ccfpy.base.errors import CcfpyError, LimitExceeded, Malformed
from ccfpy.http.messages import Response
from ccfpy.http.partial import CallbackRefused, PartialMessage
from ccfpy.http.refusals import ParserLimits, UnreadableRequest


class ResponseParser:
    """Reads the responses to calls that we make, in the order of the requests.

    Interim answers (1xx) are dropped.

    Args:
        parser_limits: of each response.
        is_to_head: whether the one request is a ``HEAD``. Its answer has headers alone,
            which may say how long a body would be.
    """

    __slots__ = (
        "_has_headers",
        "_is_reading",
        "_is_to_head",
        "_llhttp",
        "_message",
        "_responses",
    )

    def __init__(
        self, parser_limits: ParserLimits | None = None, *, is_to_head: bool = False
    ) -> None:
        message = self._message = PartialMessage(parser_limits or ParserLimits())
        excess = self._on_excess if is_to_head else None
        self._responses: list[Response] = []
        self._is_reading = False
        self._has_headers = False
        self._is_to_head = is_to_head
        self._llhttp = httptools.HttpResponseParser(
            SimpleNamespace(
                on_message_begin=self._on_message_begin,
                on_header=message.on_header,
                on_headers_complete=self._on_headers_complete,
                on_chunk_header=excess or message.on_chunk_header,
                on_body=excess or message.body.append,
                on_message_complete=self._on_message_complete,
            )
        )

    def feed(self, data: bytes) -> list[Response]:
        """Parse the next bytes and return the responses that they complete.

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
        """Return the response whose body ends with the connection, which now ended.

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
        except CallbackRefused as error:
            raise self._failure("") from error
        return self._responses.pop()

    def _on_message_begin(self) -> None:
        if self._is_to_head and self._has_headers:
            self._on_excess()
        self._is_reading = True

    def _on_headers_complete(self) -> None:
        self._has_headers = True
        if self._is_to_head and self._llhttp.get_status_code() >= HTTPStatus.OK:
            self._is_reading = False
            self._keep()

    def _on_message_complete(self) -> None:
        if self._is_reading:
            self._is_reading = self._has_headers = False
            self._keep()

    def _on_excess(self, _: bytes = b"") -> None:
        self._message.refuse("more than the headers of an answer to HEAD")

    def _keep(self) -> None:
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
