"""Many requests at once: read whole, answered in any order, sent as windows allow."""

from collections.abc import Sequence

import pytest
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    Http2Limits,
    ParserLimits,
)
from tests.unit.http.h2_client import H2Client

NO_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
HUGE_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 2**31 - 1}
OK = Response(status=200)


def exchange(server: Http2Server, client: H2Client) -> list[tuple[int, Request]]:
    """Pass bytes both ways until none are left; return the requests that came."""
    came = []
    while True:
        sent = client.take()
        server.receive(sent)
        while (taken := server.take_request()) is not None:
            came.append(taken)
        output = server.take_output()
        client.receive(output)
        if not sent and not output:
            return came


def answer(server: Http2Server, stream: int, body: bytes = b"") -> None:
    server.respond(stream, Response(status=200, body=body), is_head=False)


def test_requests_come_whole_in_the_order_in_which_they_were_completed() -> None:
    server, client = Http2Server(), H2Client()
    slow = client.ask("PUT", "/slow", body=b"be", ends=False)
    quick = client.ask("GET", "/quick?a=b", headers=[("x", "y")])
    assert [
        (stream, request.path, request.query, request.headers)
        for stream, request in exchange(server, client)
    ] == [(quick, "/quick", "a=b", {"x": "y", "host": "service"})]
    client.h2.send_data(slow, b"gun", end_stream=True)
    [(stream, request)] = exchange(server, client)
    assert (stream, request.method, request.body) == (slow, "PUT", b"begun")


def test_answers_go_in_any_order_each_on_its_own_stream() -> None:
    server, client = Http2Server(), H2Client()
    streams = [client.ask("GET", f"/{i}") for i in range(3)]
    assert [each for each, _ in exchange(server, client)] == streams
    for stream in reversed(streams):
        answer(server, stream, b"to %d" % stream)
        exchange(server, client)
        assert client.answers[stream].body == b"to %d" % stream
        assert client.answers[stream].is_whole


def test_long_answers_share_the_connection_frame_by_frame() -> None:
    server, client = Http2Server(), H2Client(HUGE_WINDOW, reads=False)
    streams = [client.ask("GET", "/long"), client.ask("GET", "/short")]
    exchange(server, client)
    answer(server, streams[0], b"x" * 1_000_000)
    answer(server, streams[1], b"short")
    exchange(server, client)
    got = [len(client.answers[each].body) for each in streams]
    assert got == [65_535, 0], "the connection's own window is spent"
    client.h2.increment_flow_control_window(40_000)
    exchange(server, client)
    assert client.answers[streams[1]].is_whole, "it need not wait for the long one"
    assert not client.answers[streams[0]].is_whole
    client.h2.increment_flow_control_window(10_000_000)
    exchange(server, client)
    assert client.answers[streams[0]].body == b"x" * 1_000_000


@pytest.mark.parametrize(
    ("response", "is_head"),
    [
        (Response(status=200, body=b"four"), True),
        (Response(status=204, headers={"content-length": "4"}, body=b"four"), False),
        (Response(status=200), False),
    ],
)
def test_some_answers_end_with_their_headers(
    response: Response, *, is_head: bool
) -> None:
    server, client = Http2Server(), H2Client()
    client.ask("HEAD" if is_head else "GET", "/")
    [(stream, _)] = exchange(server, client)
    server.respond(stream, response, is_head=is_head)
    exchange(server, client)
    assert client.answers[stream].is_whole
    assert client.answers[stream].body == b""
    length = client.answers[stream].headers["content-length"]
    assert length == str(len(response.body))


def test_an_answer_that_cannot_be_written_leaves_room_for_another() -> None:
    server, client = Http2Server(), H2Client()
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    with pytest.raises(Malformed):
        server.respond(
            stream, Response(status=200, headers={"x": "a\nb"}), is_head=False
        )
    server.respond(stream, Response(status=500), is_head=False)
    exchange(server, client)
    assert client.answers[stream].status == 500


def test_trailers_are_dropped() -> None:
    server, client = Http2Server(), H2Client()
    stream = client.ask("PUT", "/", body=b"body", ends=False)
    client.h2.send_headers(stream, [("x-trailer", "t")], end_stream=True)
    [(_, request)] = exchange(server, client)
    assert (request.headers, request.body) == ({"host": "service"}, b"body")


