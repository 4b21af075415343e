"""How responses and requests are written."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.http.messages import (
    Request,
    Response,
    serialise_request,
    serialise_response,
)
from ccfpy.http.parser import RequestParser
from ccfpy.http.response_parser import ResponseParser
from tests.attacks import attack


def test_a_response_has_a_status_line_its_headers_and_its_length() -> None:
    response = Response(status=200, headers={"content-type": "text/plain"}, body=b"hi")
    assert serialise_response(response) == (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nhi"
    )


def test_an_empty_response_states_its_length_too() -> None:
    assert serialise_response(Response(status=204)) == (
        b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
    )


def test_a_length_that_the_maker_gave_is_kept_for_answers_to_head() -> None:
    response = Response(status=200, headers={"content-length": "42"})
    assert serialise_response(response).count(b"content-length") == 1
    assert b"content-length: 42\r\n" in serialise_response(response)


def test_a_closing_response_says_so() -> None:
    assert b"connection: close\r\n" in serialise_response(
        Response(status=400, close=True)
    )
    assert b"connection" not in serialise_response(Response(status=400))


def test_a_status_without_a_name_is_still_a_status() -> None:
    assert serialise_response(Response(status=299)).startswith(b"HTTP/1.1 299 ")


def test_a_body_of_another_kind_of_bytes_is_refused() -> None:
    """It could still change; where messages are compiled none is made of it at all."""
    with pytest.raises((Malformed, TypeError), match="bytearray"):
        serialise_response(
            Response(status=200, body=bytearray(b"text"))  # type: ignore[arg-type]  # a slip
        )


@attack("http: a header that begins another line")
@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\r\n\r\nb"])
def test_a_header_cannot_start_another_line(value: str) -> None:
    with pytest.raises(Malformed):
        serialise_response(Response(status=200, headers={"x": value}))
    with pytest.raises(Malformed):
        serialise_response(Response(status=200, headers={value: "x"}))
    with pytest.raises(Malformed):
        serialise_request(Request(method="GET", path="/", headers={"x": value}))


def test_a_header_beyond_latin_1_is_refused() -> None:
    with pytest.raises(Malformed):
        serialise_response(Response(status=200, headers={"x": "€"}))


@pytest.mark.parametrize(
    "request_",
    [
        Request(method="GET", path="/a b"),
        Request(method="GET", path="/\r\n"),
        Request(method="G ET", path="/"),
        Request(method="GET", path="/é"),
        Request(method="GET", path="/", query="\n"),
    ],
)
def test_a_request_line_cannot_be_broken_up(request_: Request) -> None:
    with pytest.raises(Malformed):
        serialise_request(request_)


def test_the_url_is_the_target_as_it_was_sent() -> None:
    assert Request(method="GET", path="/a", query="b=c%20d").url == "/a?b=c%20d"
    assert Request(method="GET", path="/a").url == "/a"


_names = st.text("abcxyz-", min_size=1).filter(
    lambda name: name not in ("content-length", "transfer-encoding", "connection")
)
_values = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f")
).filter(lambda value: value == value.strip())


@given(headers=st.dictionaries(_names, _values, max_size=5), body=st.binary())
def test_whatever_is_written_is_read_back(headers: dict[str, str], body: bytes) -> None:
    response = Response(status=200, headers=headers, body=body)
    [read] = ResponseParser().feed(serialise_response(response))
    assert (read.status, read.body) == (200, body)
    assert read.headers == {**headers, "content-length": str(len(body))}

    request = Request(method="POST", path="/p", query="q", headers=headers, body=body)
    [got] = RequestParser().feed(serialise_request(request))
    assert (got.method, got.url, got.body) == ("POST", "/p?q", body)
    assert got.headers == {**headers, "content-length": str(len(body))}


def test_constructors_that_are_written_out_take_every_field_and_nothing_else() -> None:
    asked: dict[str, Any] = {
        "method": "PUT",
        "path": "/a",
        "query": "b=c",
        "headers": {"d": "e"},
        "body": b"f",
        "version": "1.0",
        "keep_alive": False,
    }
    answered: dict[str, Any] = {
        "status": 201,
        "headers": {"d": "e"},
        "body": b"f",
        "close": True,
        "trailers": {"g": "h"},
        "stream": "i",
    }
    kind: Any
    for kind, values in ((Request, asked), (Response, answered)):
        assert [field.name for field in fields(kind)] == list(values)
        made = kind(**values)
        assert {name: getattr(made, name) for name in values} == values
        assert replace(made) == made
        with pytest.raises(TypeError):
            kind(**values, other=1)


def test_nobody_shares_headers_that_were_not_given() -> None:
    assert Request(method="GET", path="/") == Request(
        method="GET",
        path="/",
        query="",
        headers={},
        body=b"",
        version="1.1",
        keep_alive=True,
    )
    first, second = Response(status=200), Response(status=200)
    assert first == Response(status=200, headers={}, body=b"", close=False)
    assert first.headers is not second.headers


def test_a_request_that_states_its_length_is_written_as_it_is() -> None:
    request = Request(
        method="POST", path="/", headers={"content-length": "1"}, body=b"a"
    )
    assert serialise_request(request) == (
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\na"
    )
