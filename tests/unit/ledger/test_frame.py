"""The eight bytes in front of each entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.ledger.frame import (
    BODY_BYTES_MAX,
    BODY_BYTES_MIN,
    EntryFlags,
    entry_end,
    read_frame,
)
from tests.unit.ledger.frames import write_frame


@given(
    st.sampled_from(list(range(4))),
    st.integers(BODY_BYTES_MIN, BODY_BYTES_MAX),
    st.binary(max_size=9),
)
def test_a_frame_reads_as_it_was_written(
    flags: int, body_bytes: int, before: bytes
) -> None:
    written = write_frame(EntryFlags(flags), body_bytes)
    data = before + written + b"rest"
    frame = read_frame(data, len(before))
    assert frame == (flags, body_bytes)
    assert entry_end(data, len(before)) == len(before) + frame.entry_bytes
    assert frame.entry_bytes == body_bytes + 8


def test_a_frame_has_ccfs_layout() -> None:
    written = write_frame(EntryFlags.CLOSE_CHUNK_AFTER, 0x0102_0304)
    assert written == bytes.fromhex("0101 040302010000")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected 8 bytes of frame, found 0"),
        (bytes.fromhex("01002400000000"), "expected 8 bytes of frame, found 7"),
        (bytes.fromhex("0000240000000000"), "version 1, found 0"),
        (bytes.fromhex("0200240000000000"), "version 1, found 2"),
        (bytes.fromhex("0104240000000000"), "unknown entry flags 0x4"),
        (bytes.fromhex("0100230000000000"), "an entry of 35 bytes is out of range"),
        (bytes.fromhex("0100010000400000"), "an entry of 1073741825 bytes"),
    ],
)
def test_a_frame_that_no_node_writes_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read_frame(data)
    with pytest.raises(Malformed, match=reason):
        entry_end(data, 0)
