"""What a process shows of itself without being asked: environment, streams, crashes."""

import ctypes
import faulthandler
import os
import sys
from pathlib import Path

_STREAMS = 3
_ENVIRONMENT_FIELDS = (50, 51)
"""In ``/proc/self/stat``: where the environment begins and ends (proc(5))."""
_FIRST_AFTER_NAME = 3


def silence() -> None:
    """Lead stdin, stdout and stderr nowhere, and print nothing at a fault."""
    faulthandler.disable()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(_STREAMS):
        os.dup2(null, stream)
    if null >= _STREAMS:
        os.close(null)


def forget_environment() -> None:
    """Empty the environment, in the memory too from which ``/proc`` shows it."""
    os.environ.clear()
    if sys.platform == "linux":
        start, end = _environment()
        ctypes.memset(start, 0, end - start)


def _environment() -> tuple[int, int]:
    line = Path("/proc/self/stat").read_text(encoding="utf-8")
    # The name before may hold anything, spaces and parentheses too.
    fields = line.rpartition(")")[2].split()
    start, end = (int(fields[n - _FIRST_AFTER_NAME]) for n in _ENVIRONMENT_FIELDS)
    return start, end
