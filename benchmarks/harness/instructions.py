"""Counts the instructions that this thread runs, which other work does not disturb.

CPU time for the same work differs by several times between a quiet machine and a
crowded one, and between machines. The number of instructions differs by a percent.
Linux on x86-64 counts them, if its processor and its settings allow it
(``perf_event_open``). On other systems no figure exists.
"""

import ctypes
import fcntl
import os
import platform
import struct
import sys
from typing import Self

_SYSCALL = 298
_ATTRIBUTE_BYTES = 128
_INSTRUCTIONS = 1
_DISABLED, _WITHOUT_KERNEL, _WITHOUT_HYPERVISOR = 1 << 0, 1 << 5, 1 << 6
_FLAGS_OFFSET = 40
_ENABLE, _DISABLE, _RESET = 0x2400, 0x2401, 0x2403


class Instructions:
    """A counter that counts while it is entered, however often."""

    def __init__(self) -> None:
        self._descriptor = _open()

    def __enter__(self) -> Self:
        if self._descriptor is not None:
            fcntl.ioctl(self._descriptor, _ENABLE, 0)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            fcntl.ioctl(self._descriptor, _DISABLE, 0)

    def take(self) -> int | None:
        """Return the count, if there is one, and start a new one."""
        if self._descriptor is None:
            return None
        (count,) = struct.unpack("<Q", os.read(self._descriptor, 8))
        fcntl.ioctl(self._descriptor, _RESET, 0)
        return int(count)


def _open() -> int | None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    attribute = bytearray(_ATTRIBUTE_BYTES)
    struct.pack_into("<IIQ", attribute, 0, 0, _ATTRIBUTE_BYTES, _INSTRUCTIONS)
    flags = _DISABLED | _WITHOUT_KERNEL | _WITHOUT_HYPERVISOR
    struct.pack_into("<Q", attribute, _FLAGS_OFFSET, flags)
    buffer = (ctypes.c_char * _ATTRIBUTE_BYTES).from_buffer(attribute)
    descriptor: int = ctypes.CDLL(None).syscall(_SYSCALL, buffer, 0, -1, -1, 0)
    return descriptor if descriptor >= 0 else None
