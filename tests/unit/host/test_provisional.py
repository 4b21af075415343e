"""Files written during a recovery have another name until the service opens."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.host.ledger_store import LedgerStore, LedgerStoreFailed
from ccfpy.testing.disk import FailAt, MemoryDisk
from tests.unit.host.reports import Report
from tests.unit.host.test_ledger_store import append, entries, entry_bytes

FOLDER = Path("/node/ledger")
LOST = "/mounted"


def lost_ledger(disk: MemoryDisk, folder: Path, plan: str, *, commit: int) -> None:
    """Write what a lost service's node left in ``folder``."""
    store = LedgerStore(folder, report=Report(), disk=disk)
    store.create()
    append(store, 1, entries(1, plan))
    store.commit(commit)
    store.close()


def store_on(disk: MemoryDisk, *read_only: str) -> LedgerStore:
    store = LedgerStore(
        FOLDER,
        report=Report(),
        disk=disk,
        read_only_directories=[Path(path) for path in read_only],
        recent_bytes_max=0,
    )
    store.open()
    return store


def on_read_only_copy() -> tuple[MemoryDisk, LedgerStore]:
    disk = MemoryDisk()
    lost_ledger(disk, Path(LOST), ". . s|", commit=3)
    return disk, store_on(disk, LOST)


def on_its_own_files() -> tuple[MemoryDisk, LedgerStore]:
    disk = MemoryDisk()
    lost_ledger(disk, FOLDER, ". . s . .", commit=0)
    return disk, store_on(disk)


def recovered(store: LedgerStore) -> None:
    """Go on as a recovering node does: a new chunk first."""
    store.recover(3)
    append(store, 4, entries(4, "^ s| . s"))


def names(disk: MemoryDisk) -> list[str]:
    return sorted(disk.names(FOLDER))


@pytest.mark.parametrize("begin", [on_read_only_copy, on_its_own_files])
def test_chunks_are_provisional_until_the_recovery_is_complete(
    begin: Callable[[], tuple[MemoryDisk, LedgerStore]],
) -> None:
    disk, store = begin()
    before = [] if begin is on_read_only_copy else ["ledger_1-3"]
    recovered(store)
    assert names(disk) == [*before, "ledger_4-5.recovery", "ledger_6.recovery"]
    store.complete_recovery()
    assert names(disk) == [*before, "ledger_4-5", "ledger_6"]
    append(store, 8, entries(8, ". s|"))
    assert names(disk) == [*before, "ledger_4-5", "ledger_6-9"]
    store.close()


def test_a_committed_chunk_is_provisional_too() -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    store.commit(5)
    assert names(disk) == ["ledger_4-5.committed.recovery", "ledger_6.recovery"]
    store.complete_recovery()
    assert names(disk) == ["ledger_4-5.committed", "ledger_6"]
    store.close()


def test_all_is_read_back_whatever_it_is_called() -> None:
    _, store = on_read_only_copy()
    recovered(store)
    store.commit(5)
    assert store.read(1, 7) == [entry_bytes(seqno) for seqno in range(1, 8)]
    store.complete_recovery()
    assert store.read(1, 7) == [entry_bytes(seqno) for seqno in range(1, 8)]
    store.close()


def test_a_recovery_that_is_completed_twice_changes_nothing_more() -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    for _ in range(2):
        store.complete_recovery()
        assert names(disk) == ["ledger_4-5", "ledger_6"]
    append(store, 8, entries(8, "s|"))
    append(store, 9, entries(9, "."))
    assert names(disk) == ["ledger_4-5", "ledger_6-8", "ledger_9"]
    store.close()


def test_a_start_sets_the_files_of_a_given_up_recovery_aside() -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    store.commit(5)
    store.close()
    again = store_on(disk, LOST)
    assert again.last_seqno == 3
    assert names(disk) == [
        "ledger_4-5.committed.recovery.ignored",
        "ledger_6.recovery.ignored",
    ]
    again.recover(3)
    append(again, 4, entries(4, "^ s|"))
    again.complete_recovery()
    assert "ledger_4-5" in names(disk)
    again.close()


