"""The header cache gives the requests that llhttp parses, and leaves it the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.limits import (
    HEADER_CACHE_ENTRIES_MAX,
    HEADER_CACHE_ENTRY_BYTES_MAX,
    HEADER_CACHE_MISSES_MAX,
)
from ccfpy.http.header_cache import HeaderCache
from ccfpy.http.messages import Request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import ParserLimits, UnreadableRequest

LIMITS = ParserLimits()
HEAD = b"Host: h\r\nContent-Length: 2\r\n\r\n"
POST = b"POST /app/x?a=b HTTP/1.1\r\n"


@pytest.fixture
def cache() -> HeaderCache:
    return HeaderCache(LIMITS)


def cached_lines(cache: HeaderCache) -> list[bytes]:
    return [lines + b"\r\n\r\n" for lines in cache._lines]


def cached_starts(cache: HeaderCache) -> list[bytes]:
    return list(cache._starts)


def read(
    cache: HeaderCache | None, *parts: bytes, limits: ParserLimits = LIMITS
) -> list[Request]:
    parser = RequestParser(limits, cache)
    return [request for part in parts for request in parser.feed(part)]


def test_cached_lines_serve_behind_any_plain_request_line(cache: HeaderCache) -> None:
    read(cache, POST + HEAD + b"{}")
    assert cached_lines(cache) == [HEAD]
    request = cache.find(b"PUT /y?%20=? HTTP/1.1\r\n" + HEAD + b"ab")
    assert request == Request(
        method="PUT",
        path="/y",
        query="%20=?",
        headers={"host": "h", "content-length": "2"},
        body=b"ab",
    )


@pytest.mark.parametrize("last", [HEADER_CACHE_MISSES_MAX - 1, HEADER_CACHE_MISSES_MAX])
def test_a_connection_whose_heads_never_repeat_does_without_the_cache(
    cache: HeaderCache, last: int
) -> None:
    parser = RequestParser(LIMITS, cache)
    for at in range(last):
        assert parser.feed(POST + b"Id: %d\r\n\r\n" % at)
    added = len(cached_lines(cache))
    assert added == last
    assert parser.feed(POST + b"Id: next\r\n\r\n")
    asked = last < HEADER_CACHE_MISSES_MAX
    assert len(cached_lines(cache)) == added + asked


def test_a_head_that_repeats_begins_the_count_of_misses_anew(
    cache: HeaderCache,
) -> None:
    parser = RequestParser(LIMITS, cache)
    for at in range(2 * HEADER_CACHE_MISSES_MAX):
        assert parser.feed(POST + b"Id: %d\r\n\r\n" % at)
        assert parser.feed(POST + b"Host: h\r\n\r\n")
    assert len(cached_lines(cache)) == 2 * HEADER_CACHE_MISSES_MAX + 1


def test_a_change_of_one_request_s_headers_changes_no_other_request(
    cache: HeaderCache,
) -> None:
    read(cache, POST + HEAD + b"{}")
    for _ in range(2):
        [request] = read(cache, POST + HEAD + b"{}")
        assert request.headers.pop("host") == "h"


def test_a_parser_counts_requests_from_the_cache(cache: HeaderCache) -> None:
    parser = RequestParser(LIMITS, cache)
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
_any_line = st.builds(
    lambda name, value: name + b": " + value,
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12).map(
        str.encode
    ),
    st.text(st.characters(codec="latin-1"), max_size=12).map(
        lambda text: text.encode("latin-1")
    ),
)
_messages = st.builds(
    lambda start, lines, tail: (
        start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + tail
    ),
    _starts,
    st.lists(_lines | _any_line, max_size=3),
    st.sampled_from([b"", b"abc", b"ab", b"\r\n", b"GET / HTTP/1.1\r\n\r\n"]),
)
_limits = st.sampled_from(
    [
        LIMITS,
        ParserLimits(body_bytes_max=2),
        ParserLimits(headers_max=2),
        ParserLimits(header_bytes_max=8),
    ]
)


def outcome(parser: RequestParser, messages: list[bytes]) -> tuple[object, ...]:
    """Return what one connection's parser makes of messages, each in one piece."""
    requests: list[Request] = []
    states: list[tuple[int, bool]] = []
    for message in messages:
        try:
            requests += parser.feed(message)
        except UnreadableRequest as refusal:
            completed = refusal.completed
            return requests + completed, type(refusal), refusal.response.status
        states.append((parser.read, parser.is_midway))
    return requests, states


