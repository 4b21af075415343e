"""Files of an earlier run: taken, passed over or dropped."""

from pathlib import Path

import pytest

from ccfpy.base.histogram import Histogram
from ccfpy.host.chunk_files import ChunkFiles
from ccfpy.host.chunk_reader import ChunkReaders
from ccfpy.host.startup_recovery import EarlierFiles, sort_in
from ccfpy.ledger.chunk import ChunkName
from ccfpy.testing.disk import MemoryDisk
from tests.unit.host.reports import Report

FOLDER = Path("/ledger")


def _files(*firsts: int) -> tuple[EarlierFiles, list[ChunkName]]:
    removed: list[ChunkName] = []
    files = EarlierFiles(removed.append)
    for first in firsts:
        assert files.add(ChunkName(first=first)) is None
    return files, removed


def test_a_file_is_taken_once_by_the_chunk_that_begins_with_it() -> None:
    files, removed = _files(1, 5)
    assert files.take(5) == ChunkName(first=5)
    assert files.take(5) is None
    assert files.take(3) is None
    assert removed == []


def test_a_file_that_would_begin_within_a_chunk_goes() -> None:
    files, removed = _files(1, 5)
    for seqno in (2, 5, 5, 6):
        files.passed(seqno)
    assert removed == [ChunkName(first=5)]
    assert files.take(1) == ChunkName(first=1)


def test_all_go_when_an_entry_before_them_differed() -> None:
    files, removed = _files(1, 5, 9)
    files.drop()
    assert sorted(removed) == [ChunkName(first=n) for n in (1, 5, 9)]
    assert files.take(1) is None


def test_a_rival_is_handed_back_and_the_same_file_is_none() -> None:
    files, removed = _files(5)
    assert files.add(ChunkName(first=5)) is None
    assert files.add(ChunkName(first=5, last=7)) == ChunkName(first=5)
    files.clear()
    assert files.take(5) is None
    assert removed == []


@pytest.mark.parametrize(
    ("found", "kept", "is_earlier", "is_within"),
    [
        ("ledger_1-5.committed", "ledger_1-5.committed", False, False),
        ("ledger_1-5", "ledger_1-5.ignored", False, False),
        ("ledger_4-9.committed", "ledger_4-9", False, True),
        ("ledger_4-9", "ledger_4-9.ignored", False, False),
        ("ledger_4", "ledger_4.ignored", False, False),
        ("ledger_6-9.committed", "ledger_6-9", True, False),
        ("ledger_6-9", "ledger_6-9", True, False),
        ("ledger_6", "ledger_6", True, False),
        ("ledger_6.recovery", "ledger_6.recovery.ignored", False, False),
        (
            "ledger_6-9.committed.recovery",
            "ledger_6-9.committed.recovery.ignored",
            False,
            False,
        ),
    ],
)
def test_a_ledger_that_begins_after_5_finds_a_use_for_each_file_or_none(
    found: str, kept: str, *, is_earlier: bool, is_within: bool
) -> None:
    disk, report = MemoryDisk(), Report()
    disk.make_directory(FOLDER)
    disk.create(FOLDER / found).close()
    readers = ChunkReaders([FOLDER], disk=disk, report=report)
    files = ChunkFiles(
        FOLDER,
        disk=disk,
        readers=readers,
        report=report,
        must_sync=False,
        sync_ns=Histogram((1,)),
    )
    earlier = EarlierFiles(files.remove)
    within = sort_in(ChunkName.parse(found), 5, earlier=earlier, files=files)
    assert disk.names(FOLDER) == [kept]
    assert (within is not None) is is_within
    assert (earlier.take(6) is not None) is is_earlier
