"""Frames in any order and shape: a connection serves or ends, the same however cut."""

from collections.abc import Sequence

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http.http2_frames import PREFACE, Reason
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import ParserLimits
from tests.fuzz.cost import read_or_refuse
from tests.fuzz.rounds import rounds
from tests.unit.http.h2_client import fields, frame

SETTINGS = 4
BOUNDS = ParserLimits(body_bytes_max=200, header_bytes_max=100, headers_max=8)


def _block(method: str, *more: tuple[str, str]) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    return encoder.encode(fields(method, "/path", more))


PAYLOADS = st.one_of(
    st.sampled_from(
        [
            *(b"", bytes(4), bytes(5), bytes(8), b"\x7f\xff\xff\xff", bytes(150)),
            *(_block("GET"), _block("HEAD"), _block("PUT")),
            _block("PUT", ("content-length", "8")),
            *(_block("GET", ("x", "y" * 101)), Encoder().encode([("trailer", "t")])),
            *(
                b"\0\4\0\0\0\0",
                b"\0\4\x7f\xff\xff\xff",
                b"\0\1\0\0\0\0",
                b"\0\3\0\0\0\0",
            ),
        ]
    ),
    st.binary(max_size=40),
)
FRAMES = st.lists(
    st.builds(
        frame,
        st.integers(0, 10),
        flags=st.sampled_from([0, 1, 4, 5, 8, 0x20, 0x25, 0xFF]),
        stream=st.sampled_from([0, 1, 1, 1, 2, 3, 3, 5, 2**31 - 1]),
        payload=PAYLOADS,
    ),
    max_size=25,
)


def _read(pieces: Sequence[bytes]) -> tuple[object, ...]:
    """Return a server's requests, refusal and output for bytes without answers."""
    server = Http2Server(BOUNDS, is_live=_is_live)
    for piece in pieces:
        server.receive(piece)
    requests = []
    while (taken := server.take_request()) is not None:
        requests.append(taken)
    refusal = server.refusal and (server.refusal[0], str(server.refusal[1]))
    output = server.take_output()
    return requests, refusal, str(server.failure), server.is_over, output


def _is_live(request: Request) -> bool:
    return request.method == "PUT"


def _served(data: bytes) -> None:
    server = Http2Server(BOUNDS, is_live=_is_live)
    for start in range(0, len(data), 40):
        server.receive(data[start : start + 40])
        while (taken := server.take_request()) is not None:
            stream, request = taken
            answer = Response(status=200, body=bytes(300))
            if not server.is_live(stream) or stream % 5 == 0:
                server.respond(stream, answer, is_head=request.method == "HEAD")
            else:
                server.begin(stream, Response(status=200))
        for stream in server.take_fed():
            _go_on(server, stream)
        server.take_output()
    assert server._held_bytes <= BOUNDS.body_bytes_max + limits.HTTP2_HELD_BYTES_MAX
    unsent = server._unsent.values()
    assert server.unsent_bytes == sum(each.size for each in unsent)
    # A connection that ended leaves whole requests that nobody takes.
    held = (*server._incoming.values(), *server._whole.values())
    came = sum(len(each.data) for each in server._inflows.values())
    assert server._held_bytes == sum(each.size for each in held) + came


def _go_on(server: Http2Server, stream: int) -> None:
    """Take what came on a live stream, send as much, and end with the client."""
    if server.has_data(stream):
        data, is_last = server.take_data(stream)
        server.send(stream, data)
        if is_last:
            server.finish(stream, {"a": "b"} if len(data) % 2 else None)
        elif len(data) > 100:
            server.cancel(stream, Reason.ENHANCE_YOUR_CALM)


@rounds()
@given(FRAMES)
def test_any_frames_are_served_or_end_the_connection(frames: Sequence[bytes]) -> None:
    read_or_refuse(_served, PREFACE + frame(SETTINGS) + b"".join(frames))


@pytest.mark.slow
@rounds()
@given(FRAMES, st.lists(st.integers(0, 1500)).map(sorted))
def test_any_frames_read_the_same_however_they_are_cut(
    frames: Sequence[bytes], cuts: Sequence[int]
) -> None:
    data = PREFACE + frame(SETTINGS) + b"".join(frames)
    pieces = [
        data[start:end]
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
    ]
    assert _read(pieces) == _read([data])
