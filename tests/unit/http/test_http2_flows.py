"""Bytes that wait in one direction of a stream."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.http.http2_server import Inflow, Outflow


def test_a_piece_is_as_long_as_may_be_given_at_once() -> None:
    most = limits.STREAM_PIECE_BYTES_MAX
    inflow = Inflow(data=bytearray(most + 1), has_ended=True)
    assert inflow.is_due
    assert inflow.take() == (bytes(most), False)
    assert inflow.take() == (b"\0", True)
    assert not inflow.is_due


def test_the_end_alone_is_taken_once() -> None:
    inflow = Inflow(has_ended=True)
    assert inflow.is_due
    assert inflow.take() == (b"", True)
    assert not inflow.is_due


@given(st.lists(st.binary(max_size=9)), st.integers(1, 7))
def test_what_is_added_leaves_in_order_as_there_is_room(
    added: list[bytes], room: int
) -> None:
    outflow = Outflow()
    for data in added:
        outflow.add(data)
    assert outflow.size == sum(map(len, added))
    left = b""
    while outflow.pieces:
        piece = outflow.take(room)
        assert 0 < len(piece) <= room
        left += piece
    assert left == b"".join(added)
    assert outflow.size == 0
