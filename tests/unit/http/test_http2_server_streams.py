"""Live streams of a connection: both sides send as long as they like."""

import pytest
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.http.http2_frames import Reason
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import Http2Limits, ParserLimits
from tests.unit.http.h2_client import H2Client

NO_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
LIVE = "/live"


def is_live(request: Request) -> bool:
    return request.path == LIVE


class Pair:
    """A server and its client."""

    def __init__(
        self,
        settings: dict[SettingCodes, int] | None = None,
        http2: Http2Limits | None = None,
        bounds: ParserLimits | None = None,
    ) -> None:
        self.server = Http2Server(bounds, http2, is_live=is_live)
        self.client = H2Client(settings)
        self.came: list[tuple[int, Request]] = []
        self.withdrawn: list[int] = []

    def exchange(self) -> None:
        while True:
            sent = self.client.take()
            self.withdrawn += self.server.receive(sent)
            while (taken := self.server.take_request()) is not None:
                self.came.append(taken)
            output = self.server.take_output()
            self.client.receive(output)
            if not sent and not output:
                return

    def begin(self) -> int:
        """Open a live stream, of which the server has sent the headers."""
        stream = self.client.ask("POST", LIVE, ends=False)
        self.exchange()
        assert self.came[-1][0] == stream
        assert self.server.begin(stream, Response(status=200))
        self.exchange()
        return stream

    def take(self, stream: int) -> tuple[bytes, bool]:
        """Take all that came on a stream."""
        data, is_last = b"", False
        while self.server.has_data(stream):
            piece, is_last = self.server.take_data(stream)
            data += piece
            self.exchange()
        return data, is_last


def test_a_request_comes_at_its_headers_and_its_data_piece_by_piece() -> None:
    pair = Pair()
    stream = pair.begin()
    assert pair.client.answers[stream].status == 200
    assert not pair.client.answers[stream].is_whole
    assert "content-length" not in pair.client.answers[stream].headers
    assert not pair.server.is_midway, "nobody is waited for"
    pair.client.h2.send_data(stream, b"one")
    pair.exchange()
    assert pair.server.take_fed() == [stream]
    assert pair.take(stream) == (b"one", False)
    assert pair.server.take_fed() == []
    pair.client.h2.send_data(stream, b"two", end_stream=True)
    pair.exchange()
    assert pair.take(stream) == (b"two", True)
    assert pair.server.unfinished_bytes == 0


def test_what_is_sent_arrives_and_trailers_end_it() -> None:
    pair = Pair()
    stream = pair.begin()
    for piece in (b"one", b"", b"two"):
        pair.server.send(stream, piece)
        pair.exchange()
    assert pair.client.answers[stream].body == b"onetwo"
    pair.server.finish(stream, {"grpc-status": "0"})
    pair.exchange()
    answer = pair.client.answers[stream]
    assert (answer.trailers, answer.is_whole) == ({"grpc-status": "0"}, True)
    assert answer.reset == Reason.NO_ERROR, "the client need not end its side"
    pair.server.send(stream, b"too late")
    pair.server.finish(stream, None)
    pair.exchange()
    assert pair.client.answers[stream].body == b"onetwo"
    assert pair.client.goaway is None


def test_a_stream_may_end_without_trailers() -> None:
    pair = Pair()
    stream = pair.begin()
    pair.client.h2.end_stream(stream)
    pair.exchange()
    pair.server.finish(stream, None)
    pair.exchange()
    answer = pair.client.answers[stream]
    assert (answer.is_whole, answer.trailers, answer.reset) == (True, {}, None)


def test_a_stream_ends_behind_what_the_windows_keep_back() -> None:
    pair = Pair(NO_WINDOW)
    pair.client.reads = False
    stream = pair.begin()
    pair.server.send(stream, b"one")
    pair.server.send(stream, b"two")
    pair.server.finish(stream, {"a": "b"})
    pair.exchange()
    assert pair.server.unsent_of(stream) == pair.server.unsent_bytes == 6
    assert pair.server.is_midway, "the client has yet to read"
    pair.client.h2.increment_flow_control_window(4, stream)
    pair.exchange()
    assert pair.client.answers[stream].body == b"onet"
    pair.client.h2.increment_flow_control_window(4, stream)
    pair.exchange()
    assert pair.client.answers[stream].body == b"onetwo"
    assert pair.client.answers[stream].trailers == {"a": "b"}
    assert pair.server.unsent_bytes == 0


