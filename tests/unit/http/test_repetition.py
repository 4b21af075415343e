"""Repeated heads: recognised only where parsing again would give the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http.messages import Request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import UnreadableRequest
from ccfpy.http.repetition import known_head, repeat

GET = b"GET /node/state?a=b HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /app/x HTTP/1.1\r\nContent-Length: 2\r\n\r\n"

PIECES = st.sampled_from(
    [
        GET,
        POST + b"ab",
        POST + b"cd",
        POST + b"a",
        b"b",
        b"\r\n",
        b"\r\n" + GET,
        GET + GET,
        GET[:9],
        GET[9:],
        POST,
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX: ",
        b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /x HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 40\r\n\r\n" + GET[:40],
        b"nonsense",
    ]
)


def _by_bytes(pieces: list[bytes]) -> tuple[list[Request], str]:
    """Parse the plain way: a byte at a time, no head is ever seen whole."""
    return _read([bytes([byte]) for piece in pieces for byte in piece])


def _read(pieces: list[bytes]) -> tuple[list[Request], str]:
    parser = RequestParser()
    requests: list[Request] = []
    for piece in pieces:
        try:
            requests += parser.feed(piece)
        except UnreadableRequest as refusal:
            return requests + refusal.completed, type(refusal).__name__
    return requests, ""


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=8))
def test_any_stream_is_read_as_it_is_byte_by_byte(pieces: list[bytes]) -> None:
    assert _read(pieces) == _by_bytes(pieces)


@given(st.lists(st.binary(min_size=2, max_size=2), min_size=2))
def test_only_the_body_of_a_repetition_is_new(bodies: list[bytes]) -> None:
    parser = RequestParser()
    requests = [parser.feed(POST + body)[0] for body in bodies]
    assert [request.body for request in requests] == bodies
    for request in requests:
        assert (request.method, request.path) == ("POST", "/app/x")
        assert request.headers == {"content-length": "2"}


def test_what_a_handler_does_to_its_headers_is_not_repeated() -> None:
    parser = RequestParser()
    for _ in range(3):
        (request,) = parser.feed(GET)
        assert request.headers == {"host": "h"}
        request.headers["host"] = "changed"
        request.headers["new"] = "1"


def test_a_known_head_keeps_no_body() -> None:
    (request,) = RequestParser().feed(POST + b"ab")
    known = known_head(POST + b"ab", request)
    assert known is not None
    assert known.head == POST
    assert known.request.body == b""
    assert repeat(known, POST + b"ab") == request


@pytest.mark.parametrize(
    "data",
    [
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /x HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /x HTTP/1.1\r\nX: %b\r\n\r\n" % (b"y" * limits.HEAD_KNOWN_BYTES_MAX),
    ],
)
def test_a_head_that_may_mean_something_else_next_time_is_not_kept(data: bytes) -> None:
    (request,) = RequestParser().feed(data)
    assert known_head(data, request) is None
