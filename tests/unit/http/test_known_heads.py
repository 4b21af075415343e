"""Requests whose header lines are known: read as llhttp reads them, or left to it."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import KNOWN_HEAD_BYTES_MAX, KNOWN_HEADS_MAX
from ccfpy.http import known_heads
from ccfpy.http.messages import Request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import ParserLimits, UnreadableRequest

LIMITS = ParserLimits()
HEAD = b"Host: h\r\nContent-Length: 2\r\n\r\n"
POST = b"POST /app/x?a=b HTTP/1.1\r\n"


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    known_heads._known_lines.clear()
    known_heads._known_heads.clear()
    yield
    known_heads._known_lines.clear()
    known_heads._known_heads.clear()


def known() -> list[bytes]:
    return list(known_heads._known_lines)


def known_whole() -> list[bytes]:
    return list(known_heads._known_heads)


def read(*parts: bytes, limits: ParserLimits = LIMITS) -> list[Request]:
    parser = RequestParser(limits)
    return [request for part in parts for request in parser.feed(part)]


def test_lines_that_were_read_are_known_behind_any_plain_request_line() -> None:
    read(POST + HEAD + b"{}")
    assert known() == [HEAD]
    request = known_heads.recall(b"PUT /y?%20=? HTTP/1.1\r\n" + HEAD + b"ab", LIMITS)
    assert request == Request(
        method="PUT",
        path="/y",
        query="%20=?",
        headers={"host": "h", "content-length": "2"},
        body=b"ab",
    )


def test_what_is_done_to_a_requests_headers_is_done_to_no_other() -> None:
    read(POST + HEAD + b"{}")
    for _ in range(2):
        [request] = read(POST + HEAD + b"{}")
        assert request.headers.pop("host") == "h"


def test_a_parser_counts_what_it_recalls() -> None:
    parser = RequestParser()
    for count in (1, 2, 3):
        assert len(parser.feed(POST + HEAD + b"{}")) == 1
        assert (parser.read, parser.is_midway) == (count, False)


_lines = st.sampled_from(
    [
        b"Host: h",
        b"Host: other",
        b"A: b",
        b"A:",
        b"a : b",
        b" folded",
        b"Content-Length: 3",
        b"Content-Length: 03",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Connection: keep-alive",
        b"Connection: Upgrade",
        b"Upgrade: x",
        b"Expect: 100-continue",
        b"Authorization: Bearer x",
        b"X\x00: y",
        b"bare\nX: y",
    ]
)
_starts = st.builds(
    lambda method, target, version: method + b" " + target + version + b"\r\n",
    st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"CONNECT", b"get"]),
    st.sampled_from([b"/", b"/a", b"/a?b=c", b"/a?", b"//a", b"/a#b", b"http://h/a"])
    | st.text(st.characters(codec="latin-1"), max_size=6).map(
        lambda text: b"/" + text.encode("latin-1")
    ),
    st.sampled_from([b" HTTP/1.1", b" HTTP/1.1", b" HTTP/1.0", b"  HTTP/1.1", b""]),
)
_messages = st.builds(
    lambda start, lines, tail: (
        start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + tail
    ),
    _starts,
    st.lists(_lines, max_size=3),
    st.sampled_from([b"", b"abc", b"ab", b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]),
)


def outcome(messages: list[bytes], *, cut: bool) -> tuple[object, ...]:
    """Feed messages to one parser, each whole or behind its first byte."""
    parser = RequestParser()
    requests: list[Request] = []
    states: list[tuple[int, bool]] = []
    for message in messages:
        try:
            requests += parser.feed(message[:1]) if cut else []
            requests += parser.feed(message[1:] if cut else message)
        except UnreadableRequest as refusal:
            completed = refusal.completed
            return requests + completed, type(refusal), refusal.response.status
        states.append((parser.read, parser.is_midway))
    return requests, states


@given(st.lists(_messages, min_size=1, max_size=3), st.integers(1, 3))
def test_what_is_known_reads_as_what_is_parsed(
    messages: list[bytes], times: int
) -> None:
    assert outcome(messages * times, cut=False) == outcome(messages * times, cut=True)


@given(st.lists(_messages, min_size=1, max_size=4))
def test_whatever_is_recalled_llhttp_reads_the_same(messages: list[bytes]) -> None:
    for message in messages:
        outcome([message], cut=False)
    for message in messages:
        request = known_heads.recall(message, LIMITS)
        if request is not None:
            assert [request] == read(message[:1], message[1:])


@pytest.mark.parametrize(
    "line",
    [
        b"Authorization: Bearer x",
        b"Cookie: x",
        b"Proxy-Authorization: x",
        b"Connection: keep-alive",
        b"Expect: 100-continue",
        b"Transfer-Encoding: chunked",
        b"Upgrade: x",
    ],
)
def test_some_lines_are_never_kept(line: bytes) -> None:
    body = b"0\r\n\r\n" if line.startswith(b"Transfer") else b""
    assert len(read(POST + line + b"\r\n\r\n" + body)) == 1
    assert known() == []


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"{",
        HEAD + b"{}}",
        HEAD + b"{}" + POST + HEAD + b"{}",
        HEAD[:-2] + b"A: b\r\n\r\n{}",
        HEAD[:-3],
    ],
)
def test_more_or_less_than_one_request_is_not_recalled(data: bytes) -> None:
    read(POST + HEAD + b"{}")
    assert known_heads.recall(POST + data, LIMITS) is None


def test_lines_are_known_under_the_limits_they_were_held_to() -> None:
    read(POST + HEAD + b"{}")
    data = POST + HEAD + b"{}"
    assert known_heads.recall(data, ParserLimits()) is not None
    for stricter in (ParserLimits(body_bytes_max=1), ParserLimits(headers_max=1)):
        assert known_heads.recall(data, stricter) is None
        with pytest.raises(UnreadableRequest):
            read(data, limits=stricter)


def test_a_target_at_its_limit_is_read_and_a_longer_one_refused() -> None:
    bounds = ParserLimits(header_bytes_max=100)
    for length in (50, 80, 99, 100):
        data = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"a" * (length - 1))
        assert len(read(data, data, limits=bounds)) == 2
    data = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"a" * 100)
    with pytest.raises(UnreadableRequest):
        read(data, limits=bounds)


@pytest.mark.parametrize("excess", [0, 1])
def test_long_heads_are_not_kept(excess: int) -> None:
    head = b"A: \r\nHost: h\r\n\r\n"
    padding = b"x" * (KNOWN_HEAD_BYTES_MAX - len(head) + excess)
    read(b"GET / HTTP/1.1\r\n" + head.replace(b"A: ", b"A: " + padding))
    assert len(known()) == 1 - excess


def test_no_more_are_kept_than_so_many() -> None:
    for number in range(KNOWN_HEADS_MAX):
        read(b"GET / HTTP/1.1\r\nA: %d\r\n\r\n" % number)
    assert len(known()) == KNOWN_HEADS_MAX
    read(b"GET / HTTP/1.1\r\nA: one more\r\n\r\n")
    assert known() == [b"A: one more\r\n\r\n"]


def test_a_whole_head_is_known_once_it_was_understood() -> None:
    line, other = b"POST /app/x HTTP/1.1\r\n", b"PUT /app/x HTTP/1.1\r\n"
    for data in (line, line, line, other, other):
        [request] = read(data + HEAD + b"{}")
        assert request.method == data.split()[0].decode()
        assert (request.path, request.query) == ("/app/x", "")
        assert request.headers.pop("host") == "h"
    assert known_whole() == [line + HEAD, other + HEAD]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /app/x?a=b HTTP/1.1",
        b"GET /app/x? HTTP/1.1",
        b"GET /app/x#a HTTP/1.1",
        b"HEAD /app/x HTTP/1.1",
        b"GET /app/x HTTP/1.0",
    ],
)
def test_with_some_request_lines_a_head_is_not_kept(line: bytes) -> None:
    for _ in range(3):
        assert len(read(line + b"\r\n" + HEAD + b"{}")) == 1
    assert known_whole() == []


@pytest.mark.parametrize("excess", [0, 1])
def test_a_whole_head_is_kept_up_to_its_limit(excess: int) -> None:
    rest = b" HTTP/1.1\r\n" + HEAD
    start = b"GET /".ljust(KNOWN_HEAD_BYTES_MAX - len(rest) + excess, b"a")
    for _ in range(3):
        assert len(read(start + rest + b"{}")) == 1
    assert len(known_whole()) == 1 - excess


def test_no_more_whole_heads_are_kept_than_so_many() -> None:
    read(POST + HEAD + b"{}")
    for number in range(KNOWN_HEADS_MAX):
        read(b"GET /%d HTTP/1.1\r\n" % number + HEAD + b"{}")
    assert len(known_whole()) == KNOWN_HEADS_MAX
    read(b"GET /one/more HTTP/1.1\r\n" + HEAD + b"{}")
    assert known_whole() == [b"GET /one/more HTTP/1.1\r\n" + HEAD]
