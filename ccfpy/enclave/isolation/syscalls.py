"""The system calls that a node needs after it has read all files, and no other.

The list names allowed calls, not forbidden calls: a kernel has some 360 calls and gets
more with each version, while a process that computes and speaks over two pipes needs
few, which hardly change. Numbers are of ``asm/unistd_64.h`` (x86-64) and
``asm-generic/unistd.h`` (aarch64).

None of these calls opens, makes or connects anything. They move data only through
descriptors that are open already: the channel, the null device and a meter of memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ccfpy.enclave.isolation.bpf import Condition


class Numbers(NamedTuple):
    """A call's number; nothing where a processor has no such call."""

    x86_64: int | None
    aarch64: int | None


ALLOWED: Final[Mapping[str, Numbers]] = {
    # Bytes through what is open.
    "read": Numbers(0, 63),
    "write": Numbers(1, 64),
    "writev": Numbers(20, 66),
    "pread64": Numbers(17, 67),
    "close": Numbers(3, 57),
    "poll": Numbers(7, None),
    "ppoll": Numbers(271, 73),
    "select": Numbers(23, None),
    "pselect6": Numbers(270, 72),
    # Memory, of compiled WebAssembly too.
    "mmap": Numbers(9, 222),
    "munmap": Numbers(11, 215),
    "mprotect": Numbers(10, 226),
    "mremap": Numbers(25, 216),
    "madvise": Numbers(28, 233),
    "brk": Numbers(12, 214),
    # Threads: of JavaScript's engine, and of libraries that compute.
    "futex": Numbers(202, 98),
    "set_robust_list": Numbers(273, 99),
    "rseq": Numbers(334, 293),
    "membarrier": Numbers(324, 283),
    "sched_yield": Numbers(24, 124),
    "sched_getaffinity": Numbers(204, 123),
    "getcpu": Numbers(309, 168),
    # Who it is; these cannot fail, so that an error would pass for an id.
    "gettid": Numbers(186, 178),
    "getpid": Numbers(39, 172),
    "getppid": Numbers(110, 173),
    "getuid": Numbers(102, 174),
    "geteuid": Numbers(107, 175),
    "getgid": Numbers(104, 176),
    "getegid": Numbers(108, 177),
    # Signals: a trap of WebAssembly is one.
    "rt_sigaction": Numbers(13, 134),
    "rt_sigprocmask": Numbers(14, 135),
    "rt_sigreturn": Numbers(15, 139),
    "sigaltstack": Numbers(131, 132),
    "restart_syscall": Numbers(219, 128),
    # Time and chance.
    "clock_gettime": Numbers(228, 113),
    "clock_getres": Numbers(229, 114),
    "clock_nanosleep": Numbers(230, 115),
    "nanosleep": Numbers(35, 101),
    "gettimeofday": Numbers(96, 169),
    "time": Numbers(201, None),
    "setitimer": Numbers(38, 103),
    "getrandom": Numbers(318, 278),
    # What the machine is like: how much memory, and how much of it is ours.
    "sysinfo": Numbers(99, 179),
    "uname": Numbers(63, 160),
    "getrusage": Numbers(98, 165),
    # The end.
    "exit": Numbers(60, 93),
    "exit_group": Numbers(231, 94),
}

_THREAD = 0x00010100
"""``CLONE_VM | CLONE_THREAD``: what is made shares all that this process has."""
_SET_NAME = 15
"""``PR_SET_NAME``, of a thread."""
_ALL = (1 << 64) - 1
_INT = (1 << 32) - 1
_SEV_GUEST_REPORT = 0xC0205300
"""The number of a request for a report; that for a key is the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowed:
    """A call that is allowed with some arguments alone."""

    numbers: Numbers
    conditions: tuple[Condition, ...]


def narrowed(process: int) -> Mapping[str, Narrowed]:
    """Return the calls that depend on their arguments, for a process by its id."""
    return {
        "clone": Narrowed(
            numbers=Numbers(56, 220), conditions=(Condition(0, _THREAD, _THREAD),)
        ),
        "prctl": Narrowed(
            numbers=Numbers(157, 167), conditions=(Condition(0, _INT, _SET_NAME),)
        ),
        # To ask the processor beneath a guest on SEV-SNP, if its device was opened
        # before: for a report, and for a key (``platforms/snp.py``).
        "ioctl": Narrowed(
            numbers=Numbers(16, 29),
            conditions=(Condition(1, _INT & ~1, _SEV_GUEST_REPORT),),
        ),
        # To end by a signal of one's own, which is what abort() does.
        "tgkill": Narrowed(
            numbers=Numbers(234, 131), conditions=(Condition(0, _INT, process),)
        ),
        # To read a limit of one's own.
        "prlimit64": Narrowed(
            numbers=Numbers(302, 261),
            conditions=(Condition(0, _INT, 0), Condition(2, _ALL, 0)),
        ),
    }


UNKNOWN: Final[Mapping[str, Numbers]] = {
    # Its arguments are in memory, where no filter sees them; the C library takes clone.
    "clone3": Numbers(435, 435),
    # The engine copies what it would map.
    "memfd_create": Numbers(319, 279),
}
"""Calls that are answered as by a kernel without them, so that others are made."""

NEWEST: Final = 470
"""From this number on the C library may know calls that this table does not name. They
get the same answer."""
