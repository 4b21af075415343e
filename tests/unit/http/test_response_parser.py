"""Responses from bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.http.messages import Response
from ccfpy.http.refusals import ParserLimits
from ccfpy.http.response_parser import ResponseParser

OK = b"HTTP/1.1 200 OK\r\n"


def test_a_response_is_read_whole() -> None:
    [response] = ResponseParser().feed(
        OK + b"Content-Type: a/b\r\nContent-Length: 2\r\n\r\n{}"
    )
    headers = {"content-type": "a/b", "content-length": "2"}
    assert response == Response(status=200, headers=headers, body=b"{}")


def test_a_chunked_response_is_put_together() -> None:
    parser = ResponseParser()
    assert parser.feed(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab") == []
    [response] = parser.feed(b"\r\n1\r\nc\r\n0\r\n\r\n")
    assert response.body == b"abc"


def test_interim_responses_are_dropped() -> None:
    [response] = ResponseParser().feed(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
    )
    assert response.status == 204


def test_a_closing_response_says_so() -> None:
    [response] = ResponseParser().feed(
        OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    )
    assert response.close


def test_the_end_of_the_connection_can_end_a_body() -> None:
    parser = ResponseParser()
    assert parser.feed(OK + b"\r\nabc") == []
    assert parser.feed(b"def") == []
    response = parser.finish()
    assert response is not None
    assert (response.status, response.body) == (200, b"abcdef")
    assert parser.finish() is None


def test_the_end_of_a_silent_connection_is_no_response() -> None:
    assert ResponseParser().finish() is None


@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""]
)
def test_an_answer_to_head_ends_with_its_headers(framing: bytes) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    parser = ResponseParser(is_to_head=True)
    [response] = parser.feed(interim + OK + framing + b"\r\n")
    assert (response.status, response.body) == (200, b"")
    assert ("content-length" in response.headers) == framing.startswith(b"Content")
    assert parser.finish() is None


@pytest.mark.parametrize(
    ("framing", "more"),
    [
        (b"Content-Length: 5\r\n", b"abcde"),
        (b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n"),
        (b"", b"abc"),
        (b"Content-Length: 0\r\n", OK),
    ],
)
def test_nothing_may_follow_an_answer_to_head(framing: bytes, more: bytes) -> None:
    answer = OK + framing + b"\r\n"
    with pytest.raises(Malformed, match="HEAD"):
        ResponseParser(is_to_head=True).feed(answer + more)
    parser = ResponseParser(is_to_head=True)
    assert len(parser.feed(answer)) == 1
    with pytest.raises(Malformed, match="HEAD"):
        parser.feed(more)


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200",
        OK + b"A: b\r\n",
        OK + b"Content-Length: 3\r\n\r\nab",
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
)
def test_a_response_cut_short_is_refused(cut: bytes) -> None:
    parser = ResponseParser()
    assert parser.feed(cut) == []
    with pytest.raises(Malformed):
        parser.finish()


@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"HTTP/9.9",
        OK + b"A : b\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Now\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_no_response_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        ResponseParser().feed(data)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 9\r\n\r\n012345678",
        OK + b"Content-Length: 99\r\n\r\n012345678",
        OK + b"A: 0123456789\r\n\r\n",
        OK + b"A: " + b"x" * 2000,
    ],
)
def test_a_response_above_its_limits_is_refused(data: bytes) -> None:
    bounds = ParserLimits(body_bytes_max=8, header_bytes_max=9)
    with pytest.raises(LimitExceeded):
        ResponseParser(bounds).feed(data)


def test_a_body_that_the_connection_ends_has_the_same_limit() -> None:
    parser = ResponseParser(ParserLimits(body_bytes_max=3))
    with pytest.raises(LimitExceeded):
        parser.feed(OK + b"\r\nabcd")


def test_so_has_one_that_began_behind_another_response() -> None:
    parser = ResponseParser(ParserLimits(body_bytes_max=3))
    assert len(parser.feed(OK + b"Content-Length: 0\r\n\r\n" + OK + b"\r\nabcd")) == 1
    with pytest.raises(LimitExceeded):
        parser.finish()


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_random_bytes_raise_only_what_is_documented(parts: list[bytes]) -> None:
    parser = ResponseParser()
    try:
        parser.feed(b"HTTP/1.1 ")
        for part in parts:
            parser.feed(part)
        parser.finish()
    except (Malformed, LimitExceeded):
        return
