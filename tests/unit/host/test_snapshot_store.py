"""Snapshots from their first piece to the last byte that a joiner reads."""

import errno
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import SNAPSHOT_READ_BYTES_MAX, SNAPSHOTS_PENDING_MAX
from ccfpy.boundary.effects import ReadSnapshot
from ccfpy.boundary.events import SnapshotRead
from ccfpy.host.snapshot_store import SnapshotStore
from ccfpy.ledger.snapshot import SnapshotName
from ccfpy.testing.disk import FailAt, MemoryDisk
from tests.unit.host.reports import Report

FOLDER, MOUNTED = Path("/node/snapshots"), Path("/mounted")
NAME = SnapshotName(seqno=10, evidence=12)


class _World:
    def __init__(self, *, has_mounted: bool = False) -> None:
        self.disk = MemoryDisk()
        self.disk.make_directory(MOUNTED)
        self.report = Report()
        self.store = SnapshotStore(
            FOLDER,
            report=self.report,
            disk=self.disk,
            read_only_directory=MOUNTED if has_mounted else None,
        )
        self.store.prepare()

    def make(self, name: SnapshotName = NAME) -> None:
        self.store.write(name, b"state ", is_first=True)
        self.store.write(name, b"and more", is_first=False)
        self.commit(name)

    def commit(self, name: SnapshotName = NAME, receipt: bytes = b"{}") -> None:
        finish = self.store.commit(name, receipt)
        if finish is not None:
            finish()

    def put(self, name: str, data: bytes = b"x", *, folder: Path = FOLDER) -> None:
        self.disk.put(folder / name, data)

    def read(
        self,
        name: str | None = None,
        *,
        since: int = 0,
        start: int = 0,
        stop: int = 1 << 40,
    ) -> SnapshotRead:
        return self.store.read(
            ReadSnapshot(request=7, name=name, since=since, start=start, stop=stop)
        )

    @property
    def names(self) -> list[str]:
        return self.disk.names(FOLDER)


def test_a_snapshot_becomes_final_with_its_receipt() -> None:
    world = _World()
    world.store.write(NAME, b"state ", is_first=True)
    assert world.names == ["snapshot_10_12"]
    world.store.write(NAME, b"and more", is_first=False)
    finish = world.store.commit(NAME, b"{}")
    assert world.names == ["snapshot_10_12"]
    assert world.read().name is None
    assert finish is not None
    finish()
    assert world.names == ["snapshot_10_12.committed"]
    assert world.read() == SnapshotRead(
        request=7,
        name="snapshot_10_12.committed",
        size=16,
        start=0,
        data=b"state and more{}",
    )
    assert not world.disk.open_files
    assert "Renamed temporary snapshot snapshot_10_12 to" in world.report.text


def test_a_final_snapshot_survives_the_machine() -> None:
    world = _World()
    world.make()
    survivor = world.disk.after_power_loss(lambda _: 0)
    assert survivor.names(FOLDER) == ["snapshot_10_12.committed"]
    assert survivor.content(FOLDER / "snapshot_10_12.committed").endswith(b"{}")


@pytest.mark.parametrize(
    ("start", "stop", "data"),
    [(0, 5, b"state"), (6, 1 << 62, b"and more{}"), (15, 16, b"}"), (6, 6, b"")],
)
def test_a_part_may_be_asked_for(start: int, stop: int, data: bytes) -> None:
    world = _World()
    world.make()
    answer = world.read("snapshot_10_12.committed", start=start, stop=stop)
    assert (answer.data, answer.size, answer.start) == (data, 16, start)


@pytest.mark.parametrize(("start", "stop"), [(16, 99), (99, 100), (9, 3)])
def test_what_lies_beyond_the_end_is_nothing(start: int, stop: int) -> None:
    world = _World()
    world.make()
    answer = world.read(start=start, stop=stop)
    assert (answer.data, answer.size, answer.start) == (b"", 16, start)


def test_one_answer_is_bounded() -> None:
    world = _World()
    world.put("snapshot_1_2.committed", bytes(SNAPSHOT_READ_BYTES_MAX + 5))
    assert len(world.read().data) == SNAPSHOT_READ_BYTES_MAX
    rest = world.read(start=SNAPSHOT_READ_BYTES_MAX)
    assert len(rest.data) == 5


def test_the_latest_is_found_over_both_directories() -> None:
    world = _World(has_mounted=True)
    world.put("snapshot_5_7.committed", b"own")
    world.put("snapshot_20_22.committed", b"theirs", folder=MOUNTED)
    world.put("snapshot_30_32", folder=MOUNTED)
    assert world.read().name == "snapshot_20_22.committed"
    world.put("snapshot_100_102.committed", b"newest")
    assert world.read().data == b"newest"
    assert world.read("snapshot_20_22.committed").data == b"theirs"
    world.put("snapshot_20_22.committed", b"own copy")
    assert world.read("snapshot_20_22.committed").data == b"own copy"


@pytest.mark.parametrize(("since", "is_given"), [(10, True), (11, False)])
def test_the_latest_may_be_too_old(since: int, *, is_given: bool) -> None:
    world = _World()
    world.make()
    assert (world.read(since=since).name is not None) is is_given


