"""The filter of system calls.

What is not allowed fails with ``EPERM``, as it would for want of a right, so that a
library that tries for something better goes on without it, and an application's
mistake shows as an exception where it was made. Killing the process instead would
protect nothing more, since a call that fails has done nothing. Calls with the numbers
of another kind of processor do end it: nobody makes those by mistake.

Programs of classic BPF that decide about system calls.

A filter sees the number, the processor's kind and the arguments of a call (``struct
seccomp_data``), and answers with an action. What is here turns a table of numbers into
such a program: a search by halves, so that the last number is found as fast as the
first. Since Linux 5.11 the kernel notes once which numbers are always allowed, and runs
no program for them.

The system calls that a node needs after it has read all files, and no other.

The list names allowed calls, not forbidden calls: a kernel has some 360 calls and gets
more with each version, while a process that computes and speaks over two pipes needs
few, which hardly change. Numbers are of ``asm/unistd_64.h`` (x86-64) and
``asm-generic/unistd.h`` (aarch64).

None of these calls opens, makes or connects anything. They move data only through
descriptors that are open already: the channel, the null device and a meter of memory.
"""

import errno
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from ccfpy.enclave.isolation import kernel

LOAD: Final = 0x20
"""The accumulator becomes the word at ``k`` of the data."""
AND: Final = 0x54
JUMP: Final = 0x05
JUMP_IF_EQUAL: Final = 0x15
JUMP_IF_NOT_LESS: Final = 0x35
RETURN: Final = 0x06

NUMBER_AT: Final = 0
ARCHITECTURE_AT: Final = 4
ARGUMENTS_AT: Final = 16
_ARGUMENT_BYTES = 8
_WORD_BYTES = 4

WORD: Final = 0xFFFFFFFF
FAR: Final = 255
"""How far a conditional jump reaches."""
PROGRAM_MAX: Final = 4096
"""Instructions that the kernel takes."""


class Instruction(NamedTuple):
    """One instruction: jumps count from the next one."""

    code: int
    k: int
    if_true: int = 0
    if_false: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """An argument, masked, is a value; all of 64 bits, which processors give in halves.

    Attributes:
        argument: its place, from 0.
    """

    argument: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class Guarded:
    """An action where conditions hold, all of them, and another where they do not."""

    conditions: Sequence[Condition]
    then: int
    otherwise: int


Rule: TypeAlias = "int | Guarded"
"""What to answer for a number: an action, or one that depends on arguments."""


def assemble(
    rules: Mapping[int, Rule], *, otherwise: int, beyond: tuple[int, int]
) -> list[Instruction]:
    """Make the part of a program that decides by number.

    Args:
        rules: by number.
        otherwise: what is answered for numbers that are not among them.
        beyond: from which number on another action is answered, and which.
    """
    end, last = beyond
    starts: list[tuple[int, Rule]] = [(0, otherwise)]
    for number, rule in sorted(rules.items()):
        assert 0 <= number < end, f"no number of a call: {number}"
        _begin(starts, number, rule)
        _begin(starts, number + 1, otherwise)
    _begin(starts, end, last)
    return [Instruction(LOAD, NUMBER_AT), *_search(starts)]


def only_on(
    architecture: int, program: Sequence[Instruction], *, otherwise: int
) -> list[Instruction]:
    """Make a program answer for one kind of processor, whose numbers it has."""
    return [
        Instruction(LOAD, ARCHITECTURE_AT),
        Instruction(JUMP_IF_EQUAL, architecture, if_true=1),
        Instruction(RETURN, otherwise),
        *program,
    ]


def encode(program: Sequence[Instruction]) -> bytes:
    """Write a program as an array of ``struct sock_filter``."""
    assert len(program) <= PROGRAM_MAX, "the kernel takes no longer one"
    return b"".join(
        struct.pack("=HBBI", code, if_true, if_false, k)
        for code, k, if_true, if_false in program
    )


def _begin(starts: list[tuple[int, Rule]], number: int, rule: Rule) -> None:
    """From a number on there is another rule; neighbours with the same are one."""
    if starts[-1][0] == number:
        del starts[-1]
    if not starts or starts[-1][1] != rule:
        starts.append((number, rule))


def _search(starts: Sequence[tuple[int, Rule]]) -> list[Instruction]:
    if len(starts) == 1:
        return _answer(starts[0][1])
    middle = len(starts) // 2
    below, above = _search(starts[:middle]), _search(starts[middle:])
    number = starts[middle][0]
    if len(below) <= FAR:
        jump = [Instruction(JUMP_IF_NOT_LESS, number, if_true=len(below))]
    else:
        jump = [
            Instruction(JUMP_IF_NOT_LESS, number, if_false=1),
            Instruction(JUMP, len(below)),
        ]
    return [*jump, *below, *above]


def _answer(rule: Rule) -> list[Instruction]:
    if isinstance(rule, int):
        return [Instruction(RETURN, rule)]
    steps = [step for condition in rule.conditions for step in _steps(condition)]
    # Each comparison that fails jumps behind all others and the answer after them.
    checked = [
        step._replace(if_false=len(steps) - place)
        if step.code == JUMP_IF_EQUAL
        else step
        for place, step in enumerate(steps)
    ]
    return [
        *checked,
        Instruction(RETURN, rule.then),
        Instruction(RETURN, rule.otherwise),
    ]


def _steps(condition: Condition) -> list[Instruction]:
    """Compare the low half and the high one, as far as they are asked about."""
    steps = []
    for half in range(2):
        shift = 32 * half
        mask = condition.mask >> shift & WORD
        if not mask:
            continue
        place = condition.argument * _ARGUMENT_BYTES + half * _WORD_BYTES
        steps.append(Instruction(LOAD, ARGUMENTS_AT + place))
        if mask != WORD:
            steps.append(Instruction(AND, mask))
        steps.append(Instruction(JUMP_IF_EQUAL, condition.value >> shift & WORD))
    return steps


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
