"""A hostile client can make an HTTP/2 connection hold and do a bounded amount."""

import pytest
from h2.settings import SettingCodes
from hpack import Encoder

from ccfpy.base import limits
from ccfpy.http.http2_frames import PREFACE
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Response
from ccfpy.http.refusals import HeadersTooLarge, Http2Limits, ParseFailure
from tests.attacks import attack
from tests.unit.http.h2_client import H2Client, fields, frame
from tests.unit.http.test_http2_server import (
    HUGE_WINDOW,
    NO_WINDOW,
    answer,
    exchange,
)

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH = 0, 1, 2, 3, 4, 5
PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED = 0x1, 0x3, 0x5
FRAME_SIZE_ERROR, REFUSED_STREAM, CALM = 0x6, 0x7, 0xB
GREETING = PREFACE + frame(SETTINGS)


def block(*more: tuple[str, str], without: str = "", path: str = "/") -> bytes:
    """Compress a request's fields, remembering nothing."""
    encoder = Encoder()
    encoder.header_table_size = 0
    kept = [each for each in fields("GET", path, more) if each[0] != without]
    return encoder.encode(kept)


def request(
    stream: int, *more: tuple[str, str], without: str = "", path: str = "/"
) -> bytes:
    return frame(
        HEADERS,
        flags=END_STREAM | END_HEADERS,
        stream=stream,
        payload=block(*more, without=without, path=path),
    )


def goaway_of(server: Http2Server) -> int:
    """Why the server said, in its last frame, that the connection ended."""
    last = server.take_output()[-17:]
    assert last[:4] == bytes((0, 0, 8, GOAWAY))
    return int.from_bytes(last[13:17])


@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        bytes(100),
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_what_is_not_http_2_gets_no_word_in_reply(data: bytes) -> None:
    server = Http2Server()
    server.receive(data)
    assert server.is_over
    assert isinstance(server.failure, ParseFailure)
    assert server.take_output() == b""


def test_nothing_is_said_before_the_whole_preface() -> None:
    server = Http2Server()
    server.receive(PREFACE[:-1])
    assert server.take_output() == b""
    server.receive(PREFACE[-1:])
    assert server.take_output() != b""
    assert not server.is_over


@attack("http2: a connection header, or one in capitals")
@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (request(1, without=":path"), PROTOCOL_ERROR),
        (request(1, without=":method"), PROTOCOL_ERROR),
        (request(1, without=":scheme"), PROTOCOL_ERROR),
        (request(1, without=":authority"), PROTOCOL_ERROR),
        (request(1, path="*"), PROTOCOL_ERROR),
        (request(1, ("host", "another")), PROTOCOL_ERROR),
        (request(1, (":path", "/again")), PROTOCOL_ERROR),
        (request(1, (":status", "200")), PROTOCOL_ERROR),
        (request(1, ("Upper", "case")), PROTOCOL_ERROR),
        (request(1, ("a", "b\r\nc: d")), PROTOCOL_ERROR),
        (request(1, ("a b", "c")), PROTOCOL_ERROR),
        (request(1, ("connection", "close")), PROTOCOL_ERROR),
        (request(1, ("transfer-encoding", "chunked")), PROTOCOL_ERROR),
        (request(1, ("te", "gzip")), PROTOCOL_ERROR),
        (request(1, ("content-length", "-1")), PROTOCOL_ERROR),
        (request(1, ("content-length", "9" * 5000)), PROTOCOL_ERROR),
        (request(2), PROTOCOL_ERROR),
        (request(3) + request(1), PROTOCOL_ERROR),
        (frame(HEADERS, flags=5, stream=1, payload=b"\xff\xff\xff"), PROTOCOL_ERROR),
        (frame(HEADERS, flags=4, stream=1, payload=b"\x80"), PROTOCOL_ERROR),
        (frame(HEADERS, flags=4, payload=block()), PROTOCOL_ERROR),
        (frame(HEADERS, stream=1, payload=block()) + request(3), PROTOCOL_ERROR),
        (frame(CONTINUATION, flags=4, stream=1), PROTOCOL_ERROR),
        (frame(DATA, stream=1, payload=b"x"), PROTOCOL_ERROR),
        (frame(DATA, payload=b"x"), PROTOCOL_ERROR),
        (frame(DATA, flags=8, stream=1, payload=b"\xff"), PROTOCOL_ERROR),
        (frame(PUSH, flags=4, stream=1, payload=bytes(4) + block()), PROTOCOL_ERROR),
        (frame(PRIORITY, stream=1, payload=(1).to_bytes(4) + b"\0"), PROTOCOL_ERROR),
        (frame(RST_STREAM, payload=bytes(4)), PROTOCOL_ERROR),
        (frame(PING, payload=bytes(7)), FRAME_SIZE_ERROR),
        (frame(PING, stream=1, payload=bytes(8)), PROTOCOL_ERROR),
        (frame(SETTINGS, payload=bytes(5)), FRAME_SIZE_ERROR),
        (frame(SETTINGS, payload=b"\0\4" + b"\xff" * 4), FLOW_CONTROL_ERROR),
        (frame(SETTINGS, payload=b"\0\5" + bytes(4)), PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, payload=b"\x7f\xff\xff\xff"), FLOW_CONTROL_ERROR),
        (frame(DATA, stream=1, payload=bytes(16_385)), FRAME_SIZE_ERROR),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection(sent: bytes, reason: int) -> None:
    server = Http2Server()
    server.receive(GREETING + sent)
    assert server.take_request() is None
    assert server.is_over
    assert isinstance(server.failure, ParseFailure)
    assert goaway_of(server) == reason


