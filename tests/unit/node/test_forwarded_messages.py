"""Forwarded messages byte for byte, and what is not one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.base.ids import SessionId
from ccfpy.http.messages import Request, Response, serialise_response
from ccfpy.http.refusals import HeadersTooLarge, ParseFailure
from ccfpy.node.channels.keys import FORWARDED_HEADER_BYTES
from ccfpy.node.forwarder import (
    RESPONSE_TO,
    Command,
    CommandResponse,
    MessageKind,
    read_forwarded,
    read_request,
    read_response,
    with_trailers_as_headers,
    write_request,
)
from tests.attacks import attack

U64 = st.integers(0, 2**64 - 1)


@st.composite
def commands(draw: st.DrawFn) -> Command:
    kind = draw(st.sampled_from(list(RESPONSE_TO)))
    return Command(
        kind=kind,
        command_id=None if kind is MessageKind.COMMAND_V1 else draw(U64),
        view=draw(U64) if kind is MessageKind.COMMAND_V3 else None,
        session=SessionId(draw(U64)),
        caller_der=draw(st.none() | st.binary()),
        request=draw(st.binary()),
    )


@st.composite
def responses(draw: st.DrawFn) -> CommandResponse:
    kind = draw(st.sampled_from(list(RESPONSE_TO.values())))
    return CommandResponse(
        kind=kind,
        command_id=None if kind is MessageKind.RESPONSE_V1 else draw(U64),
        ends_session=kind is MessageKind.RESPONSE_V3 and draw(st.booleans()),
        session=SessionId(draw(U64)),
        response=draw(st.binary()),
    )


@given(commands() | responses())
def test_what_is_written_is_read(message: Command | CommandResponse) -> None:
    assert read_forwarded(message.header, message.plaintext) == message
    assert len(message.header) == FORWARDED_HEADER_BYTES[message.kind]


def test_a_command_has_the_bytes_that_ccf_gives_it() -> None:
    command = Command(
        command_id=1,
        view=2,
        session=SessionId(3),
        caller_der=b"DER",
        request=b"GET / HTTP/1.1\r\n\r\n",
    )
    assert command.header.hex() == (
        "0400000000000000" + "00" + "0100000000000000" + "0200000000000000"
    )
    assert command.plaintext.hex() == (
        "0300000000000000"
        "01"
        "0300000000000000" + b"DER".hex() + b"GET / HTTP/1.1\r\n\r\n".hex()
    )


def test_a_response_has_the_bytes_that_ccf_gives_it() -> None:
    response = CommandResponse(
        command_id=1, ends_session=True, session=SessionId(3), response=b"HTTP"
    )
    assert (
        response.header.hex() == "0500000000000000" + "00" + "0100000000000000" + "01"
    )
    assert response.plaintext.hex() == "0300000000000000" + b"HTTP".hex()


GOOD = Command(
    command_id=1, view=2, session=SessionId(3), caller_der=b"DER", request=b"R"
)


@pytest.mark.parametrize(
    ("header", "plaintext"),
    [
        (b"", GOOD.plaintext),
        (GOOD.header[:-1], GOOD.plaintext),
        (GOOD.header + b"\x00", GOOD.plaintext),
        (b"\x06" + GOOD.header[1:], GOOD.plaintext),
        (GOOD.header[:8] + b"\x01" + GOOD.header[9:], GOOD.plaintext),
        (GOOD.header, GOOD.plaintext[:7]),
        (GOOD.header, GOOD.plaintext[:8]),
        (GOOD.header, GOOD.plaintext[:8] + b"\x02" + GOOD.plaintext[9:]),
        (GOOD.header, GOOD.plaintext[:18]),
        (b"\x05" + bytes(16) + b"\x02", bytes(8)),
    ],
)
def test_what_is_no_message_is_refused(header: bytes, plaintext: bytes) -> None:
    with pytest.raises(Malformed):
        read_forwarded(header, plaintext)


def test_a_request_arrives_as_it_was_read() -> None:
    request = Request(
        method="PUT",
        path="/app/x%20y",
        query="a=%F6&b",
        headers={"host": "h", "x": "\xe4", "content-length": "3"},
        body=b"\x00\r\n",
    )
    assert read_request(write_request(request)) == request


def test_a_chunked_request_is_forwarded_by_its_length() -> None:
    headers = {"transfer-encoding": "chunked", "x": "y"}
    request = Request(method="PUT", path="/", headers=headers, body=b"abc")
    read = read_request(write_request(request))
    assert (read.headers, read.body) == ({"x": "y", "content-length": "3"}, b"abc")
    assert "transfer-encoding" in headers


def test_what_an_interface_admits_beyond_the_defaults_is_read() -> None:
    headers = {"long": "x" * 100_000, **{f"h{i}": "v" for i in range(1000)}}
    request = Request(method="PUT", path="/", headers=headers, body=b"x" * 5_000_000)
    assert read_request(write_request(request)).body == request.body


@pytest.mark.parametrize("excess", [0, 1])
def test_a_forwarded_request_has_so_many_headers(excess: int) -> None:
    headers = {f"h{i}": "v" for i in range(1023 + excess)}
    raw = write_request(Request(method="GET", path="/", headers=headers))
    if excess:
        with pytest.raises(HeadersTooLarge):
            read_request(raw)
    else:
        assert len(read_request(raw).headers) == 1024


@attack("http: lenient parsing for clients")
def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(ParseFailure):
        read_request(b"\x01")
    for raw in (b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n\r\n" * 2):
        with pytest.raises(Malformed):
            read_request(raw)


@pytest.mark.parametrize("status", [200, 204, 304, 500])
def test_a_response_arrives_as_it_was_made(status: int) -> None:
    response = Response(status=status, headers={"x": "\xe4"}, body=b"", close=True)
    read = read_response(serialise_response(response))
    assert read == Response(status=status, headers={"x": "\xe4", "content-length": "0"})


def test_what_is_no_response_is_refused() -> None:
    whole = serialise_response(Response(status=200, body=b"body"))
    for raw in (b"", b"\x01", whole[:-1], whole + whole):
        with pytest.raises(Malformed):
            read_response(raw)
    headers = {f"h{i}": "v" for i in range(1025)}
    with pytest.raises(LimitExceeded):
        read_response(serialise_response(Response(status=200, headers=headers)))


def test_trailers_of_a_response_arrive() -> None:
    response = Response(
        status=200, headers={"x": "y"}, body=b"body", trailers={"grpc-status": "0"}
    )
    read = read_response(serialise_response(with_trailers_as_headers(response)))
    assert read.trailers == {"grpc-status": "0"}
    assert read.headers == {"x": "y", "content-length": "4"}
    assert response.headers == {"x": "y"}
    plain = Response(status=200)
    assert with_trailers_as_headers(plain) is plain
    assert read_response(serialise_response(plain)).trailers is None
