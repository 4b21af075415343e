"""Frames between nodes: whole, cut anywhere, and malformed in every field."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId
from ccfpy.base.limits import PEER_FRAME_BYTES_MAX
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.host.peers import HEADER_BYTES, PeerFrames, fits_a_frame, frame_head

SENDER = NodeId("0123456789abcdef" * 4)
MESSAGES = st.builds(
    PeerMessage,
    kind=st.sampled_from(PeerTraffic),
    sender=st.binary(min_size=32, max_size=32).map(lambda raw: NodeId(raw.hex())),
    payload=st.binary(max_size=200),
)


def frame(message: PeerMessage) -> bytes:
    head = frame_head(message.kind, message.sender, len(message.payload))
    return head + message.payload


def raw(kind: int, sender: bytes, payload: bytes, *, size: int | None = None) -> bytes:
    """Return a frame that may be wrong."""
    rest = struct.pack("<QQ", kind, len(sender)) + sender + payload
    return struct.pack("<I", len(rest) if size is None else size) + rest


def test_a_frame_is_laid_out_as_ccf_lays_it_out() -> None:
    head = frame_head(PeerTraffic.FORWARDED, SENDER, 3)
    assert head + b"abc" == raw(2, SENDER.encode(), b"abc")


@given(st.lists(MESSAGES, max_size=6), st.data())
def test_messages_come_out_however_their_bytes_are_cut(
    messages: list[PeerMessage], data: st.DataObject
) -> None:
    stream = b"".join(map(frame, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    frames = PeerFrames()
    found: list[PeerMessage] = []
    for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += frames.feed(stream[start:stop])
    assert found == messages
    assert frames.held_bytes == 0


def test_what_has_begun_is_counted() -> None:
    frames = PeerFrames()
    assert frames.feed(frame_head(1, SENDER, 100) + bytes(99)) == []
    assert frames.held_bytes == 4 + HEADER_BYTES + 99
    assert [message.payload for message in frames.feed(b"x")] == [bytes(99) + b"x"]


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("too small", raw(1, SENDER.encode(), b"", size=HEADER_BYTES - 1)),
        ("too large", raw(1, SENDER.encode(), b"", size=PEER_FRAME_BYTES_MAX + 1)),
        ("unknown kind", raw(3, SENDER.encode(), b"x")),
        ("huge kind", raw(1 << 63, SENDER.encode(), b"x")),
        ("short sender", raw(1, SENDER.encode()[:-1], b"xx")),
        ("long sender", raw(1, SENDER.encode() + b"0", b"")),
        ("sender in capitals", raw(1, SENDER.upper().encode(), b"")),
        ("sender that is no text", raw(1, b"\xff" * 64, b"")),
        ("something else", b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n" + bytes(99)),
    ],
)
def test_what_no_node_sends_is_malformed(what: str, data: bytes) -> None:
    with pytest.raises(Malformed):
        PeerFrames().feed(data)
    assert what


def test_a_wrong_sender_is_noticed_before_its_message_is_kept() -> None:
    frames = PeerFrames()
    head = frame_head(1, SENDER, PEER_FRAME_BYTES_MAX - HEADER_BYTES)
    assert frames.feed(head) == []
    with pytest.raises(Malformed):
        PeerFrames().feed(head.replace(b"0", b"x"))


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_malformed(data: bytes) -> None:
    frames = PeerFrames()
    try:
        messages = frames.feed(data)
    except Malformed:
        return
    assert b"".join(map(frame, messages)) == data[: len(data) - frames.held_bytes]


def test_the_largest_frame_is_one_that_is_read() -> None:
    largest = PEER_FRAME_BYTES_MAX - HEADER_BYTES
    assert fits_a_frame(largest)
    assert not fits_a_frame(largest + 1)
    frames = PeerFrames()
    payload = bytes(largest)
    assert len(frames.feed(frame_head(1, SENDER, largest) + payload)) == 1