@given(
    st.lists(st.lists(_messages, min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(2, 3),
    _limits,
)
def test_a_parser_with_a_cache_reads_every_request_as_llhttp_alone_does(
    connections: list[list[bytes]], times: int, limits: ParserLimits
) -> None:
    cache = HeaderCache(limits)
    for messages in connections * times:
        cached = outcome(RequestParser(limits, cache), messages)
        assert cached == outcome(RequestParser(limits), messages)


@given(st.lists(_messages, min_size=1, max_size=4))
def test_a_request_from_the_cache_is_the_request_that_llhttp_parses(
    messages: list[bytes],
) -> None:
    cache = HeaderCache(LIMITS)
    for message in messages:
        outcome(RequestParser(LIMITS, cache), [message])
    for message in messages:
        request = cache.find(message)
        if request is not None:
            assert [request] == read(None, message[:1], message[1:])


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
def test_some_lines_are_never_cached(cache: HeaderCache, line: bytes) -> None:
    body = b"0\r\n\r\n" if line.startswith(b"Transfer") else b""
    assert len(read(cache, POST + line + b"\r\n\r\n" + body)) == 1
    assert cached_lines(cache) == []


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
def test_more_or_less_than_one_request_is_not_found(
    cache: HeaderCache, data: bytes
) -> None:
    read(cache, POST + HEAD + b"{}")
    assert cache.find(POST + data) is None


def test_a_target_at_its_limit_is_read_and_a_longer_one_refused() -> None:
    bounds = ParserLimits(header_bytes_max=100)
    cache = HeaderCache(bounds)
    for length in (50, 80, 99, 100):
        data = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"a" * (length - 1))
        assert len(read(cache, data, data, limits=bounds)) == 2
    data = b"GET /%b HTTP/1.1\r\nHost: h\r\n\r\n" % (b"a" * 100)
    with pytest.raises(UnreadableRequest):
        read(cache, data, limits=bounds)


@pytest.mark.parametrize("excess", [0, 1])
def test_header_lines_are_cached_up_to_their_limit(
    cache: HeaderCache, excess: int
) -> None:
    head = b"A: \r\nHost: h\r\n\r\n"
    padding = b"x" * (HEADER_CACHE_ENTRY_BYTES_MAX - len(head) + excess)
    read(cache, b"GET / HTTP/1.1\r\n" + head.replace(b"A: ", b"A: " + padding))
    assert len(cached_lines(cache)) == 1 - excess


def test_a_full_cache_of_header_lines_begins_anew(cache: HeaderCache) -> None:
    for number in range(HEADER_CACHE_ENTRIES_MAX):
        read(cache, b"GET / HTTP/1.1\r\nA: %d\r\n\r\n" % number)
    assert len(cached_lines(cache)) == HEADER_CACHE_ENTRIES_MAX
    read(cache, b"GET / HTTP/1.1\r\nA: one more\r\n\r\n")
    assert cached_lines(cache) == [b"A: one more\r\n\r\n"]


def test_a_start_is_cached_once_it_was_parsed(cache: HeaderCache) -> None:
    line, other = b"POST /app/x HTTP/1.1\r\n", b"PUT /app/x HTTP/1.1\r\n"
    for data in (line, line, line, other, other):
        [request] = read(cache, data + HEAD + b"{}")
        assert request.method == data.split()[0].decode()
        assert (request.path, request.query) == ("/app/x", "")
        assert request.headers.pop("host") == "h"
    assert cached_starts(cache) == [b"POST /app/x", b"PUT /app/x"]


@pytest.mark.parametrize(
    "line",
    [
        b"GET /app/x#a HTTP/1.1",
        b"GET /app/x\x80 HTTP/1.1",
        b"HEAD /app/x HTTP/1.1",
        b"GET /app/x HTTP/1.0",
        b"GET /app/x?a HTTP/1.0",
    ],
)
def test_some_request_lines_are_not_cached(cache: HeaderCache, line: bytes) -> None:
    read(cache, POST + HEAD + b"{}")
    for _ in range(3):
        assert cache.find(line + b"\r\n" + HEAD + b"{}") is None
    assert cached_starts(cache) == []


@pytest.mark.parametrize("body", [b"", b"ab", b"\r\n\r\n"])
def test_lines_serve_where_others_came_between(cache: HeaderCache, body: bytes) -> None:
    """The lines of the latest request are compared; all others are looked up."""
    size = b"Content-Length: %d\r\n\r\n" % len(body)
    raws = [line + size for line in (b"Host: h\r\n", b"Host: i\r\n", b"")]
    for _ in range(3):
        for raw in raws:
            [request] = read(cache, b"GET /x HTTP/1.1\r\n" + raw + body)
            found = cache.find(b"GET /x HTTP/1.1\r\n" + raw + body)
            assert request == found
            assert (found.headers.get("host"), found.body) == (
                raw[6:7].decode() if raw is not raws[2] else None,
                body,
            )


@pytest.mark.parametrize(
    "data",
    [
        b"GET /x HTTP/1.1\r\n" + HEAD + b"{",
        b"GET /x HTTP/1.1\r\n" + HEAD + b"{}{",
        b"GET /x HTTP/1.1\r\nA: b\r\n" + HEAD + b"{}",
        b"GET /x HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n" + HEAD + b"{}",
        b"GET /x?a HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\n" + HEAD + b"{}",
        b" HTTP/1.1\r\n" + HEAD + b"{}",
        HEAD + b"{}",
        b"{}",
        b"",
    ],
)
def test_the_latest_lines_serve_one_whole_request(
    cache: HeaderCache, data: bytes
) -> None:
    read(cache, POST + HEAD + b"{}", b"GET /x HTTP/1.1\r\n" + HEAD + b"{}")
    assert cache.find(b"GET /x HTTP/1.1\r\n" + HEAD + b"{}") is not None
    assert cache.find(data) is None


def test_of_lines_with_queries_what_is_before_them_is_cached(
    cache: HeaderCache,
) -> None:
    for number in range(3):
        [request] = read(cache, b"GET /x?id=%d HTTP/1.1\r\n" % number + HEAD + b"{}")
        assert (request.method, request.path) == ("GET", "/x")
        assert request.query == f"id={number}"
    assert cached_starts(cache) == [b"GET /x"]


@pytest.mark.parametrize(
    "query", [b"a b", b"a#", b"\x80", b"a\n", b'"', b"a HTTP/1.1", b" ", b"a\tb", b"|"]
)
def test_a_query_that_is_not_plain_is_left_to_llhttp(
    cache: HeaderCache, query: bytes
) -> None:
    for known in (b"a=b", b"c=d"):
        assert len(read(cache, b"GET /x?%b HTTP/1.1\r\n" % known + HEAD + b"{}")) == 1
    assert cache.find(b"GET /x?%b HTTP/1.1\r\n" % query + HEAD + b"{}") is None


@pytest.mark.parametrize("excess", [0, 1])
def test_what_is_before_a_query_is_cached_up_to_its_limit(
    cache: HeaderCache, excess: int
) -> None:
    start = b"GET /".ljust(HEADER_CACHE_ENTRY_BYTES_MAX - 4 + excess, b"a")
    for number in range(3):
        data = start + b"?%d HTTP/1.1\r\n" % number + HEAD + b"{}"
        assert len(read(cache, data)) == 1
    assert len(cached_starts(cache)) == 1 - excess


def test_a_full_cache_of_what_is_before_queries_begins_anew(
    cache: HeaderCache,
) -> None:
    read(cache, POST + HEAD + b"{}")
    for number in range(HEADER_CACHE_ENTRIES_MAX):
        read(cache, b"GET /%d?a HTTP/1.1\r\n" % number + HEAD + b"{}")
    assert len(cached_starts(cache)) == HEADER_CACHE_ENTRIES_MAX
    read(cache, b"GET /one/more?a HTTP/1.1\r\n" + HEAD + b"{}")
    assert cached_starts(cache) == [b"GET /one/more"]
