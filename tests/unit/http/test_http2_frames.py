"""Frames are cut the same however they come; those to no purpose run out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http.http2_frames import PREFACE, FrameRefused, Http2FrameReader, Reason
from tests.attacks import attack
from tests.unit.http.h2_client import frame

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 2, 3, 4, 6, 9
END_STREAM, END_HEADERS = 1, 4
FIRST = frame(SETTINGS)


def reader(*, has_preface: bool = False) -> Http2FrameReader:
    return Http2FrameReader(
        frame_bytes_max=16_384, headers_bytes_max=20_000, has_preface=has_preface
    )


def taken(frames: Http2FrameReader, data: bytes) -> list[bytes]:
    frames.add(data)
    found = []
    while (each := frames.take()) is not None:
        found.append(each)
    return found


def with_left(spare: int) -> Http2FrameReader:
    """A connection that has so much left to spend."""
    frames = reader()
    pings = limits.HTTP2_SPARE_FRAMES_MAX - 1 - spare
    taken(frames, FIRST + frame(PING, payload=bytes(8)) * pings)
    return frames


@given(
    st.lists(st.binary(max_size=40), max_size=6),
    st.lists(st.integers(0, 400)).map(sorted),
)
def test_frames_are_the_same_however_the_bytes_are_cut(
    payloads: list[bytes], cuts: list[int]
) -> None:
    sent = [FIRST, *(frame(DATA, stream=1, payload=each) for each in payloads)]
    data = PREFACE + b"".join(sent)
    frames = reader(has_preface=True)
    got = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        got += taken(frames, data[start:end])
    assert got == sent


@pytest.mark.parametrize("end", range(1, len(PREFACE)))
def test_whoever_begins_otherwise_is_refused_at_the_first_wrong_byte(end: int) -> None:
    frames = reader(has_preface=True)
    assert taken(frames, PREFACE[: end - 1]) == []
    wrong = bytes((PREFACE[end - 1] ^ 1,))
    with pytest.raises(FrameRefused) as refused:
        taken(frames, wrong)
    assert refused.value.reason is Reason.PROTOCOL_ERROR
    assert not frames.is_greeted


def test_the_first_frame_is_settings() -> None:
    with pytest.raises(FrameRefused, match="SETTINGS"):
        taken(reader(), frame(PING, payload=bytes(8)))


@attack("http2: a frame beyond the limit")
def test_a_frame_is_as_large_as_was_allowed_and_refused_at_its_head() -> None:
    frames = reader()
    largest = frame(DATA, stream=1, payload=bytes(16_384))
    assert taken(frames, FIRST + largest) == [FIRST, largest]
    with pytest.raises(FrameRefused) as refused:
        taken(frames, frame(DATA, stream=1, payload=bytes(16_385))[:9])
    assert refused.value.reason is Reason.FRAME_SIZE_ERROR


def test_headers_go_on_over_frames_to_their_bound_and_start_anew() -> None:
    frames = reader()
    taken(frames, FIRST)
    begun = frame(HEADERS, stream=1, payload=bytes(10_000))
    ended = frame(CONTINUATION, flags=END_HEADERS, stream=1, payload=bytes(10_000))
    for _ in range(3):
        assert len(taken(frames, begun + ended)) == 2
    taken(frames, begun)
    with pytest.raises(FrameRefused) as refused:
        taken(frames, frame(CONTINUATION, stream=1, payload=bytes(10_001)))
    assert refused.value.reason is Reason.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    ("sent", "price"),
    [
        (frame(PING, payload=bytes(8)), 1),
        (frame(PING, flags=1, payload=bytes(8)), 1),
        (frame(SETTINGS), 1),
        (frame(PRIORITY, stream=1, payload=bytes(5)), 1),
        (frame(8, payload=(1).to_bytes(4)), 1),
        (frame(0xFE), 1),
        (frame(DATA, stream=1), 1),
        (
            frame(
                DATA,
                stream=1,
                payload=bytes(limits.HTTP2_SMALL_DATA_BYTES - 1),
            ),
            1,
        ),
        (frame(CONTINUATION, flags=END_HEADERS, stream=1), 1),
        (
            frame(RST_STREAM, stream=1, payload=bytes(4)),
            limits.HTTP2_FRAMES_PER_RESET,
        ),
    ],
)
def test_a_frame_to_no_purpose_has_its_price(sent: bytes, price: int) -> None:
    assert len(taken(with_left(3 * price), sent * 3)) == 3
    with pytest.raises(FrameRefused) as refused:
        taken(with_left(3 * price - 1), sent * 3)
    assert refused.value.reason is Reason.ENHANCE_YOUR_CALM


@pytest.mark.parametrize(
    "sent",
    [
        frame(DATA, stream=1, payload=bytes(limits.HTTP2_SMALL_DATA_BYTES)),
        frame(DATA, flags=END_STREAM, stream=1),
        frame(HEADERS, flags=END_HEADERS, stream=1),
    ],
)
def test_what_carries_something_costs_nothing(sent: bytes) -> None:
    frames = reader()
    count = limits.HTTP2_SPARE_FRAMES_MAX + 1
    assert len(taken(frames, FIRST + sent * count)) == count + 1


def test_what_is_earned_can_be_spent_up_to_the_whole_store() -> None:
    frames = reader()
    ping = frame(PING, payload=bytes(8))
    whole = limits.HTTP2_SPARE_FRAMES_MAX
    taken(frames, FIRST + ping * (whole - 1))
    frames.earn(2)
    assert len(taken(frames, ping * 2)) == 2
    frames.earn(10 * whole)
    assert len(taken(frames, ping * whole)) == whole
    with pytest.raises(FrameRefused):
        taken(frames, ping)
