"""The filter of system calls.

What is not allowed fails with ``EPERM``, as it would for want of a right, so that a
library that tries for something better goes on without it, and an application's
mistake shows as an exception where it was made. Killing the process instead would
protect nothing more, since a call that fails has done nothing. Calls with the numbers
of another kind of processor do end it: nobody makes those by mistake.
"""

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from ccfpy.enclave.isolation import kernel
from ccfpy.enclave.isolation.bpf import (
    Guarded,
    Instruction,
    Rule,
    assemble,
    encode,
    only_on,
)
from ccfpy.enclave.isolation.syscalls import (
    ALLOWED,
    NEWEST,
    UNKNOWN,
    Numbers,
    narrowed,
)

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERROR = 0x00050000
REFUSE: Final = _ERROR | errno.EPERM
UNKNOWN_TO_US: Final = _ERROR | errno.ENOSYS

ARCHITECTURES: Final[Mapping[str, int]] = {
    "x86_64": 0xC000003E,
    "aarch64": 0xC00000B7,
}
"""By the kernel's name of a processor, its number in audits (``linux/audit.h``)."""

_SECCOMP = Numbers(317, 277)
_SET_FILTER = 1
_ALL_THREADS = 1
"""``SECCOMP_FILTER_FLAG_TSYNC``: threads that run already are filtered too."""


def filter_for(architecture: str, *, process: int) -> list[Instruction]:
    """Make the filter for a kind of processor and a process by its id."""
    rules = dict(_rules(architecture, process))
    program = assemble(rules, otherwise=REFUSE, beyond=(NEWEST, UNKNOWN_TO_US))
    return only_on(ARCHITECTURES[architecture], program, otherwise=KILL)


def install() -> None:
    """Filter the calls of this process, all its threads, from now on.

    It must have renounced new privileges before.

    Raises:
        OSError: the kernel refuses, or has no such thing.
    """
    architecture = kernel.architecture()
    if architecture is None or architecture not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, "no table of calls for this processor")
    program = filter_for(architecture, process=os.getpid())
    code = kernel.Buffer(encode(program))
    handed = kernel.Buffer(struct.pack("@HP", len(program), code.address))
    number = getattr(_SECCOMP, architecture)
    stray = kernel.call(number, _SET_FILTER, _ALL_THREADS, handed.address)
    if stray:
        raise OSError(errno.EBUSY, "a thread has another filter")


def _rules(architecture: str, process: int) -> Iterator[tuple[int, Rule]]:
    tables = [(numbers, ALLOW) for numbers in ALLOWED.values()]
    tables += [(numbers, UNKNOWN_TO_US) for numbers in UNKNOWN.values()]
    for numbers, action in tables:
        number: int | None = getattr(numbers, architecture)
        if number is not None:
            yield number, action
    for call in narrowed(process).values():
        number = getattr(call.numbers, architecture)
        if number is not None:
            yield number, Guarded(call.conditions, ALLOW, REFUSE)
