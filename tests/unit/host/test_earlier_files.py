"""Files of an earlier run: taken, passed over or dropped."""

from ccfpy.host.earlier_files import EarlierFiles
from ccfpy.ledger.chunk import ChunkName


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
