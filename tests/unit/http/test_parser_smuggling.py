"""Requests that two readers might read differently, attack by attack.

Whoever stands before a node, and reads such bytes otherwise than the node does, lets a
request through that it never saw. So none is read: not whole, not in single bytes, and
nothing behind it. What is read is held against a parser that shares no code with ours.
"""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParserPy
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import ParseFailure, UnreadableRequest
from tests.attacks import Test, attack

GET = b"GET /node/state HTTP/1.1\r\n"
POST = b"POST /app/x HTTP/1.1\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def cases(**bytes_by_name: bytes) -> Callable[[Test], Test]:
    """Try a test with each of these."""
    names = [name.replace("_", " ") for name in bytes_by_name]
    return pytest.mark.parametrize("data", bytes_by_name.values(), ids=names)


def never_read(data: bytes) -> None:
    """Check that an attack is refused however it comes, and nothing behind it read."""
    parser = RequestParser()
    with pytest.raises(ParseFailure) as caught:
        parser.feed(GET + b"\r\n" + data + GET + b"\r\n")
    assert len(caught.value.completed) == 1
    assert parser.feed(GET + b"\r\n") == []
    with pytest.raises(ParseFailure):
        RequestParser().feed(data)
    with pytest.raises(ParseFailure) as caught:
        in_single_bytes(data)
    assert caught.value.completed == []


def in_single_bytes(data: bytes) -> None:
    """Feed a parser the bytes singly, and expect no request from them."""
    parser = RequestParser()
    for byte in data:
        assert parser.feed(bytes((byte,))) == []


@attack("http: a length and a coding")
@cases(
    length_first=POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    coding_first=POST + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
    no_length=POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
    length_as_a_trailer=CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n",
    other_case=POST + b"CONTENT-LENGTH: 1\r\ntransfer-encoding: Chunked\r\n\r\n",
)
def test_a_length_and_a_coding(data: bytes) -> None:
    never_read(data)


@attack("http: a coding that does not end in chunked")
@cases(
    another_last=POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
    none=POST + b"Transfer-Encoding: gzip\r\n\r\n",
    identity=POST + b"Transfer-Encoding: identity\r\n\r\n",
    identity_last=POST + b"Transfer-Encoding: chunked, identity\r\n\r\n",
    almost=POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    cut=POST + b"Transfer-Encoding: chunke\r\n\r\n",
    parameter=POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n",
    vertical_tab=POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n",
    form_feed=POST + b"Transfer-Encoding: \x0cchunked\r\n\r\n",
    no_break_space=POST + b"Transfer-Encoding: \xa0chunked\r\n\r\n",
    quoted=POST + b'Transfer-Encoding: "chunked"\r\n\r\n',
    empty=POST + b"Transfer-Encoding:\r\n\r\n",
    open_list=POST + b"Transfer-Encoding: chunked,\r\n\r\n",
)
def test_a_coding_that_does_not_end_in_chunked(data: bytes) -> None:
    never_read(data)