def test_the_clients_own_limits_are_told_to_it() -> None:
    client = H2Client()
    server = Http2Server(
        ParserLimits(header_bytes_max=100_000),
        Http2Limits(streams_max=7, window_bytes=70_000, frame_bytes_max=20_000),
    )
    exchange(server, client)
    assert client.settings == {
        SettingCodes.HEADER_TABLE_SIZE: 4096,
        SettingCodes.ENABLE_PUSH: 0,
        SettingCodes.ENABLE_CONNECT_PROTOCOL: 0,
        SettingCodes.MAX_CONCURRENT_STREAMS: 7,
        SettingCodes.INITIAL_WINDOW_SIZE: 70_000,
        SettingCodes.MAX_FRAME_SIZE: 20_000,
        SettingCodes.MAX_HEADER_LIST_SIZE: 400_000,
    }
    client.ask("PUT", "/", body=b"x" * 20_000)
    [(_, request)] = exchange(server, client)
    assert len(request.body) == 20_000


BODIES = [b"", b"a", b"b" * 300, b"c" * 20_000]


@given(st.lists(st.integers(0, 25_000)).map(sorted))
def test_a_connection_reads_the_same_however_its_bytes_are_cut(
    cuts: Sequence[int],
) -> None:
    client = H2Client()
    for body in BODIES:
        stream = client.ask("PUT", "/", body=body[:16_384], ends=len(body) < 16_384)
        if len(body) > 16_384:
            client.h2.send_data(stream, body[16_384:], end_stream=True)
    data = client.take()
    server = Http2Server()
    bodies = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        server.receive(data[start:end])
        while (taken := server.take_request()) is not None:
            bodies.append(taken[1].body)
    assert bodies == BODIES


SMALL = ParserLimits(body_bytes_max=1000, header_bytes_max=100, headers_max=6)


@pytest.mark.parametrize(
    ("size", "is_refused"), [(999, False), (1000, False), (1001, True)]
)
def test_a_body_has_its_bound(size: int, *, is_refused: bool) -> None:
    server, client = Http2Server(SMALL), H2Client()
    stream = client.ask("PUT", "/", body=b"x" * size)
    came = exchange(server, client)
    assert (came == []) is is_refused
    if not is_refused:
        assert server.refusal is None
        return
    assert server.refusal is not None
    refused, refusal, _ = server.refusal
    assert refused == stream
    assert isinstance(refusal, BodyTooLarge)
    server.respond(refused, refusal.response, is_head=False)
    server.end()
    client.receive(server.take_output())
    assert client.answers[stream].status == 413
    assert client.goaway == 0


@pytest.mark.parametrize(
    ("headers", "is_refused"),
    [
        ([("x" * 100, "y" * 100)], False),
        ([("x" * 101, "")], True),
        ([("x", "y" * 101)], True),
        ([("a", "1"), ("b", "2")], False),
        ([("a", "1"), ("b", "2"), ("c", "3")], True),
    ],
)
def test_headers_have_their_bounds(
    headers: list[tuple[str, str]], *, is_refused: bool
) -> None:
    server, client = Http2Server(SMALL), H2Client()
    client.ask("GET", "/", headers=headers)
    exchange(server, client)
    assert (server.refusal is not None) is is_refused
    if server.refusal is not None:
        assert isinstance(server.refusal[1], HeadersTooLarge)


def test_nothing_is_read_behind_a_refusal() -> None:
    server, client = Http2Server(SMALL), H2Client()
    client.ask("PUT", "/", body=b"x" * 1001)
    client.ask("GET", "/next")
    assert exchange(server, client) == []
    assert server.receive(b"anything") == []
    assert server.failure is None


def test_windows_are_opened_for_bodies_that_are_read() -> None:
    server, client = Http2Server(), H2Client()
    stream = client.ask("PUT", "/", ends=False)
    left = 300_000
    came: list[tuple[int, Request]] = []
    while left:
        room = min(client.h2.local_flow_control_window(stream), 16_384, left)
        assert room > 0
        left -= room
        client.h2.send_data(stream, b"x" * room, end_stream=not left)
        came = exchange(server, client)
    assert len(came[0][1].body) == 300_000


