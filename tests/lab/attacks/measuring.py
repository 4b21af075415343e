"""What processes and folders use, read from ``/proc`` and the file system.

Each function returns 0 for a process that has ended.
"""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from ccfpy.local.node import NodeProcess

PROCESSES = Path("/proc")
_UTIME, _STIME = 11, 12
"""The index of a process's times in ``stat``, behind its name in brackets."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has used."""
    try:
        text = (PROCESSES / str(pid) / "stat").read_text()
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / TICKS_PER_S


def resident_bytes(pid: int) -> int:
    """Return how much memory a process has resident."""
    try:
        lines = (PROCESSES / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    sizes = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(sizes[0]) * 1024 if sizes else 0


def children(pid: int) -> Sequence[int]:
    """Return the ids of a process's children."""
    found: list[int] = []
    for path in (PROCESSES / str(pid) / "task").glob("*/children"):
        with suppress(OSError):  # the thread has ended meanwhile
            found += map(int, path.read_text().split())
    return tuple(found)


def folder_bytes(folder: Path) -> int:
    """Return the size of all files in a folder and below."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # renamed in between
            continue
    return total


def processes_of(nodes: Iterable[NodeProcess]) -> Sequence[int]:
    """Return the process ids of nodes that run: of hosts and of enclaves."""
    hosts = [node.pid for node in nodes if node.is_alive]
    return tuple(pid for host in hosts for pid in (host, *children(host)))
