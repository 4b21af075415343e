"""Requests from bytes: what is read, what is refused, and when."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.http.messages import Request
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)
from tests.attacks import attack

GET = b"GET /node/state HTTP/1.1\r\n"
POST = b"POST /app/x HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def _read(data: bytes) -> list[Request]:
    return RequestParser().feed(data)


def _refused(data: bytes) -> UnreadableRequest:
    with pytest.raises(UnreadableRequest) as caught:
        _read(data)
    return caught.value


def test_a_small_post_is_read_whole() -> None:
    [request] = _read(
        b"POST /app/log/private?scope=a%20b HTTP/1.1\r\nHost: h:1\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert request == Request(
        method="POST",
        path="/app/log/private",
        query="scope=a%20b",
        headers={
            "host": "h:1",
            "content-type": "application/json",
            "content-length": "2",
        },
        body=b"{}",
    )


def test_a_host_header_may_be_missing() -> None:
    [request] = _read(GET + b"\r\n")
    assert (request.headers, request.body) == ({}, b"")


def test_pipelined_requests_come_in_order() -> None:
    requests = _read(
        GET + b"\r\n" + POST + b"Content-Length: 1\r\n\r\na" + GET + b"\r\n"
    )
    assert [(r.method, r.body) for r in requests] == [
        ("GET", b""),
        ("POST", b"a"),
        ("GET", b""),
    ]


def test_a_chunked_body_is_put_together() -> None:
    [request] = _read(CHUNKED + b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nTrailer: x\r\n\r\n")
    assert request.body == b"abcde"
    assert request.headers == {"transfer-encoding": "chunked"}


@attack("http: trailers that smuggle")
def test_trailers_do_not_pass_for_headers() -> None:
    parser = RequestParser()
    smuggled = b"0\r\nAuthorization: Bearer x\r\nHost: evil\r\n\r\n"
    [first, second] = parser.feed(CHUNKED + smuggled + GET + b"A: b\r\n\r\n")
    assert "authorization" not in first.headers
    assert "host" not in first.headers
    assert second.headers == {"a": "b"}


@pytest.mark.parametrize(
    ("data", "version", "keep_alive"),
    [
        (GET + b"\r\n", "1.1", True),
        (GET + b"Connection: keep-alive\r\n\r\n", "1.1", True),
        (GET + b"Connection: close\r\n\r\n", "1.1", False),
        (b"GET / HTTP/1.0\r\n\r\n", "1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "1.0", True),
    ],
)
def test_the_connection_lives_as_long_as_the_client_asks(
    data: bytes, version: str, keep_alive: bool
) -> None:
    [request] = _read(data)
    assert (request.version, request.keep_alive) == (version, keep_alive)


@pytest.mark.parametrize(
    "last", [b"Connection: close\r\n\r\n", b"Connection: Close\r\n\r\n"]
)
def test_what_follows_the_last_request_is_not_read(last: bytes) -> None:
    parser = RequestParser()
    [request] = parser.feed(GET + last + GET + b"\r\n\x01")
    assert not request.keep_alive
    assert parser.feed(GET + b"\r\n") == []
    assert parser.feed(b"\x01") == []


def test_upgrades_are_ignored() -> None:
    upgrade = GET + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    requests = _read(upgrade + upgrade + POST + b"Content-Length: 1\r\n\r\na" + upgrade)
    assert [r.method for r in requests] == ["GET", "GET", "POST", "GET"]
    assert requests[2].body == b"a"
    assert all(r.keep_alive for r in requests)


def test_an_upgrade_with_an_empty_body_is_ignored_too() -> None:
    head = POST + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"
    assert len(_read(head + GET + b"\r\n")) == 2


def test_an_upgrade_that_also_closes_is_the_last_request() -> None:
    parser = RequestParser()
    data = GET + b"Upgrade: x\r\nConnection: upgrade, close\r\n\r\n" + GET + b"\r\n"
    [request] = parser.feed(data)
    assert not request.keep_alive


@attack("http: a body behind an upgrade")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 36\r\n", b"Transfer-Encoding: chunked\r\n"]
)
def test_a_body_behind_an_upgrade_cannot_pass_for_a_request(framing: bytes) -> None:
    head = POST + b"Upgrade: x\r\nConnection: Upgrade\r\n" + framing + b"\r\n"
    refusal = _refused(GET + b"\r\n" + head + GET + b"\r\n")
    assert isinstance(refusal, ParseFailure)
    assert [r.method for r in refusal.completed] == ["GET"]


def test_a_closing_upgrade_with_a_body_is_refused_and_not_forgotten() -> None:
    head = (
        POST + b"Upgrade: x\r\nConnection: Upgrade, close\r\nContent-Length: 1\r\n\r\n"
    )
    assert str(_refused(head + b"a")).endswith("(Upgrade of a request with a body)")


def test_what_follows_the_last_request_behind_an_upgrade_is_not_read() -> None:
    upgrade = GET + b"Upgrade: x\r\nConnection: Upgrade\r\n\r\n"
    requests = _read(upgrade + GET + b"Connection: close\r\n\r\n\x01")
    assert [r.keep_alive for r in requests] == [True, False]


def test_an_error_after_an_upgrade_is_an_error() -> None:
    data = GET + b"Upgrade: x\r\nConnection: Upgrade\r\n\r\n\x01"
    refusal = _refused(data)
    assert isinstance(refusal, ParseFailure)
    assert refusal.fragment == data
    assert len(refusal.completed) == 1


def test_connect_is_a_request_like_any_other() -> None:
    requests = _read(b"CONNECT a:1 HTTP/1.1\r\n\r\n" + GET + b"\r\n")
    assert [(r.method, r.path) for r in requests] == [
        ("CONNECT", "a:1"),
        ("GET", "/node/state"),
    ]


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a?b?c", "/a", "b?c"),
        (b"/a?", "/a", ""),
        (b"/a#f?g", "/a", ""),
        (b"/a?b#c", "/a", "b"),
        (b"/%2e%2e/%zz", "/%2e%2e/%zz", ""),
        (b"//a//b", "//a//b", ""),
        (b"*", "*", ""),
        (b"http://h", "/", ""),
        (b"https://h/a?b", "/a", "b"),
        (b"HTTP://h/a", "/a", ""),
    ],
)
def test_the_target_is_split_but_not_decoded(
    target: bytes, path: str, query: str
) -> None:
    [request] = _read(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (request.path, request.query) == (path, query)


# What clients were seen to send in CCF's own tests of illegal traffic. None may be
# left waiting: most do not even end a line.
_STATE = b"GET /node/state HTTP/1.1\r\n\r\n"
_ILLEGAL = [
    b"\x01\x02\x03\x04",
    b"NOTAVERB ",
    b"POST / HTTP/42.42",
    b'{"hello": "world"}',
    b"POST /node/\xff HTTP/2.0\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"get / HTTP/1.1\r\n\r\n",
    b" GET / HTTP/1.1\r\n\r\n",
    *[bytes([c]) for c in range(256) if not 65 <= c <= 90 and c not in (10, 13)],
    *[b"\x00" + bytes([c]) for c in b"AZ\r\n"],
]


@attack("http: bytes that are no HTTP")
@pytest.mark.parametrize("data", _ILLEGAL, ids=repr)
def test_illegal_traffic_is_refused_at_once_with_its_fragment(data: bytes) -> None:
    refusal = _refused(data)
    assert isinstance(refusal, ParseFailure)
    assert refusal.fragment == data
    assert refusal.response.body.endswith(b"parsing fragment:\n" + data)


@pytest.mark.parametrize("position", range(len(_STATE) - 1))
@pytest.mark.parametrize("change", ["nul", "one", "high bit"])
def test_one_wrong_byte_is_noticed_or_harmless(position: int, change: str) -> None:
    wrong = {"nul": 0, "one": 1, "high bit": (_STATE[position] + 128) % 256}[change]
    data = _STATE[:position] + bytes([wrong]) + _STATE[position + 1 :]
    refusal = _refused(data)
    assert isinstance(refusal, ParseFailure)
    assert data in refusal.response.body


def test_an_error_names_its_reason() -> None:
    refusal = _refused(GET + b"Host: a\r\nHost: b\r\n\r\n")
    assert str(refusal) == "HTTP parsing failed (Duplicate Host)"
    assert str(_refused(b"\x01")) == "HTTP parsing failed (Invalid method encountered)"


def test_a_header_without_a_value_does_not_run_into_the_next() -> None:
    for size in (1, 3, 1000):
        [request] = _in_pieces(GET + b"A:\r\nB: \r\nC: x\r\n\r\n", size)
        assert request.headers == {"a": "", "b": "", "c": "x"}


SMALL = ParserLimits(body_bytes_max=10, header_bytes_max=20, headers_max=3)


def _in_pieces(
    data: bytes, size: int, bounds: ParserLimits | None = None
) -> list[Request]:
    parser = RequestParser(bounds)
    requests: list[Request] = []
    for start in range(0, len(data), size):
        requests += parser.feed(data[start : start + size])
    return requests


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_is_at_its_limit_passes(size: int) -> None:
    head = b"GET /" + b"a" * 19 + b" HTTP/1.1\r\n"
    headers = b"".join(
        b"%c" % (97 + i) * 20 + b": " + b"v" * 20 + b"\r\n" for i in range(2)
    )
    data = head + headers + b"Content-Length: 10\r\n\r\n0123456789"
    [request] = _in_pieces(data, size, SMALL)
    assert len(request.headers) == 3
    chunked = CHUNKED + b"9\r\n012345678\r\n1\r\n9\r\n0\r\n\r\n"
    [request] = _in_pieces(chunked, size, SMALL)
    assert request.body == b"0123456789"


@attack("http: headers that are large together")
@pytest.mark.parametrize("excess", [0, 1])
def test_all_headers_of_a_request_together_have_a_bound(excess: int) -> None:
    bounds = ParserLimits()
    size = bounds.head_bytes_max // 16
    lines = [b"%06d:" % at + b"v" * (size - 6) + b"\r\n" for at in range(16)]
    lines[-1] = lines[-1].replace(b"v", b"v" * (1 + excess), 1)
    parser = RequestParser(bounds)
    data = b"GET / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"
    # In pieces, so that it is refused before all of it came.
    pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
    if not excess:
        requests = [each for piece in pieces for each in parser.feed(piece)]
        assert len(requests[0].headers) == 16
        assert parser.unfinished_bytes == 0
        return
    for piece in pieces[:-1]:
        parser.feed(piece)
        assert parser.unfinished_bytes <= bounds.head_bytes_max + size
    with pytest.raises(HeadersTooLarge, match="too large together"):
        parser.feed(pieces[-1])


def test_what_is_held_of_an_unfinished_request_is_counted() -> None:
    parser = RequestParser()
    parser.feed(b"PUT / HTTP/1.1\r\ncontent-length: 5000\r\nx: " + b"y" * 900)
    assert 900 <= parser.unfinished_bytes <= 1000
    parser.feed(b"\r\n\r\n" + b"z" * 4000)
    assert 4900 <= parser.unfinished_bytes <= 5100
    parser.feed(b"z" * 1000)
    assert parser.unfinished_bytes == 0


@attack("http: too many headers")
@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (
            POST + b"Content-Length: 11\r\n\r\n01234567890",
            BodyTooLarge,
            "HTTP request body is too large (max size allowed: 10)",
        ),
        (
            CHUNKED + b"9\r\n012345678\r\n2\r\n90\r\n0\r\n\r\n",
            BodyTooLarge,
            "HTTP request body is too large (max size allowed: 10)",
        ),
        (
            GET + b"Name: " + b"v" * 21 + b"\r\n\r\n",
            HeadersTooLarge,
            "Header value for 'name' is too large (max size allowed: 20)",
        ),
        (
            GET + b"N" * 21 + b": v\r\n\r\n",
            HeadersTooLarge,
            f"Header key for '{'n' * 21}' is too large (max size allowed: 20)",
        ),
        (
            GET + b"a: 1\r\nb: 1\r\nc: 1\r\nd: 1\r\n\r\n",
            HeadersTooLarge,
            "Too many headers (max number allowed: 3)",
        ),
        (
            GET + b"a: 1\r\n" * 4 + b"\r\n",
            HeadersTooLarge,
            "Too many headers (max number allowed: 3)",
        ),
        (
            b"GET /" + b"a" * 20 + b" HTTP/1.1\r\n\r\n",
            HeadersTooLarge,
            "Request target is too large (max size allowed: 20)",
        ),
    ],
)
def test_what_exceeds_its_limit_is_refused(
    data: bytes, kind: type[UnreadableRequest], message: str, size: int
) -> None:
    with pytest.raises(kind) as caught:
        _in_pieces(data, size, SMALL)
    assert str(caught.value) == message


@attack("http: a head that never ends")
@pytest.mark.parametrize(
    "start",
    [b"GET /", GET, GET + b"A", GET + b"A: ", GET + b"A: 1\r\nB: ", b"GET /?"],
    ids=repr,
)
def test_a_head_that_never_ends_is_refused_before_it_is_held(start: bytes) -> None:
    with pytest.raises(HeadersTooLarge):
        _in_pieces(start + b"x" * 60_000, 1000)


def test_a_body_is_refused_before_all_of_it_came() -> None:
    parser = RequestParser(SMALL)
    assert parser.feed(POST + b"Content-Length: 1000000\r\n\r\n") == []
    assert parser.feed(b"0123456789") == []
    with pytest.raises(BodyTooLarge):
        parser.feed(b"x")
    assert parser.feed(b"x") == []


def test_many_small_chunks_are_no_silence() -> None:
    body = b"1\r\na\r\n" * 20_000
    [request] = _in_pieces(CHUNKED + body + b"0\r\n\r\n", 1)
    assert request.body == b"a" * 20_000


_line = st.sampled_from(
    [
        b"Host: h",
        b"A: b",
        b"A:",
        b"Content-Length: 3",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Connection: Upgrade",
        b"Upgrade: x",
        b"X\x00: y",
    ]
)
_tail = st.sampled_from(
    [b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"0\r\nT: u\r\n\r\n", b"\x01"]
)
_request_bytes = st.builds(
    lambda start, lines, tail: (
        start + b"".join(x + b"\r\n" for x in lines) + b"\r\n" + tail
    ),
    st.sampled_from([GET, POST, b"GET /a?b HTTP/1.0\r\n", b"BAD\r\n", b"\r\n" + GET]),
    st.lists(_line, max_size=4),
    _tail,
)


def _outcome(parts: list[bytes]) -> tuple[list[Request], type | None, str]:
    parser = RequestParser()
    requests: list[Request] = []
    for part in parts:
        try:
            requests += parser.feed(part)
        except UnreadableRequest as refusal:
            return requests + refusal.completed, type(refusal), str(refusal)
    return requests, None, ""


@attack("http: a request cut in any way")
@given(
    st.lists(_request_bytes, min_size=1, max_size=3).map(b"".join),
    st.lists(st.integers(0, 300), max_size=6),
)
def test_any_split_of_the_bytes_reads_the_same(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert _outcome(parts) == _outcome([data])


@given(st.lists(st.binary(max_size=50), max_size=5))
@example([GET, b"\xff"])
def test_random_bytes_raise_only_what_is_documented(parts: list[bytes]) -> None:
    _outcome(parts)


@given(st.binary(max_size=20), st.integers(0, 80), st.integers(0, 10))
def test_damaged_requests_raise_only_what_is_documented(
    noise: bytes, position: int, removed: int
) -> None:
    data = CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"
    _outcome([data[:position] + noise + data[position + removed :]])
