"""HTTP/2's fields become the requests that endpoints know; answers become fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.http.http2_messages import (
    FIELD_OVERHEAD_BYTES,
    Fields,
    may_have_body,
    read_request,
    read_response,
    size_of,
    write_request,
    write_response,
)
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import HeadersTooLarge, ParserLimits

BOUNDS = ParserLimits(header_bytes_max=20, headers_max=6)


def request_fields(
    *more: tuple[bytes, bytes], method: bytes = b"GET", path: bytes = b"/a?b=c"
) -> Fields:
    return [
        (b":method", method),
        (b":scheme", b"https"),
        (b":authority", b"service:8000"),
        (b":path", path),
        *more,
    ]


def test_a_request_reads_as_its_twin_of_http_1() -> None:
    fields = request_fields((b"accept", b"text/\xe9"), (b"accept", b"second"))
    assert read_request(fields, ParserLimits()) == Request(
        method="GET",
        path="/a",
        query="b=c",
        headers={"accept": "text/é", "host": "service:8000"},
        version="2",
    )


def test_a_fragment_is_no_part_of_the_target() -> None:
    request = read_request(request_fields(path=b"/a?b#c?d"), ParserLimits())
    assert (request.path, request.query) == ("/a", "b")


def test_a_host_may_stand_in_place_of_the_authority() -> None:
    fields = [each for each in request_fields() if each[0] != b":authority"]
    request = read_request([*fields, (b"host", b"h")], ParserLimits())
    assert request.headers == {"host": "h"}


@pytest.mark.parametrize("method", [b"", b"get", b"G\x00T", b"G T"])
def test_a_method_is_a_word(method: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(request_fields(method=method), ParserLimits())


@pytest.mark.parametrize("path", [b"", b"*", b"http://h/", b"/a b", b"/\xff", b"a"])
def test_a_target_is_a_path(path: bytes) -> None:
    with pytest.raises(Malformed):
        read_request(request_fields(path=path), ParserLimits())


@pytest.mark.parametrize(
    ("largest", "refusal"),
    [
        ((b"x" * 20, b""), "Header key for 'x+' is too large"),
        ((b"x", b"y" * 20), "Header value for 'x' is too large"),
    ],
)
def test_a_field_has_its_bound(largest: tuple[bytes, bytes], refusal: str) -> None:
    name, value = largest
    read_request(request_fields(largest), BOUNDS)
    larger = (name + b"x", b"") if not value else (name, value + b"y")
    with pytest.raises(HeadersTooLarge, match=refusal):
        read_request(request_fields(larger), BOUNDS)
    with pytest.raises(HeadersTooLarge):
        read_response([(b":status", b"200"), larger], BOUNDS)


def test_the_fields_with_a_colon_count_too() -> None:
    read_request(request_fields((b"a", b""), (b"b", b"")), BOUNDS)
    with pytest.raises(HeadersTooLarge, match="Too many headers"):
        read_request(request_fields((b"a", b""), (b"b", b""), (b"c", b"")), BOUNDS)
    with pytest.raises(HeadersTooLarge, match="Too many headers"):
        read_response([(b":status", b"200"), *[(b"a", b"")] * 6], BOUNDS)


def test_a_field_is_counted_with_what_keeping_it_costs() -> None:
    assert size_of([(b"ab", b"c"), (b"", b"")]) == 3 + 2 * FIELD_OVERHEAD_BYTES


def test_a_response_says_its_length_and_nothing_of_the_connection() -> None:
    headers = {"X-Name": " value ", "Connection": "keep-alive"}
    response = Response(status=200, headers=headers, body=b"four", close=True)
    assert write_response(response) == [
        (b":status", b"200"),
        (b"x-name", b"value"),
        (b"content-length", b"4"),
    ]
    told = Response(status=200, headers={"content-length": "9"})
    assert write_response(told) == [(b":status", b"200"), (b"content-length", b"9")]


@pytest.mark.parametrize(
    "headers",
    [
        {"x": "a\r\nb"},
        {"x": "a\nb"},
        {"x": "a\0b"},
        {"x": "☃"},
        {"x y": "a"},
        {"": "a"},
        {":status": "100"},
        {"é": "a"},
    ],
)
def test_a_header_that_cannot_be_sent_is_told(headers: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        write_response(Response(status=200, headers=headers))
    with pytest.raises(Malformed):
        write_request(Request(method="GET", path="/", headers={"host": "h", **headers}))


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 199, 1000])
def test_the_status_of_an_answer_is_final(status: int) -> None:
    with pytest.raises(Malformed):
        write_response(Response(status=status))


def test_a_body_is_bytes() -> None:
    # Compiled, our response does not even come to be.
    with pytest.raises((Malformed, TypeError)):
        write_response(Response(status=200, body="text"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "may"), [(200, True), (204, False), (304, False)])
def test_some_statuses_have_no_body(status: int, *, may: bool) -> None:
    assert may_have_body(Response(status=status)) is may


@pytest.mark.parametrize("status", [b"", b"20", b"2000", b"abc", b"099"])
def test_a_response_read_has_a_status_of_three_digits(status: bytes) -> None:
    with pytest.raises(Malformed):
        read_response([(b":status", status)], ParserLimits())


_NAMES = st.text("abcxyz-_0123", min_size=1, max_size=8)
_VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF), max_size=9)


@given(st.dictionaries(_NAMES, _VALUES), st.sampled_from(["GET", "M-SEARCH"]))
def test_what_is_written_reads_the_same(headers: dict[str, str], method: str) -> None:
    headers = {"content-length": "0", **headers}
    request = Request(
        method=method, path="/p", query="q=1", headers={"host": "h", **headers}
    )
    read = read_request(write_request(request), ParserLimits())
    request.version = "2"
    assert read == request
    response = Response(status=404, headers=headers)
    assert read_response(write_response(response), ParserLimits()) == response
