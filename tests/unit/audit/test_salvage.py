"""Entries are found in files whose structure is broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.audit.tail import Salvaged
from ccfpy.ledger.chunk import HEADER_BYTES, Chunk, ChunkName
from tests.unit.ledger.made import small_ledger

NAME = ChunkName.parse("ledger_1-5.committed")
DATA = next(file.read() for file in small_ledger().files())
CHUNK = Chunk.parse(NAME, DATA)


def test_a_sound_file_is_what_it_is() -> None:
    found = Salvaged.of(NAME, DATA)
    assert (found.last, found.trouble) == (5, None)
    assert found.cut(5) == (NAME, DATA)


@given(st.integers(0, HEADER_BYTES - 1), st.integers(1, 255))
def test_a_broken_header_costs_no_entry(at: int, change: int) -> None:
    broken = bytearray(DATA)
    broken[at] ^= change
    found = Salvaged.of(NAME, bytes(broken))
    assert found.trouble is not None
    assert found.cut(5) == (NAME, DATA)


@given(st.integers(0, len(DATA) - 1))
def test_a_file_cut_short_has_its_whole_entries(cut: int) -> None:
    found = Salvaged.of(NAME, DATA[:cut])
    ends = [at + len(entry) for _, at, entry in CHUNK.entries()]
    assert found.last == sum(end <= cut for end in ends)
    for seqno in range(1, found.last + 1):
        name, data = found.complete(1, seqno)
        assert len(Chunk.parse(name, data)) == seqno


def test_a_part_may_begin_anywhere() -> None:
    file = Salvaged.of(NAME, DATA).file(3, 4)
    assert file.name == "ledger_3-4"
    part = Chunk.parse(ChunkName.parse(file.name), file.read())
    assert part.entry(3) == CHUNK.entry(3)
    assert part.last == 4


def test_never_more_is_taken_than_the_name_says() -> None:
    found = Salvaged.of(ChunkName.parse("ledger_1-3.committed"), DATA)
    assert found.trouble is not None
    assert found.last == 3


@pytest.mark.parametrize("name", ["ledger_1", "ledger_1-5"])
def test_a_shortened_file_is_open_or_committed_as_it_was(name: str) -> None:
    shortened, _ = Salvaged.of(ChunkName.parse(name), DATA).cut(2)
    assert str(shortened) == {"ledger_1": "ledger_1", "ledger_1-5": "ledger_1-2"}[name]
