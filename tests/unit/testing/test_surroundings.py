"""A node that lives alone has nobody beyond its host."""

import pytest

from ccfpy.app import App
from ccfpy.base import limits
from ccfpy.boundary.effects import (
    CommitLedger,
    CommitSnapshot,
    ForgetBlobs,
    ReadBlob,
    ReadSnapshot,
    StoreBlob,
    WriteSnapshot,
)
from ccfpy.testing.configuration import Person
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.surroundings import Alone, BlobShelf, Recorded, SnapshotFolder


def test_alone_everything_is_left_to_the_host() -> None:
    node = InProcessNode(
        App("idle"), constitution="", members=[Person.make("amy", can_recover=True)]
    )
    alone = Alone()
    assert not alone.take(node, CommitLedger(seqno=1))
    alone.settle()
    before = node.now_ms
    alone.pass_time(node, 7)
    assert node.now_ms == before + 7


def test_a_host_begins_with_nothing() -> None:
    host = Recorded()
    assert host.entries == []
    assert host.after == host.commit == 0


def test_blobs_are_kept_by_series_and_name() -> None:
    shelf = BlobShelf()
    for series in (1, 2):
        shelf.keep(StoreBlob(series=series, name="a", data=b"%d" % series))
    assert shelf.read(ReadBlob(request=7, series=1, name="a")).data == b"1"
    assert shelf.read(ReadBlob(request=7, series=1, name="b")).data is None
    shelf.keep(ForgetBlobs(series=1))
    assert shelf.read(ReadBlob(request=7, series=1, name="a")).data is None
    assert shelf.blobs == {(2, "a"): b"2"}


def ask(name: str | None = None, *, since: int = 0, start: int = 0) -> ReadSnapshot:
    return ReadSnapshot(request=1, name=name, since=since, start=start, stop=10**9)


def write(folder: SnapshotFolder, seqno: int, *pieces: bytes) -> None:
    for at, data in enumerate(pieces):
        folder.write(
            WriteSnapshot(
                seqno=seqno, evidence_seqno=seqno + 1, data=data, is_first=at == 0
            )
        )


def commit(folder: SnapshotFolder, seqno: int) -> None:
    folder.commit(CommitSnapshot(seqno=seqno, evidence_seqno=seqno + 1, receipt=b"{}"))


def test_a_file_is_final_once_it_has_its_receipt() -> None:
    folder = SnapshotFolder()
    write(folder, 5, b"one", b"two")
    assert folder.committed() == {}
    assert folder.read(ask()).name is None
    assert folder.read(ask("snapshot_5_6")).name is None
    commit(folder, 5)
    assert folder.committed() == {"snapshot_5_6.committed": b"onetwo{}"}


def test_the_latest_is_the_one_with_the_highest_seqno() -> None:
    folder = SnapshotFolder()
    for seqno in (9, 10):
        write(folder, seqno, b"data")
        commit(folder, seqno)
    read = folder.read(ask(since=10, start=4))
    assert (read.name, read.size, read.start, read.data) == (
        "snapshot_10_11.committed",
        6,
        4,
        b"{}",
    )
    assert folder.read(ask(since=11)).name is None
    assert folder.read(ask("snapshot_9_10.committed")).data == b"data{}"


def test_one_read_gives_so_much_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SNAPSHOT_READ_BYTES_MAX", 3)
    folder = SnapshotFolder()
    write(folder, 1, b"data")
    commit(folder, 1)
    assert folder.read(ask()).data == b"dat"