@attack("http2: a body of another length than its header says")
@pytest.mark.parametrize("size", [3, 5])
def test_a_body_is_as_long_as_was_said(size: int) -> None:
    server, client = Http2Server(), H2Client()
    client.ask("PUT", "/", headers=[("content-length", "4")], body=b"x" * size)
    assert exchange(server, client) == []
    assert isinstance(server.failure, ParseFailure)


@attack("http2: more streams than were allowed")
def test_more_streams_than_were_allowed_end_the_connection() -> None:
    server, client = Http2Server(http2=Http2Limits(streams_max=3)), H2Client()
    exchange(server, client)
    streams = [client.ask("GET", "/") for _ in range(3)]
    assert len(exchange(server, client)) == 3
    answer(server, streams[1])
    exchange(server, client)
    for stream in (7, 9):
        server.receive(request(stream))
        assert server.is_over is (stream == 9)
    assert isinstance(server.failure, ParseFailure)
    assert goaway_of(server) == PROTOCOL_ERROR


def test_before_it_knows_the_limit_a_client_may_have_as_many_as_is_usual() -> None:
    server = Http2Server(http2=Http2Limits(streams_max=3))
    usual = limits.HTTP2_STREAMS_MAX
    server.receive(GREETING + b"".join(request(2 * i + 1) for i in range(usual)))
    assert not server.is_over
    server.receive(request(2 * usual + 1))
    assert server.is_over


@attack("http2: an HPACK bomb")
def test_a_few_bytes_that_stand_for_many_headers_end_the_connection() -> None:
    """A header of 4 KB is sent once, and then meant again by one byte each time."""
    all_fields = fields("GET", "/", [("x", "y" * 4000)])
    again = limits.HTTP_HEAD_BYTES_MAX // 4000 + 1
    bomb = Encoder().encode(all_fields, huffman=False) + b"\xbe" * again
    assert len(bomb) < 6000
    server = Http2Server()
    server.receive(GREETING + frame(HEADERS, flags=5, stream=1, payload=bomb))
    assert isinstance(server.failure, HeadersTooLarge)
    assert goaway_of(server) == CALM


@attack("http2: a flood of CONTINUATION")
@pytest.mark.parametrize("size", [0, 1, 16_384])
def test_headers_without_end_end_the_connection(size: int) -> None:
    server = Http2Server()
    server.receive(GREETING + frame(HEADERS, stream=1, payload=block()))
    more = frame(CONTINUATION, stream=1, payload=bytes(size))
    sent = 0
    while not server.is_over:
        server.receive(more)
        sent += 1
        assert sent <= 64, "as the library bounds their number"
        assert sent * size <= limits.HTTP_HEAD_BYTES_MAX + size
    assert goaway_of(server) in (PROTOCOL_ERROR, CALM)


