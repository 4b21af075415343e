"""Sealed ledger secrets in their folder: written whole, found again by version."""

import errno
from pathlib import Path

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import SEALED_SECRET_BYTES_MAX, SEALED_SECRETS_MAX
from ccfpy.boundary.effects import KeepSealedSecret
from ccfpy.boundary.shape import INTEGER_MAX
from ccfpy.host.sealed_files import SealedFiles, read_sealed
from ccfpy.testing.disk import MemoryDisk, Operation
from tests.unit.host.reports import Report

PLACE = Path("sealed")


class World:
    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.report = Report()
        self.skipped: list[str] = []
        self.files = SealedFiles(PLACE, report=self.report, disk=self.disk)
        self.files.prepare()

    def keep(self, version: int, data: bytes) -> None:
        self.files.keep(KeepSealedSecret(version=version, data=data))

    def put(self, name: str, data: bytes) -> None:
        self.disk.put(PLACE / name, data)

    def read(self) -> tuple[tuple[int, bytes], ...]:
        return read_sealed(PLACE, skipped=self.skipped.append, disk=self.disk)


def test_files_are_given_back_newest_first() -> None:
    world = World()
    assert world.read() == ()
    for version in (1, 30, 4):
        world.keep(version, b"of %d" % version)
    assert world.disk.names(PLACE) == [
        "1.sealed.json",
        "30.sealed.json",
        "4.sealed.json",
    ]
    assert world.read() == ((30, b"of 30"), (4, b"of 4"), (1, b"of 1"))
    assert not world.skipped
    assert not world.report.lines


def test_a_later_secret_takes_the_place_of_one_of_its_version() -> None:
    world = World()
    world.keep(9, b"of a rekey that was rolled back")
    world.keep(9, b"of another")
    assert world.read() == ((9, b"of another"),)


def test_what_a_crash_left_beside_is_written_over() -> None:
    world = World()
    world.put(".9.sealed.json.tmp", b"half")
    world.keep(9, b"whole")
    assert world.read() == ((9, b"whole"),)
    assert not world.skipped


def test_what_is_no_sealed_secret_is_passed_over_and_named() -> None:
    world = World()
    world.put("asdf.sealed.json", b"some data")
    world.put("7.json", b"some data")
    world.put("8.sealed.json", bytes(SEALED_SECRET_BYTES_MAX + 1))
    world.put("9.sealed.json", bytes(SEALED_SECRET_BYTES_MAX))
    assert world.read() == ((9, bytes(SEALED_SECRET_BYTES_MAX)),)
    assert [line.split(" is ")[0] for line in world.skipped] == [
        "sealed/7.json",
        "sealed/asdf.sealed.json",
        "sealed/8.sealed.json",
    ]


def test_no_version_is_too_large_to_tell_the_enclave() -> None:
    world = World()
    world.put(f"{INTEGER_MAX + 1}.sealed.json", b"x")
    assert world.read() == ((INTEGER_MAX, b"x"),)


def test_only_the_newest_are_shown() -> None:
    world = World()
    for version in range(1, SEALED_SECRETS_MAX + 2):
        world.put(f"{version}.sealed.json", b"x")
    versions = [version for version, _ in world.read()]
    assert versions == list(range(SEALED_SECRETS_MAX + 1, 1, -1))


def test_a_node_that_seals_nothing_writes_nothing() -> None:
    world = World()
    files = SealedFiles(None, report=world.report, disk=world.disk)
    files.prepare()
    files.keep(KeepSealedSecret(version=1, data=b"x"))
    assert world.read() == ()


@pytest.mark.parametrize(
    "operation", [Operation.CREATE, Operation.WRITE, Operation.SYNC]
)
def test_a_disk_that_does_not_write_is_reported(operation: Operation) -> None:
    world = World()
    world.keep(1, b"before")

    def fail(met: Operation, _: Path) -> None:
        if met is operation:
            raise OSError(errno.EIO, "Input/output error")

    world.disk.fault = fail
    world.keep(1, b"after")
    (line,) = world.report.lines
    assert line == (
        "sealed_files: FAIL Cannot write sealed/1.sealed.json: Input/output error"
    )
    world.disk.fault = lambda _operation, _path: None
    assert world.read() == ((1, b"before"),)


def test_a_disk_that_does_not_read_is_reported() -> None:
    world = World()
    world.keep(1, b"x")

    def fail(met: Operation, _: Path) -> None:
        if met is Operation.READ:
            raise OSError(errno.EIO, "Input/output error")

    world.disk.fault = fail
    assert world.read() == ()
    assert world.skipped == ["Cannot read sealed/1.sealed.json: Input/output error"]


def test_a_place_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    files = SealedFiles(tmp_path / "file/below", report=Report())
    with pytest.raises(ConfigurationRefused, match="sealed_ledger_secret_location"):
        files.prepare()
    with pytest.raises(ConfigurationRefused, match="previous_sealed"):
        read_sealed(tmp_path / "nowhere", skipped=print)
