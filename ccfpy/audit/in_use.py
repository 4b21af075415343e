"""Whether a process has files of a folder open for writing, as a running node has.

Linux shows only the processes that this user may inspect. Nodes in other containers, on
other machines, or of other users are not seen. Code that changes a folder therefore
also compares the folder's files with what it read.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ccfpy.base.errors import CcfpyError

try:
    import fcntl as _fcntl
except ImportError:  # on Windows
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl

PROCESSES = Path("/proc")
_OCTAL = 8


class InUse(CcfpyError):
    """Somebody else writes in a folder."""


def writers(folder: Path, *, processes: Path = PROCESSES) -> list[int]:
    """Return the processes that have a file below the folder open for writing."""
    found = []
    inside = str(folder.resolve()) + os.sep
    for process in processes.glob("[0-9]*"):
        try:
            descriptors = list((process / "fd").iterdir())
        except OSError:
            continue  # it has ended, or is not ours to look at
        if any(_is_written(each, inside) for each in descriptors):
            found.append(int(process.name))
    return sorted(found)


def _is_written(descriptor: Path, inside: str) -> bool:
    try:
        if not str(descriptor.readlink()).startswith(inside):
            return False
        told = (descriptor.parent.parent / "fdinfo" / descriptor.name).read_text()
    except OSError:
        return False
    flags = next(
        int(line.split()[1], _OCTAL)
        for line in told.splitlines()
        if line.startswith("flags:")
    )
    return flags & os.O_ACCMODE != os.O_RDONLY


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder against other repairs, and check that no process writes in it.

    Raises:
        InUse: a process does, or folders cannot be locked on this system.
        OSError: the folder cannot be opened.
    """
    if fcntl is None:
        raise InUse(f"{sys.platform} locks no folders: repair a copy on Linux or macOS")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(f"{folder} is being repaired by another process") from error
        writing = writers(folder)
        if writing:
            raise InUse(
                f"process {writing[0]} has files of {folder} open for writing: stop it"
            )
        yield
    finally:
        os.close(descriptor)
