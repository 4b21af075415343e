"""A ledger that begins anew over the files of an earlier run, and on failing disks.

The service's own files are made by a store that saw every entry from the first; a
joiner must end with the same committed files, whatever it found.
"""

import errno
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.host.ledger_store import LedgerStore, LedgerStoreFailed
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.testing.disk import FailAt, MemoryDisk, Operation
from tests.unit.host.reports import Report
from tests.unit.host.test_ledger_store import (
    Planned,
    append,
    entries,
    entry,
    entry_bytes,
)

FOLDER = Path("/node/ledger")
ELSEWHERE = Path("/mounted")
PLAN = ". s| . . s| . s| . . s"
"""Ten entries: chunks 1-2, 3-5, 6-7, and 8-10, which is open."""


def store_on(disk: MemoryDisk, report: Report | None = None) -> LedgerStore:
    return LedgerStore(FOLDER, report=report or Report(), disk=disk, recent_bytes_max=0)


def service(plan: str = PLAN, *, commit: int = 10) -> MemoryDisk:
    """Return the disk of a node that has been there from the first entry."""
    disk = MemoryDisk()
    store = store_on(disk)
    store.create()
    append(store, 1, entries(1, plan))
    store.commit(min(commit, store.last_seqno))
    store.close()
    return disk


def files(disk: MemoryDisk) -> dict[str, bytes]:
    return {name: disk.content(FOLDER / name) for name in disk.names(FOLDER)}


def after_seqno(found: dict[str, bytes], after: int) -> dict[str, bytes]:
    """Return the files of a ledger that begin after an entry."""
    return {
        name: data
        for name, data in found.items()
        if "ignored" not in name and ChunkName.parse(name).first > after
    }


def joiner(disk: MemoryDisk, after: int) -> tuple[LedgerStore, Report]:
    report = Report()
    store = store_on(disk, report)
    store.prepare()
    store.begin(after)
    return store, report


class _Writes:
    """Notes which files are changed."""

    def __init__(self) -> None:
        self.files: set[str] = set()

    def __call__(self, operation: Operation, path: Path) -> None:
        if operation in (Operation.WRITE, Operation.TRUNCATE, Operation.CREATE):
            self.files.add(path.name)


def test_a_joiner_with_nothing_ends_with_the_services_files() -> None:
    disk = MemoryDisk()
    store, _ = joiner(disk, 0)
    append(store, 1, entries(1, PLAN))
    store.commit(10)
    store.close()
    assert files(disk) == files(service())


def test_a_joiner_after_a_snapshot_begins_a_chunk_there() -> None:
    disk = MemoryDisk()
    store, _ = joiner(disk, 5)
    with pytest.raises(LedgerStoreFailed, match="expected ledger entry 6"):
        append(store, 1, entries(1, PLAN))
    append(store, 6, entries(1, PLAN)[5:])
    store.commit(10)
    assert store.read(5, 10) is None
    assert store.read(6, 99) == [entry_bytes(seqno) for seqno in range(6, 11)]
    store.close()
    expected = files(service())
    assert files(disk) == {
        name: expected[name] for name in ("ledger_6-7.committed", "ledger_8")
    }


@pytest.mark.parametrize("after", [0, 2, 5, 7])
@pytest.mark.parametrize("commit", [0, 2, 7, 10])
def test_files_that_agree_are_kept_and_not_rewritten(after: int, commit: int) -> None:
    truth = files(service())
    disk = service(commit=commit)
    store, report = joiner(disk, after)
    writes = disk.fault = _Writes()
    append(store, after + 1, entries(1, PLAN)[after:])
    store.commit(10)
    assert store.read(after + 1, 10) == [
        entry_bytes(seqno) for seqno in range(after + 1, 11)
    ]
    store.close()
    disk.fault = None
    assert writes.files == set()
    assert after_seqno(files(disk), after) == after_seqno(truth, after)
    said = "Remove committed suffix from ledger file" in report.text
    assert said is (commit > after and after < 7)


