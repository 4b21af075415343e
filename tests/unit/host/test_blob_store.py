"""Blobs: kept, given back, forgotten by series, and gone with the next start."""

import errno
from pathlib import Path

import pytest

from ccfpy.boundary.effects import ForgetBlobs, ReadBlob, StoreBlob
from ccfpy.boundary.events import BlobRead
from ccfpy.host.blob_store import DIRECTORY, BlobStore
from ccfpy.testing.disk import MemoryDisk, Operation
from tests.unit.host.reports import Report

NAME = "0a" * 32


class World:
    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.report = Report()
        self.store = BlobStore(report=self.report, disk=self.disk)

    def keep(self, data: bytes = b"sealed", *, series: int = 1) -> None:
        self.store.store(StoreBlob(series=series, name=NAME, data=data))

    def read(self, series: int = 1) -> bytes | None:
        answer = self.store.read(ReadBlob(request=5, series=series, name=NAME))
        assert answer == BlobRead(request=5, data=answer.data)
        return answer.data


def test_a_blob_is_given_back() -> None:
    world = World()
    assert world.read() is None
    world.keep()
    assert world.read() == b"sealed"
    assert world.read(series=11) is None
    assert world.disk.names(DIRECTORY) == [f"1.{NAME}"]


def test_a_later_blob_takes_the_place_of_one_of_its_name() -> None:
    world = World()
    world.keep(b"a longer one")
    world.keep(b"short")
    assert world.read() == b"short"


def test_a_series_is_forgotten_alone() -> None:
    world = World()
    for series in (1, 11, 2):
        world.keep(series=series)
    world.store.forget(ForgetBlobs(series=1))
    assert world.read(1) is None
    assert world.read(11) == world.read(2) == b"sealed"
    world.store.forget(ForgetBlobs(series=7))
    assert not world.report.lines


def test_a_start_clears_what_an_earlier_run_left_and_nothing_else() -> None:
    world = World()
    world.keep()
    world.disk.put(DIRECTORY / "notes.txt", b"an operator's")
    BlobStore(report=world.report, disk=world.disk).clear()
    assert world.disk.names(DIRECTORY) == ["notes.txt"]
    BlobStore(directory=Path("/nowhere"), report=world.report, disk=world.disk).clear()
    assert not world.report.lines


@pytest.mark.parametrize(
    ("operation", "complaint"),
    [
        (Operation.CREATE, "Cannot write"),
        (Operation.WRITE, "Cannot write"),
        (Operation.OPEN, "Cannot read"),
        (Operation.REMOVE, "Cannot clear"),
    ],
)
def test_what_the_disk_cannot_do_is_said_and_ends_nothing(
    operation: Operation, complaint: str
) -> None:
    world = World()
    world.keep()

    def fail(met: Operation, _: Path) -> None:
        if met is operation:
            raise OSError(errno.EIO, "Input/output error")

    world.disk.fault = fail
    world.keep(series=2)
    world.read()
    world.store.forget(ForgetBlobs(series=1))
    (line,) = world.report.lines
    assert line.startswith(f"blob_store: FAIL {complaint} .index")
    assert line.endswith("Input/output error")
