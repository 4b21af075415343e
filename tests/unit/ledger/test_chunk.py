"""Names of chunk files and where the entries in them lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.ledger.chunk import (
    HEADER_BYTES,
    Chunk,
    ChunkDamaged,
    ChunkName,
    header,
    is_chunk_name,
    positions_table,
)
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.open_chunk import OpenChunk
from tests.unit.ledger.frames import write_frame

NAMES = {
    "ledger_1": ChunkName(first=1),
    "ledger_15-46": ChunkName(first=15, last=46),
    "ledger_15-46.committed": ChunkName(first=15, last=46, is_committed=True),
    "ledger_15.recovery": ChunkName(first=15, is_recovery=True),
    "ledger_15-46.recovery": ChunkName(first=15, last=46, is_recovery=True),
    "ledger_7-7.committed.recovery": ChunkName(
        first=7, last=7, is_committed=True, is_recovery=True
    ),
}


def entry(seqno: int, body: bytes = b"") -> bytes:
    """Make bytes framed like an entry, with the seqno where an entry has it."""
    rest = bytes(16) + seqno.to_bytes(8, "little") + bytes(12) + body
    return write_frame(EntryFlags.NONE, len(rest)) + rest


def closed(entries: list[bytes]) -> bytes:
    chunk = OpenChunk(1)
    for each in entries:
        chunk.append(len(each))
    _, table, head = chunk.close()
    return head + b"".join(entries) + table


@pytest.mark.parametrize(("name", "parsed"), NAMES.items())
def test_a_name_says_the_range_and_the_state(name: str, parsed: ChunkName) -> None:
    assert ChunkName.parse(name) == parsed
    assert str(parsed) == name
    assert is_chunk_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ledger",
        "ledger_",
        "ledger_0",
        "ledger_01",
        "ledger_-5",
        "ledger_1-",
        "ledger_9-8",
        "ledger_1.committed",
        "ledger_1-2.committed.ignored",
        "ledger_1-2.ignored",
        "ledger_1-2.recovery.committed",
        "ledger_1-2.committed\n",
        "ledger_1-2.committed_prefix",
        "ledger_\u0661",
        "snapshot_1_2",
        "./ledger_1",
        "ledger_99999999999999999999",
    ],
)
def test_other_names_are_no_chunks(name: str) -> None:
    with pytest.raises(Malformed):
        ChunkName.parse(name)


def test_a_chunk_is_renamed_as_it_is_closed_committed_and_recovered() -> None:
    name = ChunkName.parse("ledger_5.recovery")
    assert name.is_open
    assert str(name.completed(9)) == "ledger_5-9.recovery"
    assert not name.completed(9).is_open
    assert str(name.completed(9).committed()) == "ledger_5-9.committed.recovery"
    assert str(name.completed(9).committed().recovered()) == "ledger_5-9.committed"


def test_an_open_chunk_can_not_be_committed() -> None:
    with pytest.raises(AssertionError):
        ChunkName(first=5).committed()


def test_a_chunk_does_not_end_before_it_begins() -> None:
    with pytest.raises(AssertionError):
        ChunkName(first=5).completed(4)


@pytest.mark.slow
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=12))
def test_what_a_writer_wrote_is_found_open_or_closed(bodies: list[bytes]) -> None:
    entries = [entry(at, body) for at, body in enumerate(bodies, 1)]
    writer = OpenChunk(1)
    for each in entries:
        assert writer.has_room_for(len(each))
        writer.append(len(each))
    data = header(0) + b"".join(entries)
    assert writer.end == len(data)
    assert (len(writer), writer.next_seqno) == (len(entries), len(entries) + 1)
    at_once = OpenChunk(1)
    at_once.extend(entries)
    assert (at_once.positions, at_once.end) == (writer.positions, writer.end)

    chunk = Chunk.parse(ChunkName(first=1), data)
    assert (chunk.is_complete, chunk.torn_bytes, chunk.last) == (False, 0, len(entries))
    assert [held for _, _, held in chunk.entries()] == entries
    assert [chunk.entry(seqno) for seqno, _, _ in chunk.entries()] == entries

    name, table, head = writer.close()
    assert str(name) == f"ledger_1-{len(entries)}"
    complete = Chunk.parse(name, head + data[HEADER_BYTES:] + table)
    assert complete.is_complete
    assert list(complete.entries()) == list(chunk.entries())
    # The file was closed, the name not yet changed.
    unnamed = Chunk.parse(ChunkName(first=1), complete.data)
    assert (unnamed.is_complete, len(unnamed)) == (True, len(entries))


@given(
    st.lists(st.binary(max_size=20), min_size=1, max_size=5),
    st.data(),
)
def test_an_open_chunk_cut_anywhere_keeps_its_whole_entries(
    bodies: list[bytes], data: st.DataObject
) -> None:
    entries = [entry(at, body) for at, body in enumerate(bodies, 1)]
    whole = header(0) + b"".join(entries)
    cut = data.draw(st.integers(0, len(whole)))
    chunk = Chunk.parse(ChunkName(first=1), whole[:cut])
    kept = 0
    end = HEADER_BYTES
    while kept < len(entries) and end + len(entries[kept]) <= cut:
        end += len(entries[kept])
        kept += 1
    assert [held for _, _, held in chunk.entries()] == entries[:kept]
    assert chunk.torn_bytes == (cut - end if cut >= HEADER_BYTES else cut)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_a_chunk_that_was_being_closed_is_still_open(
    bodies: list[bytes], data: st.DataObject
) -> None:
    entries = [entry(at, body) for at, body in enumerate(bodies, 1)]
    complete = closed(entries)
    table = int.from_bytes(complete[:8], "little")
    cut = data.draw(st.integers(table, len(complete)))
    chunk = Chunk.parse(ChunkName(first=1), header(0) + complete[8:cut])
    assert [held for _, _, held in chunk.entries()] == entries
    assert chunk.torn_bytes == cut - table


@given(
    st.lists(st.binary(max_size=20), min_size=2, max_size=5),
    st.data(),
)
def test_a_complete_chunk_cut_anywhere_is_damaged(
    bodies: list[bytes], data: st.DataObject
) -> None:
    complete = closed([entry(at, body) for at, body in enumerate(bodies, 1)])
    name = ChunkName(first=1, last=len(bodies), is_committed=True)
    assert len(Chunk.parse(name, complete)) == len(bodies)
    cut = data.draw(st.integers(0, len(complete) - 1))
    with pytest.raises(ChunkDamaged):
        Chunk.parse(name, complete[:cut])


@given(st.binary(max_size=80), st.booleans())
def test_noise_is_a_chunk_or_damaged(data: bytes, is_open: bool) -> None:
    name = ChunkName(first=1, last=None if is_open else 3)
    try:
        chunk = Chunk.parse(name, data)
    except ChunkDamaged:
        return
    assert sum(len(held) for _, _, held in chunk.entries()) <= len(data)


@given(
    st.lists(st.binary(max_size=20), min_size=2, max_size=5),
    st.data(),
)
def test_a_flipped_bit_in_table_or_header_is_noticed(
    bodies: list[bytes], data: st.DataObject
) -> None:
    complete = bytearray(closed([entry(at, body) for at, body in enumerate(bodies, 1)]))
    table = int.from_bytes(complete[:8], "little")
    places = [*range(8), *range(table, len(complete))]
    complete[data.draw(st.sampled_from(places))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ChunkDamaged):
        Chunk.parse(ChunkName(first=1, last=len(bodies)), bytes(complete))


def test_a_size_that_reaches_over_the_next_entry_is_damage_and_no_torn_tail() -> None:
    first, second = entry(1, b"one"), entry(2, b"two")
    longer = write_frame(EntryFlags.NONE, 4000) + first[8:]
    with pytest.raises(ChunkDamaged, match="reaches over") as damaged:
        Chunk.parse(ChunkName(first=1), header(0) + longer + second)
    assert damaged.value.position == HEADER_BYTES
    torn = Chunk.parse(ChunkName(first=1), header(0) + longer + second[:-1])
    assert torn.torn_bytes == len(longer + second) - 1


def test_a_table_that_leaves_an_entry_out_is_damage() -> None:
    first, second = entry(1), entry(2)
    body = first + second
    data = header(8 + len(body)) + body + positions_table([8])
    with pytest.raises(ChunkDamaged, match="belong to no entry"):
        Chunk.parse(ChunkName(first=1, last=1), data)


def test_a_table_that_names_an_entry_too_many_is_damage() -> None:
    only = entry(1)
    data = header(8 + len(only)) + only + positions_table([8, 8 + len(only)])
    with pytest.raises(ChunkDamaged, match="an entry too many"):
        Chunk.parse(ChunkName(first=1, last=2), data)


def test_an_entry_that_runs_into_the_table_is_damage() -> None:
    only = entry(1, b"one")
    longer = write_frame(EntryFlags.NONE, len(only) - 7) + only[8:]
    data = closed([longer])
    with pytest.raises(ChunkDamaged, match="entry 0 runs into the positions table"):
        Chunk.parse(ChunkName(first=1, last=1), data)


def test_a_chunk_that_is_named_complete_and_is_open_is_damage() -> None:
    with pytest.raises(ChunkDamaged, match="without a positions table"):
        Chunk.parse(ChunkName(first=1, last=1), header(0) + entry(1))


def test_a_table_that_disagrees_with_the_name_is_damage() -> None:
    with pytest.raises(ChunkDamaged, match="expected 3 entries as named, found 2"):
        Chunk.parse(ChunkName(first=1, last=3), closed([entry(1), entry(2)]))