def test_a_file_that_differs_is_cut_there_and_later_ones_go() -> None:
    disk = service()
    store, report = joiner(disk, 0)
    other = entries(1, PLAN)
    other[3] = entry(4, size=99)
    append(store, 1, other[:4])
    assert disk.names(FOLDER) == ["ledger_1-2", "ledger_3"]
    assert "Found divergent ledger entry at 4" in report.text
    assert "Forcing removal of ledger file ledger_6-7" in report.text
    assert "Forcing removal of ledger file ledger_8" in report.text
    append(store, 5, other[4:])
    store.commit(10)
    store.close()
    expected = MemoryDisk()
    fresh, _ = joiner(expected, 0)
    append(fresh, 1, other)
    fresh.commit(10)
    fresh.close()
    assert files(disk) == files(expected)


@pytest.mark.parametrize(
    "plan",
    [
        ". s . . s| . s| . . s",  # the service's first chunk is longer
        ". s| . s| . . s| . . s",  # its second is shorter
        ". . . . . . . . . s|",  # it has but one
        "s| s| s| s| s| s| s| s| s| s|",
    ],
)
def test_chunks_are_cut_as_the_service_cuts_them(plan: str) -> None:
    disk = service()
    store, _ = joiner(disk, 0)
    append(store, 1, entries(1, plan))
    store.commit(10)
    store.close()
    assert files(disk) == files(service(plan))


def test_what_is_not_known_to_be_committed_before_the_snapshot_is_set_aside() -> None:
    disk = service(commit=2)
    store, report = joiner(disk, 7)
    store.close()
    assert disk.names(FOLDER) == [
        "ledger_1-2.committed",
        "ledger_3-5.ignored",
        "ledger_6-7.ignored",
        "ledger_8",
    ]
    assert "ledger_3-5: it is not known to be committed, as all is to 7" in report.text


def test_an_open_chunk_that_a_joiner_finds_is_cut_back() -> None:
    disk = service(". . s . .", commit=0)
    store, _ = joiner(disk, 0)
    append(store, 1, entries(1, ". . s|"))
    store.commit(3)
    store.close()
    assert files(disk) == files(service(". . s|"))


def test_a_snapshot_in_the_middle_of_a_committed_chunk_goes_on_within_it() -> None:
    disk = service()
    store, _ = joiner(disk, 4)
    writes = disk.fault = _Writes()
    assert store.read(3, 4) == [entry_bytes(3), entry_bytes(4)]
    append(store, 5, entries(1, PLAN)[4:])
    store.commit(10)
    store.close()
    disk.fault = None
    assert writes.files == set()
    assert files(disk) == files(service())


def test_a_damaged_file_in_whose_middle_a_snapshot_ends_is_set_aside() -> None:
    disk = service()
    disk.put(FOLDER / "ledger_3-5.committed", bytes(99))
    store, _ = joiner(disk, 4)
    append(store, 5, entries(1, PLAN)[4:])
    store.commit(10)
    store.close()
    assert disk.names(FOLDER) == [
        "ledger_1-2.committed",
        "ledger_3-5.ignored",
        "ledger_5-5.committed",
        "ledger_6-7.committed",
        "ledger_8",
    ]


def test_leftovers_of_a_recovery_are_set_aside() -> None:
    disk = service()
    disk.put(FOLDER / "ledger_11-12.committed.recovery", b"x")
    store, _ = joiner(disk, 0)
    store.close()
    assert "ledger_11-12.committed.recovery.ignored" in disk.names(FOLDER)


def test_two_files_that_begin_with_the_same_entry_are_one_too_many() -> None:
    disk = service()
    disk.put(FOLDER / "ledger_3-4", b"x")
    store, report = joiner(disk, 0)
    assert "ledger_3-4: ledger_3-5 begins with the same entry" in report.text
    append(store, 1, entries(1, PLAN))
    store.commit(10)
    store.close()
    kept = {name: data for name, data in files(disk).items() if "ignored" not in name}
    assert kept == files(service())