@attack("http: a coding besides chunked")
@cases(
    before=POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    empty_before=POST + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    twice_in_one=POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    twice=POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    other_second=POST + b"Transfer-Encoding: chunked\r\ntransfer-encoding: x\r\n",
    other_first=(
        POST + b"transfer-encoding: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    as_a_trailer=CHUNKED + b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
)
def test_a_coding_besides_chunked(data: bytes) -> None:
    never_read(data)


@attack("http: a coding in a version that has none")
@cases(
    closing=b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    kept_alive=(
        b"POST / HTTP/1.0\r\nConnection: keep-alive\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
)
def test_a_coding_in_a_version_that_has_none(data: bytes) -> None:
    """A reader of HTTP/1.0 takes the body for what follows (RFC 9112, 6.1)."""
    never_read(data)


@attack("http: two lengths")
@cases(
    equal=POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    differing=POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\na",
    list=POST + b"Content-Length: 1, 1\r\n\r\na",
    one_empty=POST + b"Content-Length: 1\r\nContent-Length:\r\n\r\na",
)
def test_two_lengths(data: bytes) -> None:
    never_read(data)


@attack("http: a length with a sign, a prefix, blanks or too many digits")
@cases(
    plus=POST + b"Content-Length: +1\r\n\r\na",
    minus=POST + b"Content-Length: -1\r\n\r\na",
    minus_zero=POST + b"Content-Length: -0\r\n\r\n",
    hex=POST + b"Content-Length: 0x1\r\n\r\na",
    hex_digit=POST + b"Content-Length: a\r\n\r\n0123456789",
    exponent=POST + b"Content-Length: 1e1\r\n\r\n0123456789",
    fraction=POST + b"Content-Length: 1.0\r\n\r\na",
    separator=POST + b"Content-Length: 1_0\r\n\r\n0123456789",
    quoted=POST + b'Content-Length: "1"\r\n\r\na',
    arabic_digit=POST + b"Content-Length: \xd9\xa1\r\n\r\na",
    inner_space=POST + b"Content-Length: 1 1\r\n\r\na",
    vertical_tab=POST + b"Content-Length: 1\x0b\r\n\r\na",
    empty=POST + b"Content-Length:\r\n\r\na",
    beyond_64_bits=POST + b"Content-Length: 18446744073709551616\r\n\r\na",
    around_64_bits=POST + b"Content-Length: 18446744073709551617\r\n\r\na",
)
def test_a_length_that_is_no_plain_number(data: bytes) -> None:
    never_read(data)


@attack("http: a bare carriage return")
@cases(
    in_a_value=GET + b"A: x\ry\r\n\r\n",
    before_a_header=GET + b"A: x\r\rContent-Length: 1\r\n\r\na",
    in_the_line=b"GET / HTTP/1.1\r\r\n\r\n",
    at_the_end_of_the_line=b"GET / HTTP/1.1\rA: x\r\n\r\n",
    at_the_end=GET + b"A: x\r\n\rGET / HTTP/1.1\r\n\r\n",
    in_a_chunk_extension=CHUNKED + b"1;a\rb\r\na\r\n0\r\n\r\n",
)
def test_a_bare_carriage_return(data: bytes) -> None:
    never_read(data)


@attack("http: a bare line feed")
@cases(
    in_a_value=GET + b"A: x\ny: z\r\n\r\n",
    after_the_line=b"GET / HTTP/1.1\n\n",
    after_the_line_alone=b"GET / HTTP/1.1\nA: x\r\n\r\n",
    at_the_end=GET + b"A: x\r\n\n",
    after_a_chunk_size=CHUNKED + b"1\na\r\n",
    after_a_chunk=CHUNKED + b"1\r\na\n0\r\n\r\n",
    after_the_last_chunk=CHUNKED + b"0\n\r\n",
    at_the_end_of_trailers=CHUNKED + b"0\r\n\n",
    in_a_chunk_extension=CHUNKED + b"1;a\nb\r\na\r\n",
)
def test_a_bare_line_feed(data: bytes) -> None:
    never_read(data)


@attack("http: a blank before the colon")
@cases(
    space=GET + b"A : x\r\n\r\n",
    tab=GET + b"A\t: x\r\n\r\n",
    of_the_length=POST + b"Content-Length : 1\r\n\r\na",
    of_the_coding=POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    in_a_trailer=CHUNKED + b"0\r\nA : b\r\n\r\n",
)
def test_a_blank_before_the_colon(data: bytes) -> None:
    never_read(data)


@attack("http: a folded line")
@cases(
    by_a_space=GET + b"A: x\r\n y\r\n\r\n",
    by_a_tab=GET + b"A: x\r\n\ty\r\n\r\n",
    the_first=GET + b" A: x\r\n\r\n",
    a_coding=POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    a_length=POST + b"A: x\r\n Content-Length: 1\r\n\r\na",
    in_trailers=CHUNKED + b"0\r\nA: b\r\n c\r\n\r\n",
)
def test_a_folded_line(data: bytes) -> None:
    never_read(data)


@attack("http: a NUL or another control character")
@cases(
    nul_in_a_value=GET + b"A: x\x00y\r\n\r\n",
    nul_in_a_name=GET + b"A\x00: x\r\n\r\n",
    nul_in_the_target=b"GET /\x00 HTTP/1.1\r\n\r\n",
    nul_behind_a_coding=POST + b"Transfer-Encoding: chunked\x00\r\n\r\n",
    one=GET + b"A: \x01\r\n\r\n",
    delete=GET + b"A: \x7f\r\n\r\n",
    escape=GET + b"A: \x1b[2J\r\n\r\n",
    in_a_chunk_extension=CHUNKED + b"1;a=\x00\r\na\r\n0\r\n\r\n",
    high_in_the_target=b"GET /\x80 HTTP/1.1\r\n\r\n",
)
def test_a_control_character(data: bytes) -> None:
    never_read(data)


@attack("http: a name that is no token")
@cases(
    empty=GET + b": x\r\n\r\n",
    no_colon=GET + b"A\r\n\r\n",
    accented=GET + b"\xc3\xa9: x\r\n\r\n",
    two_words=GET + b"A B: x\r\n\r\n",
    quotation_mark=GET + b'A"B: x\r\n\r\n',
    bracket=GET + b"A(B: x\r\n\r\n",
    slash=GET + b"A/B: x\r\n\r\n",
)
def test_a_name_that_is_no_token(data: bytes) -> None:
    never_read(data)


@attack("http: a chunk size that is none, or too large")
@cases(
    space_behind=CHUNKED + b"1 \r\na\r\n",
    space_before=CHUNKED + b" 1\r\na\r\n",
    tab_behind=CHUNKED + b"1\t\r\na\r\n",
    hex_prefix=CHUNKED + b"0x1\r\na\r\n",
    plus=CHUNKED + b"+1\r\na\r\n",
    minus=CHUNKED + b"-1\r\na\r\n",
    minus_zero=CHUNKED + b"-0\r\n\r\n",
    separator=CHUNKED + b"1_0\r\n0123456789abcdef\r\n",
    empty=CHUNKED + b"\r\n",
    letters=CHUNKED + b"g\r\n",
    beyond_64_bits=CHUNKED + b"10000000000000000\r\n",
    around_64_bits=CHUNKED + b"10000000000000001\r\na\r\n",
)
def test_a_chunk_size_that_is_none(data: bytes) -> None:
    never_read(data)


@attack("http: a chunk extension with something in it")
@cases(
    empty=CHUNKED + b"1;\r\na\r\n",
    space_before=CHUNKED + b"1 ;a=b\r\na\r\n",
    line_end_in_quotes=CHUNKED + b'1;a="\r\nb"\r\na\r\n',
    chunk_in_quotes=CHUNKED + b'1;a="\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
)
def test_a_chunk_extension_with_something_in_it(data: bytes) -> None:
    never_read(data)


@attack("http: a chunk that ends elsewhere")
@cases(
    later=CHUNKED + b"1\r\nab\r\n",
    at_once=CHUNKED + b"3\r\na\r\n0\r\n\r\n",
    by_another_chunk=CHUNKED + b"1\r\na0\r\n\r\n",
)
def test_a_chunk_that_ends_elsewhere(data: bytes) -> None:
    never_read(data)


@attack("http: two Hosts")
@cases(
    differing=GET + b"Host: a\r\nHost: b\r\n\r\n",
    equal=GET + b"Host: a\r\nhOST: a\r\n\r\n",
)
def test_two_hosts(data: bytes) -> None:
    never_read(data)


@attack("http: a target that names another host")
@cases(
    plain=b"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
    behind_a_user=b"GET http://b@a/ HTTP/1.1\r\nHost: b\r\n\r\n",
    none=b"GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n",
    another_port=b"GET http://b:1/ HTTP/1.1\r\nHost: b:2\r\n\r\n",
)
def test_a_target_that_names_another_host(data: bytes) -> None:
    never_read(data)


@attack("http: a version that is not spoken")
@cases(
    none=b"GET /\r\n\r\n",
    nine=b"GET / HTTP/0.9\r\n\r\n",
    two=b"GET / HTTP/2.0\r\n\r\n",
    three=b"GET / HTTP/3.0\r\n\r\n",
    minor=b"GET / HTTP/1.2\r\n\r\n",
    long=b"GET / HTTP/1.10\r\n\r\n",
    zero_before=b"GET / HTTP/01.1\r\n\r\n",
    no_minor=b"GET / HTTP/1.\r\n\r\n",
    comma=b"GET / HTTP/1,1\r\n\r\n",
    lower_case=b"GET / http/1.1\r\n\r\n",
    space_behind=b"GET / HTTP/1.1 \r\n\r\n",
)
def test_a_version_that_is_not_spoken(data: bytes) -> None:
    never_read(data)


@attack("http: a line with other blanks")
@cases(
    space_in_the_target=b"GET /a b HTTP/1.1\r\n\r\n",
    tab=b"GET\t/ HTTP/1.1\r\n\r\n",
    space_before=b" GET / HTTP/1.1\r\n\r\n",
    no_target=b"GET  HTTP/1.1\r\n\r\n",
)
def test_a_line_with_other_blanks(data: bytes) -> None:
    never_read(data)


# Another parser


class Elsewhere(BaseProtocol):
    """Where the other parser would write to."""


Read = Sequence[tuple[str, str, bytes]]


def read_by_ours(data: bytes) -> Read | None:
    """Return method, target and body of each request; nothing after a fault."""
    parser = RequestParser()
    try:
        requests = parser.feed(data)
    except UnreadableRequest:
        return None
    if parser.is_midway or not all(request.keep_alive for request in requests):
        return None
    return [(r.method, r.url, r.body) for r in requests]


def read_by_another(data: bytes) -> Read | None:
    """Return the same as aiohttp's parser in Python reads it."""
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParserPy(Elsewhere(loop), loop, 1 << 16)
        messages, _, _ = parser.feed_data(data)
        return [
            (message.method, message.path, body.read_nowait())
            for message, body in messages
        ]
    except HttpProcessingError:
        return None
    finally:
        loop.close()


_PIECES = (
    b"GET / HTTP/1.1\r\n",
    b"POST /a?b HTTP/1.1\r\n",
    b"Host: h\r\n",
    b"A: b\r\n",
    b"A:b \t\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 0\r\n",
    b"content-length:\t3 \r\n",
    b"Content-Length: 003\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"transfer-encoding: Chunked\r\n",
    b"\r\n",
    b"abc",
    b"3\r\nabc\r\n",
    b"03\r\nabc\r\n",
    b'3;a="b"\r\nabc\r\n',
    b"0\r\n",
    b"T: u\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\0",
)


_FRAMED = (
    (b"", b""),
    (b"Content-Length: 3\r\n", b"abc"),
    (b"content-length:\t003 \r\n", b"a\r\n"),
    (b"Content-Length: 0\r\n", b""),
    (b"Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    (b"transfer-encoding: Chunked\r\n", b"03\r\nabc\r\n0\r\nT: u\r\n\r\n"),
    (b"Transfer-Encoding: chunked\r\n", b'1;a="b"\r\na\r\n0\r\n\r\n'),
    (b"Transfer-Encoding: chunked\r\n", b"000\r\n\r\n"),
)
"""Headers that say how long a body is, and a body of that length."""


def _whole(
    start: bytes, headers: list[bytes], framed: tuple[bytes, bytes], body: bytes | None
) -> bytes:
    """Write a request; another body than is said makes it one of the attacks."""
    said, right = framed
    lines = b"".join([start, b"Host: h\r\n", *headers, said])
    return lines + b"\r\n" + (right if body is None else body)


_requests = st.lists(
    st.builds(
        _whole,
        st.sampled_from(_PIECES[:2]),
        st.lists(st.sampled_from((b"A: b\r\n", b"A:b \t\r\n", b"B:\r\n")), max_size=2),
        st.sampled_from(_FRAMED),
        st.none() | st.sampled_from([body for _, body in _FRAMED]),
    ),
    min_size=1,
    max_size=3,
).map(b"".join)


@attack("http: a request that another parser reads differently")
@given(_requests | st.lists(st.sampled_from(_PIECES), max_size=14).map(b"".join))
@example(GET + b"Host: h\r\n\r\n" + POST + b"Host: h\r\nContent-Length: 1\r\n\r\na")
@example(CHUNKED.replace(b"\r\n", b"\r\nHost: h\r\n", 1) + b"3\r\nabc\r\n0\r\n\r\n")
def test_what_is_read_another_parser_reads_alike_or_refuses(data: bytes) -> None:
    ours, theirs = read_by_ours(data), read_by_another(data)
    if ours is not None and theirs is not None:
        assert ours == theirs


def test_both_parsers_read_what_is_plain() -> None:
    data = POST + b"Host: h\r\nContent-Length: 3\r\n\r\nabc" + GET + b"Host: h\r\n\r\n"
    read = [("POST", "/app/x", b"abc"), ("GET", "/node/state", b"")]
    assert read_by_ours(data) == read_by_another(data) == read
