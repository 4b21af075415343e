"""The disk in memory: what each place keeps, and how it fails."""

import errno
from pathlib import Path

import pytest

from ccfpy.host.disk import read_file
from ccfpy.testing.disk import BUFFER_BYTES, FailAt, MemoryDisk, Operation, Torn

FOLDER = Path("/ledger")
X, Y = FOLDER / "x", FOLDER / "y"


def _disk() -> MemoryDisk:
    disk = MemoryDisk()
    disk.make_directory(FOLDER)
    return disk


def _nothing(most: int) -> int:
    del most
    return 0


def _all(most: int) -> int:
    return most


def test_a_kill_loses_what_was_not_flushed() -> None:
    disk = _disk()
    file = disk.create(X)
    file.append(b"flushed")
    file.flush()
    file.append(b"lost")
    survivor = disk.after_kill()
    assert survivor.content(X) == b"flushed"
    file.append(bytes(BUFFER_BYTES))
    assert len(disk.after_kill().content(X)) == 7 + 4 + BUFFER_BYTES
    assert len(survivor.content(X)) == 7


def test_a_power_loss_loses_what_was_not_synced() -> None:
    disk = _disk()
    file = disk.create(X)
    disk.sync_directory(FOLDER)
    file.append(b"synced")
    file.sync()
    file.append(b"flushed")
    file.flush()
    file.truncate(2)
    file.write_at(0, b"S")
    assert disk.after_power_loss(_nothing).content(X) == b"synced"
    assert disk.after_power_loss(_all).content(X) == b"Sy"
    torn = iter([0, 1, 3, 0, 0])
    assert disk.after_power_loss(lambda _: next(torn)).content(X) == b"syncedflushed"
    torn = iter([0, 0, 3])
    assert disk.after_power_loss(lambda _: next(torn)).content(X) == b"syncedflu"


def test_a_power_loss_loses_names_that_were_not_synced() -> None:
    disk = _disk()
    disk.create(X).close()
    assert disk.after_power_loss(_nothing).names(FOLDER) == []
    disk.sync_directory(FOLDER)
    disk.rename(X, Y)
    assert disk.after_power_loss(_nothing).names(FOLDER) == ["x"]
    assert disk.after_power_loss(_all).names(FOLDER) == ["y"]
    disk.remove(Y)
    assert disk.after_power_loss(lambda most: most // 2).names(FOLDER) == ["y"]


def test_a_full_disk_takes_what_fits() -> None:
    disk = _disk()
    disk.bytes_max = 10
    file = disk.create(X)
    file.append(b"0123456")
    file.flush()
    file.append(b"789abc")
    with pytest.raises(OSError, match="No space") as full:
        file.flush()
    assert full.value.errno == errno.ENOSPC
    assert disk.content(X) == b"0123456789"
    with pytest.raises(OSError, match="No space"):
        file.close()
    assert not disk.open_files
    disk.remove(X)
    disk.create(Y).close()


def test_an_operation_of_a_number_fails_once_or_from_then_on() -> None:
    disk = _disk()
    disk.fault = once = FailAt(1)
    disk.create(X).close()
    with pytest.raises(OSError, match="Input/output"):
        disk.open(X)
    disk.open(X).close()
    assert once.has_failed
    disk.fault = FailAt(0, error=errno.EROFS, forever=True)
    for _ in range(2):
        with pytest.raises(OSError, match="Read-only"):
            disk.names(FOLDER)


def test_a_write_may_be_torn() -> None:
    disk = _disk()
    file = disk.create(X)
    disk.fault = FailAt(0, written=2)
    file.append(b"abcdef")
    with pytest.raises(Torn):
        file.flush()
    disk.fault = None
    assert disk.content(X) == b"ab"


def test_a_fault_sees_each_operation_with_its_place() -> None:
    seen: list[tuple[Operation, str]] = []
    disk = MemoryDisk(fault=lambda operation, path: seen.append((operation, path.name)))
    disk.make_directory(FOLDER)
    file = disk.create(X)
    file.append(b"x")
    file.sync()
    file.truncate(0)
    file.close()
    disk.rename(X, Y)
    assert read_file(disk, Y) == b""
    disk.remove(Y)
    disk.sync_directory(FOLDER)
    assert seen == [
        (Operation.MAKE_DIRECTORY, "ledger"),
        (Operation.CREATE, "x"),
        (Operation.WRITE, "x"),
        (Operation.SYNC, "x"),
        (Operation.TRUNCATE, "x"),
        (Operation.RENAME, "x"),
        (Operation.OPEN, "y"),
        (Operation.READ, "y"),
        (Operation.REMOVE, "y"),
        (Operation.SYNC_DIRECTORY, "ledger"),
    ]


def test_misuse_is_a_defect() -> None:
    disk = _disk()
    disk.put(X, b"x")
    reader = disk.open(X)
    with pytest.raises(AssertionError, match="for reading"):
        reader.append(b"y")
    reader.close()
    with pytest.raises(AssertionError, match="closed"):
        reader.read_at(0, 1)