def test_files_of_a_given_up_recovery_are_not_read_elsewhere() -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    store.commit(5)
    store.close()
    other = LedgerStore(
        Path("/other/ledger"),
        report=Report(),
        disk=disk,
        read_only_directories=[FOLDER],
    )
    other.open()
    assert other.last_seqno == 0
    assert other.read(4, 5) is None
    other.close()


def test_a_recovered_ledger_that_is_cut_again_stays_provisional() -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    store.truncate(4)
    assert names(disk) == ["ledger_4.recovery"]
    append(store, 5, entries(5, "s|"))
    assert names(disk) == ["ledger_4-5.recovery"]
    store.close()


def test_what_the_lost_service_committed_cannot_be_cut() -> None:
    _, store = on_read_only_copy()
    with pytest.raises(
        LedgerStoreFailed, match="to 2 only, but files are committed to 3"
    ):
        store.recover(2)
    store.close()


def test_a_committed_file_that_is_missing_is_not_passed_over() -> None:
    """Nor are those after it, though they cannot be recovered without it."""
    disk = MemoryDisk()
    lost_ledger(disk, Path(LOST), ". s| . s| . s|", commit=6)
    disk.remove(Path(LOST) / "ledger_3-4.committed")
    store = store_on(disk, LOST)
    assert store.read(1, 6) == [entry_bytes(1), entry_bytes(2)]
    assert store.read(3, 6) is None
    with pytest.raises(LedgerStoreFailed, match="move the files that end after 2 away"):
        store.recover(2)
    disk.remove(Path(LOST) / "ledger_5-6.committed")
    again = store_on(disk, LOST)
    again.recover(2)
    append(again, 3, entries(3, "^ s"))
    assert names(disk) == ["ledger_3.recovery"]
    again.close()


def test_a_snapshot_alone_lets_the_ledger_go_on_where_it_ends() -> None:
    disk = MemoryDisk()
    store = store_on(disk)
    store.recover(7)
    append(store, 8, entries(8, "^ s|"))
    assert names(disk) == ["ledger_8-9.recovery"]
    store.complete_recovery()
    assert names(disk) == ["ledger_8-9"]
    store.close()


@pytest.mark.parametrize(
    ("recovered_to", "expected"),
    [
        (None, ["ledger_4-5", "ledger_6"]),
        (3, ["ledger_4-5.recovery", "ledger_6.recovery"]),
        (4, ["ledger_4-5", "ledger_6.recovery"]),
        (6, ["ledger_4-5", "ledger_6"]),
    ],
)
def test_a_joiners_chunks_are_provisional_as_far_as_it_is_told(
    recovered_to: int | None, expected: list[str]
) -> None:
    disk = MemoryDisk()
    store = LedgerStore(FOLDER, report=Report(), disk=disk)
    store.prepare()
    store.begin(3, recovered_to=recovered_to)
    append(store, 4, entries(4, ". s| . s"))
    assert names(disk) == expected
    store.close()


@pytest.mark.parametrize("stopped_at", range(6))
def test_a_host_that_dies_while_names_change_leaves_a_ledger_to_recover(
    stopped_at: int,
) -> None:
    disk, store = on_read_only_copy()
    recovered(store)
    store.commit(5)
    store.flush()
    disk.fault = FailAt(stopped_at, forever=True)
    with contextlib.suppress(LedgerStoreFailed):
        store.complete_recovery()
    disk.fault = None
    again = store_on(disk, LOST)
    assert again.last_seqno in (3, 5, 7)
    assert again.read(1, 9) == [
        entry_bytes(seqno) for seqno in range(1, again.last_seqno + 1)
    ]
    again.close()
