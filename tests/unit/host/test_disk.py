"""The guarantees of every disk to the stores: the real one, and one in memory."""

import stat
import sys
from pathlib import Path

import pytest

from ccfpy.host.disk import Disk, RealDisk, read_file
from ccfpy.testing.disk import MemoryDisk


@pytest.fixture(params=[RealDisk, MemoryDisk])
def disk(request: pytest.FixtureRequest) -> Disk:
    made: Disk = request.param()
    return made


@pytest.fixture
def folder(disk: Disk, tmp_path: Path) -> Path:
    path = tmp_path / "a" / "b"
    assert not disk.is_directory(path)
    disk.make_directory(path)
    disk.make_directory(path)
    assert disk.is_directory(path)
    assert disk.is_directory(path.parent)
    return path


def test_a_file_is_appended_to_changed_cut_and_read(disk: Disk, folder: Path) -> None:
    file = disk.create(folder / "x")
    file.append(b"hello ")
    file.append(b"world")
    assert file.read_at(6, 100) == b"world"
    assert file.read_at(0, 2) == b"he"
    file.append(b"!")
    file.write_at(0, b"J")
    assert file.size() == 12
    file.append(b"?")
    assert file.read_at(0, 20) == b"Jello world!?"
    file.truncate(5)
    file.append(b"s")
    file.flush()
    assert read_file(disk, folder / "x") == b"Jellos"
    file.sync()
    file.close()
    again = disk.open(folder / "x", is_writable=True)
    again.write_at(1, b"o")
    again.append(b".")
    assert again.read_at(7, 1) == b""
    again.close()
    again.close()
    assert read_file(disk, folder / "x") == b"Jollos."
    disk.sync_directory(folder)


def test_a_file_is_made_only_where_none_is(disk: Disk, folder: Path) -> None:
    disk.create(folder / "x").close()
    with pytest.raises(FileExistsError):
        disk.create(folder / "x")
    with pytest.raises(FileNotFoundError):
        disk.create(folder / "nowhere" / "x")


def test_a_name_takes_the_place_of_another(disk: Disk, folder: Path) -> None:
    for name in ("x", "y"):
        file = disk.create(folder / name)
        file.append(name.encode())
        file.close()
    assert disk.names(folder) == ["x", "y"]
    disk.rename(folder / "x", folder / "y")
    assert disk.names(folder) == ["y"]
    assert read_file(disk, folder / "y") == b"x"
    disk.remove(folder / "y")
    assert disk.names(folder) == []


def test_what_is_not_there_is_the_systems_error(disk: Disk, folder: Path) -> None:
    absent = folder / "absent"
    for attempt in (disk.open, disk.remove, disk.names):
        with pytest.raises(FileNotFoundError):
            attempt(absent)
    with pytest.raises(FileNotFoundError):
        disk.rename(absent, folder / "y")


def test_a_reader_sees_what_a_writer_flushed(disk: Disk, folder: Path) -> None:
    writer = disk.create(folder / "x")
    reader = disk.open(folder / "x")
    writer.append(b"abc")
    assert reader.read_at(0, 3) == b""
    writer.flush()
    assert reader.read_at(0, 3) == b"abc"
    assert reader.size() == 3
    reader.close()
    writer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_its_owner_may_enter_a_folder_that_is_made(tmp_path: Path) -> None:
    made, there = tmp_path / "ledger", tmp_path / "there"
    there.mkdir(mode=0o750)
    for path in (made, there):
        RealDisk().make_directory(path)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE(there.stat().st_mode) == 0o750
