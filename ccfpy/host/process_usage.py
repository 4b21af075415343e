"""What a process takes of its machine, where Linux says so under ``/proc``."""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ccfpy.boundary.metrics import NS_PER_S

_TICK_NS = NS_PER_S // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)
# Counted from the third field of ``/proc/PID/stat`` on: what comes before may contain
# spaces (``proc_pid_stat(5)``).
_USER, _SYSTEM, _STARTED, _PAGES = 11, 12, 19, 21


class ProcessUsage(NamedTuple):
    """What one process takes.

    Attributes:
        resident_bytes: memory in use.
        cpu_ns: processor time used.
        started_ns: since 1970.
        open_files: descriptors; nothing where only root may count them.
    """

    resident_bytes: int
    cpu_ns: int
    started_ns: int
    open_files: int | None


def usage_of(process_id: int) -> ProcessUsage | None:
    """Return what a process takes; nothing if it is gone, or nobody says."""
    place = Path(f"/proc/{process_id}")
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        booted_ns = _booted_ns()
    except OSError:
        return None
    open_files = None
    with suppress(OSError):
        open_files = sum(1 for _ in (place / "fd").iterdir())
    return ProcessUsage(
        resident_bytes=int(fields[_PAGES]) * os.sysconf("SC_PAGESIZE"),
        cpu_ns=(int(fields[_USER]) + int(fields[_SYSTEM])) * _TICK_NS,
        started_ns=booted_ns + int(fields[_STARTED]) * _TICK_NS,
        open_files=open_files,
    )


def _booted_ns() -> int:
    """Return when the machine started, since 1970."""
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) * NS_PER_S
    return 0
