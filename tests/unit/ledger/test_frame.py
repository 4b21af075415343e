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
    split_entries,
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


FIRST = write_frame(EntryFlags.NONE, 40) + b"1" * 40
SECOND = write_frame(EntryFlags.CLOSE_CHUNK_AFTER, 36) + b"2" * 36


@pytest.mark.parametrize(
    ("data", "count", "entries"),
    [
        (FIRST + SECOND, 2, [FIRST, SECOND]),
        (FIRST + SECOND, 1, [FIRST]),
        (FIRST + SECOND, 3, [FIRST, SECOND]),
        (FIRST + SECOND[:-1], 2, [FIRST, SECOND[:-1]]),
        (FIRST + b"\2" + SECOND, 2, [FIRST]),
        (FIRST, 0, []),
    ],
)
def test_entries_are_split_as_far_as_their_frames_are_right(
    data: bytes, count: int, entries: list[bytes]
) -> None:
    assert split_entries(b"before" + data, len(b"before"), count) == entries


def test_what_begins_with_a_wrong_frame_is_not_split() -> None:
    with pytest.raises(Malformed, match="version 1, found 2"):
        split_entries(b"\2" + FIRST, 0, 2)
