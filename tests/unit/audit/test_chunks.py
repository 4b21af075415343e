from pathlib import Path

import pytest

from ccfpy.audit.chunks import between, find_chunks
from ccfpy.ledger.audit import audit
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
