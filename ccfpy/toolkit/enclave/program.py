"""An enclave as its author defines it: an interface, the code behind it, its limits.

How much of its machine an enclave may take, and how many calls run at once.

The limits are part of an enclave's definition, and so of its measurement: a host cannot
change them. The system enforces the limits on memory and processor time (Linux). An
enclave that reaches a limit ends, and the host learns which limit it was.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import MIB
from ccfpy.base.ports import Entropy
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.toolkit.enclave.platform import EnclavePlatform
from ccfpy.toolkit.interfaces import Interface

MEMORY_SPARE_BYTES = 4 * MIB
"""What must be left of a limit on memory when nothing has been called yet."""
FRAMES_MIN = 50
"""How deep it goes to answer at all, with some to spare."""
_MS_PER_S = 1000
_TIME_LEFT_MIN_S = 1e-3
"""A timer of 0 would never end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one kind of enclave; nothing where there is none.

    Attributes:
        memory_bytes_max: of data that the process may hold, its interpreter's included.
        call_cpu_ms_max: of processor time for one call, that of ocalls and of calls
            within it not counted.
        cpu_s_max: of processor time in all.
        recursion_frames_max: how deep functions may call one another.
        calls_at_once_max: begun and not answered; those within others not counted.
            Beyond 1, other calls go on while one waits for the host.
        calls_waiting_max: for their turn; a call beyond it is denied.
        calls_within_max: how deep calls may be within the host's service of others.
    """

    memory_bytes_max: int | None = 256 * MIB
    call_cpu_ms_max: int | None = 5000
    cpu_s_max: int | None = None
    recursion_frames_max: int = 1000
    calls_at_once_max: int = 1
    calls_waiting_max: int = 64
    calls_within_max: int = 4

    def __post_init__(self) -> None:
        for name in ("memory_bytes_max", "call_cpu_ms_max", "cpu_s_max"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise LimitsRefused(f"{name} is {value}; give 1 or more, or none")
        if self.recursion_frames_max < FRAMES_MIN:
            raise LimitsRefused(
                f"recursion_frames_max is {self.recursion_frames_max}, and "
                f"{FRAMES_MIN} are needed to answer at all"
            )
        if self.calls_at_once_max < 1:
            raise LimitsRefused("calls_at_once_max is less than 1; nothing could run")
        if self.calls_waiting_max < 0 or self.calls_within_max < 0:
            raise LimitsRefused("a number of calls is below 0")

    @property
    def text(self) -> str:
        """All of them as text, the same for everyone."""
        return "".join(
            f"{field.name} {getattr(self, field.name)}\n" for field in fields(self)
        )


class LimitsRefused(CcfpyError):
    """Limits with which nothing could run; the text says what to change."""


class CallTimer(Protocol):
    """Measures what calls take of the processor, and ends the process that overdoes."""

    def begin(self, left_s: float) -> None:
        """Resume a call, with the processor time that it has left."""
        ...

    def pause(self) -> float:
        """Pause the call and return the time that it has left."""
        ...


class SystemTimer:
    """A timer of the operating system's: where it runs out the process is no more.

    Nothing in the process is asked, so that nothing in it can get in between: neither
    code that catches every exception nor a library that never returns.
    """

    def begin(self, left_s: float) -> None:
        """Start the timer."""
        signal.setitimer(signal.ITIMER_PROF, max(left_s, _TIME_LEFT_MIN_S))

    def pause(self) -> float:
        """Stop it."""
        left_s, _ = signal.setitimer(signal.ITIMER_PROF, 0)
        return left_s


class NoTimer:
    """Where no call's time is limited."""

    def begin(self, left_s: float) -> None:
        """Do nothing."""

    def pause(self) -> float:
        """Return the whole time."""
        return 0.0


def timer_of(limits: Limits) -> CallTimer:
    """Return the timer that enforces the limit on a call's time, if it can be."""
    if limits.call_cpu_ms_max is None or not hasattr(signal, "setitimer"):
        return NoTimer()
    return SystemTimer()


def call_seconds(limits: Limits) -> float:
    """Return the processor time of a call that begins, in seconds."""
    return (limits.call_cpu_ms_max or 0) / _MS_PER_S


def impose(limits: Limits) -> None:
    """Put this process under the limits that the system enforces, for good.

    Raises:
        LimitsRefused: it holds too much of its limit already.
    """
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415  # absent on Windows

    for number in (signal.SIGPROF, signal.SIGXCPU):
        # The host's parent process may have ignored or blocked these signals.
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    memory = limits.memory_bytes_max
    if memory is not None:
        least = _data_bytes() + MEMORY_SPARE_BYTES
        if memory < least:
            raise LimitsRefused(
                f"memory_bytes_max is {memory}, and the enclave does not begin with "
                f"less than {least}"
            )
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    if limits.cpu_s_max is not None:
        # The second is a margin: the first ends the process, by a signal of its own.
        most = limits.cpu_s_max
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))


def impose_recursion(limits: Limits) -> None:
    """Put it under the interpreter's, once all is imported: that goes deep."""
    sys.setrecursionlimit(limits.recursion_frames_max)


def _data_bytes() -> int:
    """Return the bytes that the system counts towards the limit on data."""
    pages = Path("/proc/self/statm").read_bytes().split()
    return int(pages[_DATA_FIELD]) * os.sysconf("SC_PAGESIZE")


_DATA_FIELD = 5
"""In ``/proc/self/statm``: data and stack, in pages (proc(5))."""


Trusted = TypeVar("Trusted")
Untrusted = TypeVar("Untrusted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings(Generic[Untrusted]):
    """All that the code of an enclave has beside itself.

    Attributes:
        host: what it may ask of the host, each to be awaited. Whatever comes back is
            the host's word.
        entropy: randomness that the host does not know.
        instance: 16 bytes that no other run of any enclave has.
        platform: the machine beneath, for an enclave that says that it needs one.
    """

    host: Untrusted
    entropy: Entropy
    instance: bytes
    platform: EnclavePlatform


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclave(Generic[Trusted, Untrusted]):
    """One kind of enclave: what a module names ``enclave``.

    Attributes:
        interface: the functions that the enclave and its host may call.
        code: makes the trusted side when the enclave is initialised. If it raises a
            ``CcfpyError``, the host gets the error as the reason for the failure.
        limits: the limits of the enclave.
        needs_platform: the enclave needs evidence, local reports and sealing, and does
            not start without them. It must be signed, and run on a simulated machine.
    """

    interface: Interface[Trusted, Untrusted]
    code: Callable[[Surroundings[Untrusted]], Trusted]
    limits: Limits = field(default_factory=Limits)
    needs_platform: bool = False

    @property
    def definition(self) -> str:
        """The interface and the limits as text: what a measurement is to cover."""
        return f"{self.interface.schema}limits\n{self.limits.text}"

    @property
    def definition_digest(self) -> str:
        """Hex SHA-256 of the definition."""
        return sha256_hex(self.definition.encode())
