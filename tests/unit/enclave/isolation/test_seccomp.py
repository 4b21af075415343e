"""The filter, asked about calls of both processors."""

import pytest

from ccfpy.enclave.isolation.seccomp import (
    ALLOW,
    ALLOWED,
    ARCHITECTURES,
    KILL,
    NEWEST,
    REFUSE,
    UNKNOWN_TO_US,
    Numbers,
    filter_for,
)
from ccfpy.enclave.platforms.snp import GET_DERIVED_KEY, GET_REPORT
from tests.unit.enclave.isolation.machine import run

PROCESS = 4321

FORBIDDEN = {
    "open": Numbers(2, None),
    "openat": Numbers(257, 56),
    "openat2": Numbers(437, 437),
    "newfstatat": Numbers(262, 79),
    "unlinkat": Numbers(263, 35),
    "mount": Numbers(165, 40),
    "socket": Numbers(41, 198),
    "socketpair": Numbers(53, 199),
    "connect": Numbers(42, 203),
    "bind": Numbers(49, 200),
    "accept4": Numbers(288, 242),
    "sendto": Numbers(44, 206),
    "recvfrom": Numbers(45, 207),
    "sendmsg": Numbers(46, 211),
    "recvmsg": Numbers(47, 212),
    "fork": Numbers(57, None),
    "vfork": Numbers(58, None),
    "execve": Numbers(59, 221),
    "execveat": Numbers(322, 281),
    "ptrace": Numbers(101, 117),
    "process_vm_readv": Numbers(310, 270),
    "process_vm_writev": Numbers(311, 271),
    "process_madvise": Numbers(440, 440),
    "kill": Numbers(62, 129),
    "pidfd_open": Numbers(434, 434),
    "pidfd_getfd": Numbers(438, 438),
    "unshare": Numbers(272, 97),
    "setns": Numbers(308, 268),
    "bpf": Numbers(321, 280),
    "perf_event_open": Numbers(298, 241),
    "userfaultfd": Numbers(323, 282),
    "io_uring_setup": Numbers(425, 425),
    "keyctl": Numbers(250, 219),
    "seccomp": Numbers(317, 277),
    "shmat": Numbers(30, 196),
    "ioctl": Numbers(16, 29),
    "dup3": Numbers(292, 24),
    "init_module": Numbers(175, 105),
    "kexec_load": Numbers(246, 104),
    "reboot": Numbers(169, 142),
    "arch_prctl": Numbers(158, None),
}

THREAD = 0x3D0F00
"""The flags with which the C library makes a thread."""
NEITHER = 0x11
"""Those of a new process: a signal for its end, and nothing shared."""
NEW_NAMESPACE = 0x10000000

WITH_ARGUMENTS = {
    "a thread": (Numbers(56, 220), [THREAD], ALLOW),
    "a process": (Numbers(56, 220), [NEITHER], REFUSE),
    "a process that shares memory": (Numbers(56, 220), [0x4111], REFUSE),
    "a process in a namespace": (Numbers(56, 220), [NEW_NAMESPACE | 17], REFUSE),
    "a thread's name": (Numbers(157, 167), [15], ALLOW),
    "to be dumpable": (Numbers(157, 167), [4, 1], REFUSE),
    "to survive the parent": (Numbers(157, 167), [1, 0], REFUSE),
    "to ask for a report": (Numbers(16, 29), [7, GET_REPORT, 1 << 40], ALLOW),
    "to ask for a key": (Numbers(16, 29), [7, GET_DERIVED_KEY, 1 << 40], ALLOW),
    "to ask for more": (Numbers(16, 29), [7, GET_DERIVED_KEY + 1, 0], REFUSE),
    "to type on a terminal": (Numbers(16, 29), [0, 0x5412, 0], REFUSE),
    "to end itself": (Numbers(234, 131), [PROCESS, 1, 6], ALLOW),
    "to end another": (Numbers(234, 131), [PROCESS + 1, 1, 6], REFUSE),
    "to read a limit": (Numbers(302, 261), [0, 7, 0, 1 << 40], ALLOW),
    "to set a limit": (Numbers(302, 261), [0, 7, 1 << 40, 0], REFUSE),
    "to read another's limit": (Numbers(302, 261), [1, 7, 0, 1 << 40], REFUSE),
}


@pytest.fixture(params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    """Each kind of processor."""
    return str(request.param)


def answer(architecture: str, number: int, *arguments: int) -> int:
    """Ask the filter."""
    program = filter_for(architecture, process=PROCESS)
    kind = ARCHITECTURES[architecture]
    return run(program, number=number, architecture=kind, arguments=arguments)[0]


@pytest.mark.parametrize("numbers", ALLOWED.values(), ids=ALLOWED)
def test_what_a_node_needs_is_allowed(architecture: str, numbers: Numbers) -> None:
    number = getattr(numbers, architecture)
    if number is not None:
        assert answer(architecture, number) == ALLOW


@pytest.mark.parametrize("numbers", FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_reaches_out_is_refused(architecture: str, numbers: Numbers) -> None:
    number = getattr(numbers, architecture)
    if number is not None:
        assert answer(architecture, number) == REFUSE


@pytest.mark.parametrize("case", WITH_ARGUMENTS.values(), ids=WITH_ARGUMENTS)
def test_some_depend_on_their_arguments(
    architecture: str, case: tuple[Numbers, list[int], int]
) -> None:
    numbers, arguments, expected = case
    assert answer(architecture, getattr(numbers, architecture), *arguments) == expected


def test_exactly_these_are_allowed_whatever_their_arguments(architecture: str) -> None:
    """No table but this one: a number that slipped in between would show."""
    listed = {getattr(numbers, architecture) for numbers in ALLOWED.values()} - {None}
    one = (1 << 64) - 1
    allowed = {n for n in range(600) if answer(architecture, n, *[one] * 6) == ALLOW}
    with_thread_flags = {getattr(Numbers(56, 220), architecture)}
    assert allowed - with_thread_flags == listed


@pytest.mark.parametrize("number", [435, NEWEST, 0x40000000, 0xFFFFFFFF])
def test_newer_calls_are_answered_as_by_an_older_kernel(
    architecture: str, number: int
) -> None:
    assert answer(architecture, number) == UNKNOWN_TO_US


def test_calls_of_another_kind_of_processor_end_the_process(architecture: str) -> None:
    program = filter_for(architecture, process=PROCESS)
    for other in (0x40000003, *ARCHITECTURES.values()):
        expected = ALLOW if other == ARCHITECTURES[architecture] else KILL
        number = getattr(ALLOWED["exit"], architecture)
        assert run(program, number=number, architecture=other)[0] == expected