def test_a_withdrawn_request_is_told_once_and_its_answer_dropped() -> None:
    server, client = Http2Server(), H2Client()
    streams = [client.ask("GET", "/a"), client.ask("GET", "/b")]
    exchange(server, client)
    client.h2.reset_stream(streams[0])
    assert server.receive(client.take()) == [streams[0]]
    for stream in streams:
        answer(server, stream, b"late")
    exchange(server, client)
    assert list(client.answers) == [streams[1]]


def test_a_request_withdrawn_before_it_was_taken_never_was() -> None:
    server, client = Http2Server(), H2Client()
    for ends in (True, False):
        client.h2.reset_stream(client.ask("PUT", "/", body=b"body", ends=ends))
    assert exchange(server, client) == []
    assert server._held_bytes == 0


def test_an_answer_withdrawn_while_it_is_sent_is_forgotten() -> None:
    server, client = Http2Server(), H2Client(NO_WINDOW)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    answer(server, stream, b"x" * 1000)
    assert server.unsent_bytes == 1000
    client.h2.reset_stream(stream)
    assert exchange(server, client) == []
    assert server.unsent_bytes == 0


def test_a_request_may_be_given_up() -> None:
    server, client = Http2Server(), H2Client()
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    server.give_up(stream)
    server.give_up(stream)
    exchange(server, client)
    assert client.answers[stream].reset == 0xB


def test_the_end_is_said_once_and_nothing_after_it() -> None:
    server, client = Http2Server(), H2Client()
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    server.end()
    server.end()
    answer(server, stream)
    assert server.receive(client.take()) == []
    client.receive(server.take_output())
    assert (client.goaway, client.answers) == (0, {})
    assert server.is_over


def test_a_client_that_says_goodbye_has_ended_the_connection() -> None:
    server, client = Http2Server(), H2Client()
    client.ask("GET", "/")
    client.h2.close_connection()
    server.receive(client.take())
    assert server.is_over
    assert server.failure is None
    assert server.take_request() is None


@pytest.mark.parametrize("body", [b"", b"four", b"x" * 100_000])
def test_trailers_go_behind_the_body_and_end_the_stream(body: bytes) -> None:
    server, client = Http2Server(), H2Client(reads=len(body) < 10)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    response = Response(status=200, body=body, trailers={"Grpc-Status": "0"})
    server.respond(stream, response, is_head=False)
    exchange(server, client)
    answer_ = client.answers[stream]
    if len(body) > 10:
        assert (answer_.trailers, answer_.is_whole) == ({}, False)
        client.h2.increment_flow_control_window(200_000)
        client.h2.increment_flow_control_window(200_000, stream)
        exchange(server, client)
    assert answer_.body == body
    assert answer_.trailers == {"grpc-status": "0"}
    assert answer_.is_whole
    assert "grpc-status" not in answer_.headers
    assert server.unsent_bytes == 0


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204)])
def test_an_answer_without_a_body_has_no_trailers(method: str, status: int) -> None:
    server, client = Http2Server(), H2Client()
    client.ask(method, "/")
    [(stream, _)] = exchange(server, client)
    response = Response(status=status, body=b"four", trailers={"grpc-status": "0"})
    server.respond(stream, response, is_head=method == "HEAD")
    exchange(server, client)
    assert client.answers[stream].is_whole
    assert client.answers[stream].trailers == {}


@pytest.mark.parametrize(
    "trailers",
    [{":status": "200"}, {"content-length": "1"}, {"a": "b\nc"}, {"a b": "c"}],
)
def test_trailers_that_cannot_be_written_leave_room_for_another_answer(
    trailers: dict[str, str],
) -> None:
    server, client = Http2Server(), H2Client()
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    with pytest.raises(Malformed):
        server.respond(
            stream, Response(status=200, body=b"a", trailers=trailers), is_head=False
        )
    server.respond(stream, Response(status=500), is_head=False)
    exchange(server, client)
    assert client.answers[stream].status == 500


def test_trailers_of_a_withdrawn_request_are_forgotten() -> None:
    server, client = Http2Server(), H2Client(NO_WINDOW)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    response = Response(status=200, body=b"kept back", trailers={"grpc-status": "0"})
    server.respond(stream, response, is_head=False)
    client.h2.reset_stream(stream)
    exchange(server, client)
    assert server.unsent_bytes == 0
    client.h2.increment_flow_control_window(10)
    exchange(server, client)
    assert stream not in client.answers, "nothing more is sent on it"