def test_files_that_are_no_final_snapshots_are_ignored_and_said_so_once() -> None:
    world = _World()
    world.put("snapshot_90_92.committed", b"")
    world.put("snapshot_80_82")
    world.put("notes.txt")
    world.make()
    for _ in range(2):
        assert world.read().name == "snapshot_10_12.committed"
    for line in (
        "snapshots: Ignoring empty snapshot file snapshot_90_92.committed",
        "snapshots: Ignoring non-committed snapshot file snapshot_80_82",
        "snapshots: Ignoring non-snapshot file notes.txt",
    ):
        assert world.report.lines.count(line) == 1


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "snapshot_10_12",
        "snapshot_10_12.committed/../../secret",
        "/etc/passwd",
        "",
        "snapshot_10_13.committed",
        "snapshot_10_12.committed\n",
    ],
)
def test_only_a_committed_snapshots_name_is_read(name: str) -> None:
    world = _World()
    world.make()
    world.put("snapshot_10_12", b"unfinished")
    assert world.read(name) == SnapshotRead(
        request=7, name=None, size=0, start=0, data=b""
    )


def test_without_snapshots_there_is_none_to_read() -> None:
    assert _World().read().name is None


def test_a_receipt_for_an_unknown_snapshot_is_reported() -> None:
    world = _World()
    world.commit()
    assert "FAIL Could not find snapshot to commit at 10" in world.report.text
    world.store.write(NAME, b"a piece without a beginning", is_first=False)
    assert world.names == []


def test_a_leftover_of_an_earlier_run_is_begun_anew() -> None:
    world = _World()
    world.put("snapshot_10_12", b"leftover")
    world.make()
    world.store.write(SnapshotName(seqno=20, evidence=22), b"1", is_first=True)
    world.store.write(SnapshotName(seqno=20, evidence=22), b"2", is_first=True)
    world.commit(SnapshotName(seqno=20, evidence=22))
    assert world.read("snapshot_10_12.committed").data == b"state and more{}"
    assert world.read("snapshot_20_22.committed").data == b"2{}"


def test_a_final_snapshot_is_never_written_again() -> None:
    world = _World()
    world.make()
    world.store.write(NAME, b"something else", is_first=True)
    world.commit()
    assert "Cannot write snapshot as file already exists" in world.report.text
    assert world.read().data == b"state and more{}"


def test_one_pending_snapshot_too_many_displaces_the_oldest() -> None:
    world = _World()
    names = [
        SnapshotName(seqno=n, evidence=n + 1)
        for n in range(1, 2 + SNAPSHOTS_PENDING_MAX)
    ]
    for name in names:
        world.store.write(name, b"x", is_first=True)
    assert len(world.disk.open_files) == SNAPSHOTS_PENDING_MAX
    assert str(names[0]) not in world.names
    for name in names:
        world.commit(name)
    assert len(world.names) == SNAPSHOTS_PENDING_MAX


def test_what_is_not_final_goes_when_the_node_stops() -> None:
    world = _World()
    world.make()
    world.store.write(SnapshotName(seqno=20, evidence=22), b"x", is_first=True)
    world.store.close()
    assert world.names == ["snapshot_10_12.committed"]
    assert not world.disk.open_files


@pytest.mark.parametrize("forever", [False, True])
def test_a_fault_anywhere_leaves_a_whole_snapshot_or_none(*, forever: bool) -> None:
    counting = FailAt(1 << 30)
    whole = _World()
    whole.disk.fault = counting
    whole.make()
    for number in range(counting.count):
        world = _World()
        world.disk.fault = FailAt(
            number, error=errno.ENOSPC, forever=forever, written=2
        )
        world.make()
        world.store.close()
        world.disk.fault = None
        assert "FAIL Cannot write snapshot snapshot_10_12: no space" in (
            world.report.text
        )
        for survivor in (world.disk, world.disk.after_power_loss(lambda n: n // 2)):
            for name in survivor.names(FOLDER):
                if name.endswith(".committed"):
                    assert survivor.content(FOLDER / name) == b"state and more{}"


def test_a_disk_that_cannot_be_read_has_no_snapshot() -> None:
    world = _World(has_mounted=True)
    world.make()
    world.disk.fault = FailAt(0, forever=True)
    assert world.read().name is None
    assert world.read("snapshot_10_12.committed").name is None
    world.disk.fault = FailAt(2)
    assert world.read("snapshot_10_12.committed").name is None
    assert "FAIL Cannot read snapshot snapshot_10_12" in world.report.text


def test_directories_must_be_there_or_possible() -> None:
    disk = MemoryDisk(fault=FailAt(0))
    with pytest.raises(ConfigurationRefused, match=r"correct snapshots\.directory"):
        SnapshotStore(FOLDER, report=Report(), disk=disk).prepare()
    with pytest.raises(ConfigurationRefused, match="read-only snapshot is not a dir"):
        SnapshotStore(
            FOLDER,
            report=Report(),
            disk=MemoryDisk(),
            read_only_directory=Path("/nowhere"),
        ).prepare()


def test_only_snapshots_that_became_final_are_timed() -> None:
    world = _World()
    world.make()
    assert sum(world.store.sync_ns.counts) == 1
    assert world.store.sync_ns.total > 0
    world.commit()
    assert sum(world.store.sync_ns.counts) == 1
