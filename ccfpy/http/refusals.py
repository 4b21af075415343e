"""Bounds on one HTTP message, and the refusals of messages that cannot be read.

A refusal carries the answer that tells the client; the connection ends with it.
"""

from dataclasses import dataclass

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError
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

    @property
    def head_bytes_max(self) -> int:
        """Of all headers of one message together; CCF has no such bound."""
        return max(limits.HTTP_HEAD_BYTES_MAX, 4 * self.header_bytes_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2Limits:
    """What an interface of HTTP/2 tells its clients to keep to, besides.

    Attributes:
        streams_max: requests of one connection that are not answered.
        window_bytes: of a body, before we say that we have read it.
        frame_bytes_max: of a frame, theirs and ours.
    """

    streams_max: int = limits.HTTP2_STREAMS_MAX
    window_bytes: int = limits.HTTP2_WINDOW_BYTES
    frame_bytes_max: int = limits.HTTP2_FRAME_BYTES_MAX


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