def test_a_rollback_while_comparing_cuts_the_file() -> None:
    disk = service(commit=0)
    store, _ = joiner(disk, 0)
    append(store, 1, entries(1, PLAN)[:4])
    store.truncate(3)
    assert disk.names(FOLDER) == ["ledger_1-2", "ledger_3"]
    append(store, 4, entries(4, "s|"))
    store.commit(4)
    store.close()
    assert Chunk.parse(
        ChunkName(first=3, last=4, is_committed=True),
        disk.content(FOLDER / "ledger_3-4.committed"),
    ).is_complete


def test_a_rollback_to_before_a_compared_file_removes_it() -> None:
    disk = service(commit=0)
    store, _ = joiner(disk, 0)
    append(store, 1, entries(1, PLAN)[:3])
    store.truncate(1)
    assert disk.names(FOLDER) == ["ledger_1"]
    assert store.read(1, 1) == [entry_bytes(1)]
    store.close()


def test_a_file_in_a_read_only_directory_is_read_though_it_comes_late() -> None:
    disk = MemoryDisk()
    disk.make_directory(ELSEWHERE)
    store = LedgerStore(
        FOLDER, report=Report(), disk=disk, read_only_directories=[ELSEWHERE]
    )
    store.prepare()
    store.begin(5)
    assert store.read(1, 2) is None
    name = "ledger_1-2.committed"
    disk.put(ELSEWHERE / name, service().content(FOLDER / name))
    assert store.read(1, 9) == [entry_bytes(1), entry_bytes(2)]
    assert store.read_all(1, 3, bytes_max=1000) is None
    assert store.read_all(1, 2, bytes_max=1000) == [entry_bytes(1), entry_bytes(2)]
    assert store.read_all(1, 2, bytes_max=10) is None
    store.close()
    assert not disk.open_files


def test_a_long_ledger_is_read_with_few_files_and_little_memory() -> None:
    disk = MemoryDisk()
    store = store_on(disk)
    store.create()
    for first in range(1, 2001, 100):
        append(store, first, entries(first, ". . . s| " * 25))
    store.commit(2000)
    opened = 0

    def count(operation: Operation, path: Path) -> None:
        nonlocal opened
        del path
        opened += operation is Operation.OPEN

    disk.fault = count
    for first in range(1, 2001, 8):
        wanted = [entry_bytes(seqno) for seqno in range(first, first + 8)]
        assert store.read_all(first, first + 7, bytes_max=10_000) == wanted
        assert len(disk.open_files) <= 5
    assert opened == 500
    store.close()


def test_fresh_entries_are_read_without_the_disk() -> None:
    disk = MemoryDisk()
    store = LedgerStore(FOLDER, report=Report(), disk=disk)
    store.create()
    append(store, 1, entries(1, PLAN))
    disk.fault = FailAt(0, forever=True)
    assert store.read_all(1, 10, bytes_max=10_000) == [
        entry_bytes(seqno) for seqno in range(1, 11)
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "commit", "truncate", "kill", "begin"]),
        st.integers(0, 100),
    ),
    max_size=25,
)
WORDS = (".", ".", "s", "s|", "^.")


class _Model:
    """What a ledger should hold, as a list."""

    def __init__(self) -> None:
        self.entries: list[Planned] = []
        self.committed = 0
        self.begun_after = 0

    @property
    def last(self) -> int:
        return len(self.entries)

    def more(self, number: int) -> list[Planned]:
        """Return some entries, whose kinds and bytes follow from ``number``."""
        first = self.last + 1
        return [
            entry(first + i, WORDS[(number + i) % len(WORDS)], size=number % 40)
            for i in range(1 + number % 4)
        ]


def _check(store: LedgerStore, model: _Model) -> None:
    assert store.last_seqno == model.last
    first = model.begun_after + 1
    found = store.read(first, model.last) if model.last >= first else []
    assert found == [item.data for item in model.entries[model.begun_after :]]


def _committed(disk: MemoryDisk) -> dict[str, bytes]:
    return {
        name: data for name, data in files(disk).items() if name.endswith(".committed")
    }


