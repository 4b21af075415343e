"""Files that a node writes for others to find: its pid, addresses and certificates.

Others poll for these files, so each appears whole or not at all: it is written beside
its place and then renamed.
"""

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Final

from ccfpy.base.errors import ConfigurationRefused

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PidFileExists(ConfigurationRefused):
    """A pid file is there already; the text is CCF's.

    Attributes:
        remedy: what to do about it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"PID file {path} already exists. Exiting.")
        self.remedy = _remedy(path)


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, replacing what was there.

    Raises:
        ConfigurationRefused: the place cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        # A disk that cannot be written may refuse to remove, too.
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        remedy = "make room" if error.errno in _FULL else "create its folder"
        raise ConfigurationRefused(
            f"cannot write {path}: {error.strerror}; "
            f"{remedy} or give another path in output_files"
        ) from None


def claim_pid_file(path: Path) -> None:
    """Write this process's id to ``path``, which must not exist yet.

    Raises:
        PidFileExists: another node claims the file, or left it behind.
        ConfigurationRefused: the place cannot be written.
    """
    if path.exists():
        raise PidFileExists(path)
    write_atomically(path, str(os.getpid()).encode())


def running_process(path: Path) -> int | None:
    """Return the process that a pid file names, or nothing if none of that id runs."""
    pid = _named_process(path)
    return pid if pid is not None and _is_running(pid) else None


def _remedy(path: Path) -> str:
    """Return what to do about a pid file that is there: it may be a lost node's."""
    pid = _named_process(path)
    if pid is None:
        return f"{path} names no process: remove the file if no node runs here"
    if _is_running(pid):
        return (
            f"process {pid} of {path} runs: stop it if it is a node of this folder, or "
            "else remove the file"
        )
    return f"{path} is stale, since process {pid} has ended: remove the file"


def _named_process(path: Path) -> int | None:
    try:
        pid = int(path.read_bytes())
    except (OSError, ValueError):
        return None
    return pid if pid > 0 else None  # others are groups of processes to the system


def _is_running(pid: int) -> bool:
    if sys.platform == "win32":  # where os.kill(pid, 0) would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's, or no id at all
        pass
    return True