def test_trailers_that_cannot_be_sent_leave_the_stream_as_it_is() -> None:
    pair = Pair()
    stream = pair.begin()
    with pytest.raises(Malformed):
        pair.server.finish(stream, {"a": "b\n"})
    pair.server.send(stream, b"on")
    pair.server.finish(stream, None)
    pair.exchange()
    assert pair.client.answers[stream].body == b"on"


def test_a_cancelled_stream_sends_nothing_more() -> None:
    pair = Pair(NO_WINDOW)
    stream = pair.begin()
    pair.client.h2.send_data(stream, b"x" * 1000)
    pair.exchange()
    pair.server.send(stream, b"one")
    pair.server.cancel(stream, Reason.ENHANCE_YOUR_CALM)
    pair.exchange()
    assert pair.client.answers[stream].reset == Reason.ENHANCE_YOUR_CALM
    assert pair.server.unsent_bytes == 0
    assert pair.server.unfinished_bytes == 0
    assert not pair.server.has_data(stream)


def test_a_stream_that_the_client_cancels_is_told() -> None:
    pair = Pair(NO_WINDOW)
    opened, asked = pair.begin(), pair.client.ask("POST", LIVE, ends=False)
    pair.client.h2.send_data(asked, b"x" * 1000)
    pair.exchange()
    pair.server.send(opened, b"one")
    for stream in (opened, asked):
        pair.client.h2.reset_stream(stream)
    pair.exchange()
    assert pair.withdrawn == [opened, asked]
    assert pair.server.unsent_bytes == 0
    assert pair.server.unfinished_bytes == 0
    assert not pair.server.begin(asked, Response(status=200))


def test_an_answer_in_place_of_a_stream_ends_it_for_both() -> None:
    pair = Pair()
    stream = pair.client.ask("POST", LIVE, ends=False)
    for _ in range(4):
        pair.client.h2.send_data(stream, b"x" * 15_000)
    pair.exchange()
    pair.server.respond(stream, Response(status=404, body=b"no"), is_head=False)
    pair.exchange()
    answer = pair.client.answers[stream]
    assert (answer.status, answer.body, answer.is_whole) == (404, b"no", True)
    assert answer.reset == Reason.NO_ERROR
    assert pair.server.unfinished_bytes == 0
    # The connection's window is open again.
    assert pair.client.h2.outbound_flow_control_window > 60_000


def test_a_stream_may_carry_more_than_any_body() -> None:
    pair = Pair(bounds=ParserLimits(body_bytes_max=1000))
    stream = pair.begin()
    for _ in range(10):
        pair.client.h2.send_data(stream, b"x" * 900)
        pair.exchange()
        assert pair.take(stream) == (b"x" * 900, False)
    assert pair.server.refusal is None


def test_a_client_sends_as_much_as_was_taken() -> None:
    pair = Pair(http2=Http2Limits(window_bytes=1000))
    stream = pair.begin()
    pair.client.h2.send_data(stream, b"x" * 1000)
    pair.exchange()
    assert pair.client.h2.local_flow_control_window(stream) == 0
    assert pair.server.unfinished_bytes == 1000
    assert pair.take(stream) == (b"x" * 1000, False)
    assert pair.client.h2.local_flow_control_window(stream) == 1000


def test_what_is_held_is_bounded_for_streams_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "HTTP2_HELD_BYTES_MAX", 500)
    pair = Pair(bounds=ParserLimits(body_bytes_max=500))
    streams = [pair.begin() for _ in range(2)]
    pair.client.h2.send_data(streams[0], b"x" * 900)
    pair.exchange()
    assert pair.withdrawn == []
    pair.client.h2.send_data(streams[1], b"x" * 101)
    pair.exchange()
    assert pair.withdrawn == [streams[1]]
    assert pair.client.answers[streams[1]].reset == Reason.REFUSED_STREAM
    assert pair.take(streams[0]) == (b"x" * 900, False)


@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5),
    st.lists(st.integers(1, 60)),
)
def test_any_split_of_the_bytes_gives_the_same_data(
    pieces: list[bytes], cuts: list[int]
) -> None:
    client, server = H2Client(), Http2Server(is_live=is_live)
    stream = client.ask("POST", LIVE, ends=False)
    for piece in pieces:
        client.h2.send_data(stream, piece)
    client.h2.end_stream(stream)
    sent = client.take()
    data, is_last = b"", False
    while sent:
        size = cuts.pop() if cuts else len(sent)
        server.receive(sent[:size])
        sent = sent[size:]
        if server.take_request() is not None:
            assert server.begin(stream, Response(status=200))
        while server.has_data(stream):
            piece, is_last = server.take_data(stream)
            data += piece
    assert data == b"".join(pieces)
    assert is_last
