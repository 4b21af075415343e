from pathlib import Path

import pytest

from ccfpy.audit.auditor import audit
from ccfpy.audit.chunks import arrange, between, find_chunks
from tests.unit.audit.made import written
from tests.unit.ledger.made import small_ledger

NAMES = ["ledger_1-5.committed", "ledger_6-8.committed", "ledger_9"]


def test_chunks_are_found_in_order_with_their_sizes(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path)
    (folder / "readme").touch()
    (folder / "ledger_9.ignored").touch()
    found = find_chunks([folder])
    assert [str(chunk.name) for chunk in found] == NAMES
    assert all(chunk.path.is_absolute() for chunk in found)
    assert [chunk.size_bytes for chunk in found] == [
        chunk.path.stat().st_size for chunk in found
    ]
    files = [chunk.file for chunk in found]
    assert list(audit(files)) == list(audit(small_ledger().files()))


def test_a_ledger_may_lie_in_several_folders(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path / "one")
    other = tmp_path / "two"
    other.mkdir()
    (folder / NAMES[1]).rename(other / NAMES[1])
    (other / NAMES[0]).touch()
    found = find_chunks([folder, other])
    assert [str(chunk.name) for chunk in found] == NAMES
    assert [chunk.path.parent.name for chunk in found] == ["one", "two", "one"]


def test_an_unfinished_recovery_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    folder = written(small_ledger(), tmp_path)
    (folder / "ledger_9").rename(folder / "ledger_9.recovery")
    assert len(find_chunks([folder])) == 2
    assert len(find_chunks([folder], with_recovery=True)) == 3


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find_chunks([tmp_path / "absent"])


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (1, None, NAMES),
        (6, None, NAMES[1:]),
        (8, None, NAMES[1:]),
        (9, None, NAMES[2:]),
        (100, None, NAMES[2:]),
        (1, 5, NAMES[:1]),
        (1, 6, NAMES[:2]),
        (7, 7, NAMES[1:2]),
        (9, 8, []),
    ],
)
def test_the_chunks_of_some_seqnos_are_those_that_may_hold_one(
    tmp_path: Path, first: int, last: int | None, expected: list[str]
) -> None:
    chunks = find_chunks([written(small_ledger(), tmp_path)])
    assert [str(each.name) for each in between(chunks, first, last)] == expected


def test_a_folder_is_arranged_by_first_seqno() -> None:
    names = [
        "ledger_10-12.committed",
        "ledger_9-9",
        "ledger_1-8.committed",
        "ledger_13",
        "ledger_14.recovery",
        "ledger_1-8.committed.ignored",
        ".DS_Store",
    ]
    expected = [
        "ledger_1-8.committed",
        "ledger_9-9",
        "ledger_10-12.committed",
        "ledger_13",
    ]
    assert [str(name) for name in arrange(names)] == expected
    everything = arrange(names, with_recovery=True)
    assert [str(name) for name in everything] == [*expected, "ledger_14.recovery"]


def test_of_two_files_for_one_chunk_the_committed_one_is_taken() -> None:
    names = ["ledger_1-8.committed", "ledger_1-8", "ledger_1", "ledger_1-9.recovery"]
    arranged = arrange(names, with_recovery=True)
    assert [str(name) for name in arranged] == ["ledger_1-8.committed"]
