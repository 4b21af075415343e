"""A chunk grows, is cut back, is taken up again and never outgrows its offsets."""

import pytest

from ccfpy.ledger.chunk import (
    HEADER_BYTES,
    POSITION_MAX,
    Chunk,
    ChunkName,
    header,
    positions_table,
)
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.open_chunk import OpenChunk
from tests.unit.ledger.frames import write_frame


def _entry(seqno: int, body: bytes = b"") -> bytes:
    """Make bytes framed like an entry, with the seqno where an entry has it."""
    rest = bytes(16) + seqno.to_bytes(8, "little") + bytes(12) + body
    return write_frame(EntryFlags.NONE, len(rest)) + rest


def test_a_rollback_takes_entries_back() -> None:
    chunk = OpenChunk(5)
    for size in (100, 50, 70):
        chunk.append(size)
    assert chunk.truncate(7) == 228
    assert chunk.truncate(5) == 108
    assert (len(chunk), chunk.next_seqno, chunk.end) == (1, 6, 108)
    assert chunk.truncate(4) == HEADER_BYTES
    assert len(chunk) == 0


def test_a_chunk_read_back_is_continued() -> None:
    entries = [_entry(1), _entry(2, b"xyz")]
    read = Chunk.parse(ChunkName(first=1), header(0) + b"".join(entries))
    chunk = OpenChunk.reopen(read.name, read.positions, read.end)
    chunk.append(44)
    assert list(chunk.positions) == [*read.positions, read.end]
    name, table, head = chunk.close()
    assert str(name) == "ledger_1-3"
    assert table == positions_table([*read.positions, read.end])
    assert head == header(read.end + 44)


def test_a_chunk_never_outgrows_its_32_bit_offsets() -> None:
    chunk = OpenChunk(1)
    chunk.append(POSITION_MAX - HEADER_BYTES)
    assert not chunk.has_room_for(1)
    with pytest.raises(AssertionError):
        chunk.append(1)
    with pytest.raises(AssertionError):
        chunk.extend([b"x"])
