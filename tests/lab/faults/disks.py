"""Disks of a size of our choosing, one for each node's ledger, that can be filled.

Each is a tmpfs mounted where the node will write its ledger. Needs Linux and root.
"""

import errno
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from ccfpy.base.errors import CcfpyError

DISK_BYTES = 64 * 1024 * 1024
BLOCK_BYTES = 1024 * 1024
FILLER = "filler"


class DiskRefused(CcfpyError):
    """This machine does not let us mount a disk."""


class SizedDisks:
    """Disks that are unmounted in the end; a context manager."""

    def __init__(self, disk_bytes: int = DISK_BYTES) -> None:
        self._disk_bytes = disk_bytes
        self._mounted: list[Path] = []

    def __enter__(self) -> Self:
        """Mount nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Unmount all; their files are kept in the folders."""
        for folder in reversed(self._mounted):
            self.free(folder)
            # A later look at a run needs its ledgers.
            with tempfile.TemporaryDirectory(dir=folder.parent) as kept:
                shutil.copytree(folder, kept, dirs_exist_ok=True)
                _run("umount", "--lazy", str(folder))
                shutil.copytree(kept, folder, dirs_exist_ok=True)
        self._mounted.clear()

    def mount(self, folder: Path) -> None:
        """Mount a disk at a folder, which is made."""
        folder.mkdir(parents=True)
        size = f"size={self._disk_bytes}"
        _run("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder))
        self._mounted.append(folder)

    def fill(self, folder: Path) -> None:
        """Fill the disk at a folder."""
        with (folder / FILLER).open("wb", buffering=0) as filler:
            for size in (BLOCK_BYTES, 4096):
                try:
                    while filler.write(bytes(size)) == size:
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self, folder: Path) -> None:
        """Free the disk."""
        (folder / FILLER).unlink(missing_ok=True)


def _run(*command: str) -> None:
    done = subprocess.run(  # noqa: S603  # the words are ours; no shell
        command, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DiskRefused(f"{' '.join(command)}: {done.stderr.strip()}")
