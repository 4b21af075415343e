"""Files in a row are verified together, as far as there is no choice."""

from pathlib import Path

import pytest

from ccfpy.audit.fast_path import begin, row
from ccfpy.audit.readers import Readers, local_readers
from ccfpy.audit.repair import all_chunks
from tests.unit.audit.made import written
from tests.unit.ledger.made import FIRST, SECOND, recovered_ledger, small_ledger


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(small_ledger(), tmp_path / "ledger")


def test_the_row_ends_before_the_open_file(folder: Path) -> None:
    names = [str(chunk.name) for chunk in row(all_chunks([folder]))]
    assert names == ["ledger_1-5.committed", "ledger_6-8.committed"]


@pytest.mark.parametrize(
    ("added", "length"),
    [("ledger_6", 1), ("ledger_7-9", 1), ("ledger_1", 0), ("ledger_20-21", 2)],
)
def test_the_row_ends_where_there_is_a_choice(
    folder: Path, added: str, length: int
) -> None:
    (folder / added).write_bytes(b"")
    assert len(row(all_chunks([folder]))) == length


@pytest.mark.slow
def test_processes_begin_alike(folder: Path) -> None:
    chunks = all_chunks([folder])
    read: list[int] = []
    one = begin(chunks, Readers(), on_read=read.append)
    with local_readers(2) as readers:
        assert begin(chunks, readers) == one
    assert one.state is not None
    assert str(one.state.last_signed) == "2.8"
    assert sum(read) == sum(chunk.size_bytes for chunk in row(chunks))
    assert list(one.identities) == [FIRST.certificate]


def test_identities_are_told_in_order(tmp_path: Path) -> None:
    ledger = recovered_ledger()
    ledger.sign(close=True)
    chunks = all_chunks([written(ledger, tmp_path / "ledger")])
    keys = [each.public_key.der for each in begin(chunks, Readers()).identities]
    assert keys == [FIRST.certificate.public_key.der, SECOND.certificate.public_key.der]


def test_nothing_begins_with_damage(folder: Path) -> None:
    path = folder / "ledger_1-5.committed"
    path.write_bytes(path.read_bytes()[:-1])
    begun = begin(all_chunks([folder]), Readers())
    assert (begun.state, begun.segments, begun.identities) == (None, (), ())