@attack("http2: a window that opens byte by byte")
@attack("http2: a flood of empty frames")
@attack("http2: a flood of PING")
@attack("http2: a flood of SETTINGS")
@pytest.mark.parametrize(
    "sent",
    [
        frame(PING, payload=bytes(8)),
        frame(PING, flags=1, payload=bytes(8)),
        frame(SETTINGS, payload=b"\0\3" + (7).to_bytes(4)),
        frame(SETTINGS, flags=1),
        frame(PRIORITY, stream=9, payload=bytes(5)),
        frame(WINDOW_UPDATE, payload=(1).to_bytes(4)),
        frame(WINDOW_UPDATE, stream=1, payload=(1).to_bytes(4)),
        frame(DATA, stream=1),
        frame(DATA, stream=1, payload=b"x"),
        frame(DATA, flags=8, stream=1, payload=b"\x40" + bytes(0x40)),
        frame(0xEE, payload=b"grease"),
    ],
)
def test_a_flood_that_asks_for_nothing_ends_the_connection(sent: bytes) -> None:
    server = Http2Server()
    begun = frame(HEADERS, flags=END_HEADERS, stream=1, payload=block())
    server.receive(GREETING + begun)
    server.receive(sent * (limits.HTTP2_SPARE_FRAMES_MAX + 1))
    assert server.is_over
    assert goaway_of(server) == CALM


@attack("http2: rapid reset")
def test_requests_made_and_withdrawn_at_once_are_not_served_and_run_out() -> None:
    server = Http2Server()
    server.receive(GREETING)
    stream = 1
    while not server.is_over:
        withdrawn = frame(RST_STREAM, stream=stream, payload=bytes(4))
        server.receive(request(stream) + withdrawn)
        assert server.take_request() is None
        stream += 2
    made = (stream - 1) // 2
    spare = limits.HTTP2_SPARE_FRAMES_MAX // limits.HTTP2_FRAMES_PER_RESET
    assert spare <= made <= spare + 1
    assert goaway_of(server) == CALM


@pytest.mark.slow
def test_an_honest_client_never_runs_out() -> None:
    """It pings, cancels now and then, and opens windows for what it reads."""
    server, client = Http2Server(), H2Client()
    for i in range(2 * limits.HTTP2_SPARE_FRAMES_MAX):
        stream = client.ask("GET", "/")
        client.h2.ping(bytes(8))
        for taken, _ in exchange(server, client):
            answer(server, taken, b"x" * 20_000 * (i % 5 == 0))
        exchange(server, client)
        assert client.answers.pop(stream).is_whole
        if i % 10 == 0:
            client.h2.reset_stream(client.ask("GET", "/", ends=False))
        client.events.clear()
    assert not server.is_over


@attack("http2: bodies that never end")
def test_bodies_without_end_are_refused_one_by_one() -> None:
    server, client = Http2Server(), H2Client()
    exchange(server, client)
    piece = b"x" * 16_384
    streams = [client.ask("PUT", "/", ends=False) for _ in range(99)]
    most = limits.HTTP_BODY_BYTES_MAX + limits.HTTP2_HELD_BYTES_MAX
    held = 0
    refused: set[int] = set()
    for _ in range(8):
        for stream in streams:
            if stream in refused:
                continue
            client.h2.send_data(stream, piece)
            exchange(server, client)
            held = max(held, server._held_bytes)
            refused = {
                each for each, got in client.answers.items() if got.reset is not None
            }
    assert most - len(piece) - 1000 < held <= most
    assert refused
    assert all(client.answers[each].reset == REFUSED_STREAM for each in refused)
    left = next(each for each in streams if each not in refused)
    client.h2.reset_stream(
        next(each for each in streams if each not in refused | {left})
    )
    client.h2.send_data(left, b"end", end_stream=True)
    assert [each for each, _ in exchange(server, client)] == [left]


