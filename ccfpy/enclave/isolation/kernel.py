"""The kernel's calls that Python has no function for."""

import ctypes
import os
import sys
from functools import cache

_WORD = (1 << 64) - 1
ARGUMENTS_MAX = 6


class Buffer:
    """Bytes at an address that stays, as long as this lives."""

    def __init__(self, data: bytes) -> None:
        self._data = ctypes.create_string_buffer(data, len(data))

    def __len__(self) -> int:
        return len(self._data)

    @property
    def address(self) -> int:
        """Where they are."""
        return ctypes.addressof(self._data)


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def call(number: int, *arguments: int) -> int:
    """Make a system call by its number; addresses are numbers too.

    Raises:
        OSError: the kernel refuses.
    """
    function = _library().syscall
    function.restype = ctypes.c_long
    words = (*arguments, *[0] * (ARGUMENTS_MAX - len(arguments)))
    result: int = function(
        ctypes.c_long(number), *[ctypes.c_uint64(word & _WORD) for word in words]
    )
    return _checked(result)


def prctl(operation: int, argument: int) -> int:
    """Change something about this process.

    Raises:
        OSError: the kernel refuses.
    """
    function = _library().prctl
    words = [ctypes.c_ulong(word) for word in (argument, 0, 0, 0)]
    return _checked(function(ctypes.c_int(operation), *words))


def _checked(result: int) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def architecture() -> str | None:
    """Name the processor whose system calls this process makes; none but on Linux."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return None
    return os.uname().machine
