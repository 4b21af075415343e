"""A call of ours by HTTP/2 gives one whole response, or says why not."""

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.http.http2_call import Http2Call
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import ParserLimits
from tests.unit.http.h2_client import frame

BOUNDS = ParserLimits(body_bytes_max=1000, header_bytes_max=100)


def call_of(body: bytes = b"", bounds: ParserLimits | None = None) -> Http2Call:
    headers = {"host": "node:8000", "x-name": "value"}
    request = Request(method="POST", path="/p", query="q", headers=headers, body=body)
    return Http2Call(request, bounds)


def answered(
    call: Http2Call, server: Http2Server, response: Response
) -> list[Response]:
    """Pass bytes between both sides until neither has more to send."""
    responses = []
    while sent := call.take_output():
        server.receive(sent)
        while (taken := server.take_request()) is not None:
            server.respond(taken[0], response, is_head=False)
        responses += call.feed(server.take_output())
    return responses


def test_the_server_sees_the_request_and_the_caller_the_response() -> None:
    call, server = call_of(b"body"), Http2Server()
    server.receive(call.take_output())
    taken = server.take_request()
    assert taken is not None
    stream, request = taken
    assert request == Request(
        method="POST",
        path="/p",
        query="q",
        headers={"content-length": "4", "host": "node:8000", "x-name": "value"},
        body=b"body",
        version="2",
    )
    response = Response(status=307, headers={"location": "there"}, body=b"go")
    server.respond(stream, response, is_head=False)
    assert call.feed(server.take_output()) == [
        Response(
            status=307, headers={"location": "there", "content-length": "2"}, body=b"go"
        )
    ]
    assert call.feed(b"what comes later") == []


def test_long_bodies_go_both_ways_as_windows_open() -> None:
    size = 3 * limits.HTTP2_CALL_WINDOW_BYTES
    bounds = ParserLimits(body_bytes_max=size)
    [response] = answered(
        call_of(b"x" * size, bounds),
        Http2Server(bounds),
        Response(status=200, body=b"y" * size),
    )
    assert response.body == b"y" * size


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_a_response_has_its_bound(size: int, *, fits: bool) -> None:
    call, server = call_of(bounds=BOUNDS), Http2Server()
    response = Response(status=200, body=b"x" * size)
    if fits:
        assert len(answered(call, server, response)[0].body) == size
    else:
        with pytest.raises(LimitExceeded):
            answered(call, server, response)


def test_a_header_of_a_response_has_its_bound() -> None:
    response = Response(status=200, headers={"x": "y" * 101})
    with pytest.raises(LimitExceeded, match="Header is too large"):
        answered(call_of(bounds=BOUNDS), Http2Server(), response)


def test_what_is_no_http_2_is_told() -> None:
    with pytest.raises(Malformed):
        call_of().feed(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_request_that_the_server_gives_up_is_told() -> None:
    call, server = call_of(), Http2Server()
    server.receive(call.take_output())
    taken = server.take_request()
    assert taken is not None
    server.give_up(taken[0])
    with pytest.raises(Malformed, match="gave the request up"):
        call.feed(server.take_output())


def test_a_goodbye_in_place_of_a_response_is_told() -> None:
    call, server = call_of(), Http2Server()
    server.receive(call.take_output())
    server.end()
    with pytest.raises(Malformed, match="gave the request up"):
        call.feed(server.take_output())


def test_a_response_cut_short_is_told() -> None:
    call, server = call_of(), Http2Server()
    assert call.finish() is None
    server.receive(call.take_output())
    taken = server.take_request()
    assert taken is not None
    server.respond(taken[0], Response(status=200, body=b"x" * 100), is_head=False)
    assert call.feed(server.take_output()[:-50]) == []
    with pytest.raises(Malformed, match="within a response"):
        call.finish()


def test_a_pushed_answer_is_refused() -> None:
    call = call_of()
    push = frame(5, flags=4, stream=1, payload=(2).to_bytes(4) + b"\x82")
    with pytest.raises(Malformed):
        call.feed(frame(4) + push)