@pytest.mark.newest
@settings(deadline=None, max_examples=150)
@given(STEPS)
def test_any_order_of_steps_leaves_a_list_of_entries(
    steps: list[tuple[str, int]],
) -> None:
    disk = MemoryDisk()
    store = store_on(disk)
    store.create()
    model = _Model()
    for step, number in steps:
        before = _committed(disk)
        match step:
            case "append":
                more = model.more(number)
                append(store, model.last + 1, more)
                model.entries += more
            case "commit":
                model.committed = max(model.committed, number % (model.last + 1))
                store.commit(model.committed)
            case "truncate":
                keep = max(model.committed, number % (model.last + 1))
                store.truncate(keep)
                del model.entries[keep:]
            case "kill":
                disk = disk.after_kill()
                store = store_on(disk)
                store.open()
                # An earlier run's file may follow: nobody has compared it yet.
                store.truncate(min(store.last_seqno, model.last))
                del model.entries[store.last_seqno :]
                model.committed = store.committed_seqno
            case "begin":
                # A new run: a snapshot up to some entry, then what the service has.
                store.close()
                store, _ = joiner(disk, 0)
                truth, model.entries = model.entries, []
                model.committed = 0
                keep = number % (len(truth) + 1)
                append(store, 1, truth[:keep])
                model.entries = truth[:keep]
                before = {}
            case _:
                raise AssertionError(step)
        for name, data in before.items():
            assert files(disk).get(name) == data, "a committed file changed"
        _check(store, model)
    store.close()
    assert not disk.open_files


def _story(disk: MemoryDisk) -> tuple[LedgerStore, int]:
    """Do every operation; return the store and the last signature it confirmed."""
    store = LedgerStore(
        FOLDER, report=Report(), disk=disk, sync_committable=True, recent_bytes_max=0
    )
    confirmed = 0
    try:
        store.prepare()
        store.begin(0)
        append(store, 1, entries(1, ". s|"))
        confirmed = 2
        append(store, 3, entries(3, ". s . s|"))
        confirmed = 6
        store.commit(3)
        append(store, 7, entries(7, ". s| . ."))
        confirmed = 8
        store.truncate(7)
        confirmed = 6
        append(store, 8, entries(8, "s| . s"))
        confirmed = 10
        store.commit(8)
    except LedgerStoreFailed:
        pass
    return store, confirmed


def _operations() -> int:
    counting = FailAt(1 << 30)
    disk = MemoryDisk(fault=counting)
    store, confirmed = _story(disk)
    assert confirmed == 10
    store.close()
    return counting.count


@pytest.mark.parametrize("written", [0, 3])
@pytest.mark.parametrize("forever", [False, True])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_a_fault_at_any_operation_stops_the_store_and_loses_nothing_confirmed(
    error: int, *, forever: bool, written: int
) -> None:
    for number in range(2, _operations()):
        fault = FailAt(number, error=error, forever=forever, written=written)
        disk = MemoryDisk(fault=fault)
        store, confirmed = _story(disk)
        assert fault.has_failed
        store.close()
        for survivor in (
            disk.after_kill(),
            disk.after_power_loss(lambda most: most // 2),
            disk.after_power_loss(lambda _: 0),
        ):
            _is_whole(survivor, confirmed)


def _is_whole(disk: MemoryDisk, confirmed: int) -> None:
    for name, data in _committed(disk).items():
        assert Chunk.parse(ChunkName.parse(name), data).is_complete
    again = store_on(disk)
    again.open()
    assert again.last_seqno >= confirmed
    if again.last_seqno:
        found = again.read(1, again.last_seqno)
        assert found == [entry_bytes(n) for n in range(1, again.last_seqno + 1)]
    following = again.last_seqno + 1
    append(again, following, [entry(following, "s|")])
    again.commit(following)
    again.close()
    for name, data in files(disk).items():
        if "ignored" not in name:
            Chunk.parse(ChunkName.parse(name), data)


def test_a_full_disk_is_one_plain_sentence() -> None:
    disk = MemoryDisk(bytes_max=100)
    store = store_on(disk)
    store.create()
    with pytest.raises(LedgerStoreFailed) as failure:
        append(store, 1, entries(1, ". . . s"))
    assert str(failure.value) == (
        f"cannot write the ledger in {FOLDER}: no space left on device"
    )
    store.close()
