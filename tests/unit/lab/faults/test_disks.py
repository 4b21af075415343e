"""A disk that is full, and has room again."""

import errno
import os
import sys
from pathlib import Path

import pytest

from tests.lab.faults.disks import DiskRefused, SizedDisks


def test_a_disk_is_filled_and_freed_and_leaves_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with SizedDisks(1 << 20) as disks:
        try:
            disks.mount(folder)
        except (DiskRefused, FileNotFoundError) as error:
            pytest.skip(f"no disk can be mounted here: {error}")
        file = folder / "file"
        file.write_bytes(bytes(1000))
        disks.fill(folder)
        with pytest.raises(OSError, match="space") as caught:
            (folder / "other").write_bytes(bytes(10_000))
        assert caught.value.errno == errno.ENOSPC
        disks.free(folder)
        (folder / "other").write_bytes(bytes(10_000))
        assert file.stat().st_size == 1000
        disks.fill(folder)
        assert folder.is_mount()
    assert not folder.is_mount()
    assert {path.name for path in folder.iterdir()} == {"file", "other"}
    assert [path.name for path in tmp_path.iterdir()] == ["disk"]


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.geteuid() == 0, reason="root may mount"
)
def test_who_may_not_mount_is_told_why(tmp_path: Path) -> None:
    with SizedDisks() as disks, pytest.raises(DiskRefused, match="mount"):
        disks.mount(tmp_path / "disk")