def test_requests_that_wait_to_be_served_count_until_they_are_taken() -> None:
    server, client = Http2Server(), H2Client()
    exchange(server, client)
    client.ask("PUT", "/", body=b"x" * 5000)
    server.receive(client.take())
    assert server._held_bytes > 5000
    assert server.take_request() is not None
    assert server._held_bytes == 0


@attack("http2: a window that never opens")
def test_a_window_that_never_opens_keeps_an_answer_back_and_no_more() -> None:
    server, client = Http2Server(), H2Client(NO_WINDOW, reads=False)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    answer(server, stream, b"x" * 100_000)
    for _ in range(3):
        exchange(server, client)
    assert server.unsent_bytes == 100_000
    assert client.answers[stream].body == b""
    client.h2.increment_flow_control_window(1000, stream)
    exchange(server, client)
    assert server.unsent_bytes == 99_000


@attack("http2: windows so large that the node would never wait")
def test_a_client_whose_windows_are_huge_must_show_that_it_reads() -> None:
    server, client = Http2Server(), H2Client(HUGE_WINDOW, reads=False)
    client.h2.increment_flow_control_window(2**31 - 1 - 65_535)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    burst = limits.HTTP2_BURST_BYTES_MAX
    answer(server, stream, b"x" * (burst + 1))
    first = server.take_output()
    assert burst < len(first) < burst + 30_000
    server.receive(frame(WINDOW_UPDATE, payload=(1).to_bytes(4)))
    assert server.take_output() == b"", "a window is no sign of reading"
    client.receive(first)
    exchange(server, client)
    assert len(client.answers[stream].body) == burst + 1


def test_a_pong_that_nobody_asked_for_shows_nothing() -> None:
    server, client = Http2Server(), H2Client(HUGE_WINDOW, reads=False)
    client.h2.increment_flow_control_window(2**31 - 1 - 65_535)
    client.ask("GET", "/")
    [(stream, _)] = exchange(server, client)
    answer(server, stream, b"x" * 100_000)
    left = server._burst_bytes
    server.receive(frame(PING, flags=1, payload=bytes(8)))
    assert server._burst_bytes == left < limits.HTTP2_BURST_BYTES_MAX


@attack("http2: a table as large as the peer likes")
def test_the_peer_does_not_size_our_memory_of_headers_sent() -> None:
    server = Http2Server()
    client = H2Client({SettingCodes.HEADER_TABLE_SIZE: 2**20})
    for size in (2**32 - 1, 0, 2**31):
        server.receive(client.take())
        client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: size})
    for _ in range(3):
        stream = client.ask("GET", "/")
        [(_, _)] = exchange(server, client)
        response = Response(status=200, headers={f"x-{stream}": "y" * 100})
        server.respond(stream, response, is_head=False)
        exchange(server, client)
        assert client.answers[stream].headers[f"x-{stream}"] == "y" * 100
    encoder = server._library.encoder
    assert encoder.header_table_size == 0
    assert len(encoder.header_table.dynamic_entries) == 0
    assert encoder.table_size_changes == []


@attack("http2: a flood of SETTINGS")
def test_settings_that_mean_nothing_are_not_kept() -> None:
    server = Http2Server()
    unknown = b"".join(
        code.to_bytes(2) + bytes(4) for code in range(0x100, 0x100 + 2000)
    )
    server.receive(GREETING + frame(SETTINGS, payload=unknown))
    assert not server.is_over
    assert len(server._library.remote_settings) < 10


@pytest.mark.newest
def test_of_streams_that_ended_few_are_remembered() -> None:
    server, client = Http2Server(), H2Client()
    for _ in range(limits.HTTP2_STREAMS_REMEMBERED_MAX + 200):
        client.ask("GET", "/")
        for stream, _ in exchange(server, client):
            answer(server, stream)
    exchange(server, client)
    client.events.clear()
    library = server._library
    assert len(library._closed_streams) == limits.HTTP2_STREAMS_REMEMBERED_MAX
    assert len(library.streams) < 5
    assert server._unanswered == set()
    assert not server._unsent
    assert not server._incoming
