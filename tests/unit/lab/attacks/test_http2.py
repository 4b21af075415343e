"""Frames made by hand are what the node's own reader takes them for."""

from ccfpy.http.http2_frames import HEAD_BYTES
from tests.lab.attacks import http2


def test_a_frame_has_its_length_kind_flags_and_stream() -> None:
    made = http2.frame(9, flags=4, stream=7, payload=b"abc")
    assert made == b"\0\0\x03\x09\x04\0\0\0\x07abc"
    assert len(made) == HEAD_BYTES + 3


def test_requests_that_are_taken_back_are_on_streams_of_their_own() -> None:
    block = http2.header_block("/node/api")
    assert block.endswith(b"\x04\x09/node/api")
    pair = len(http2.resets(1, 1))
    some = http2.resets(5, 3)
    assert len(some) == 3 * pair
    streams = [some[at * pair + 8] for at in range(3)]
    assert streams == [5, 7, 9]


def test_floods_are_bounded() -> None:
    frames = http2.FRAMES * http2.CONNECTIONS * http2.ROUNDS
    assert frames < 1_000_000
    assert {attack.name for attack in http2.ATTACKS} == {
        "resets",
        "continuations",
        "pings",
    }
