"""What trusted code needs from the world besides events: randomness and elapsed time.

Everything below ``node`` takes these as arguments, so a seeded simulator can run the
same classes. No function of ours reads a clock or rolls dice on its own.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

Given = TypeVar("Given")
Result = TypeVar("Result")


class Entropy(Protocol):
    """A source of secret randomness.

    In production it is the operating system's; in the simulator, a seeded stream.
    """

    def random_bytes(self, count: int) -> bytes:
        """Return ``count`` bytes nobody can predict."""
        ...

    def rsa_private_key(self, bits: int) -> bytes:
        """Make an RSA key (public exponent 65537); give it as DER PKCS#8.

        RSA has its own method because no library derives such a key from plain bytes.
        """
        ...


class Clock(Protocol):
    """Elapsed time for deadlines inside one step, such as JavaScript's time limit."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start; the number never decreases."""
        ...


class MemoryUsage(NamedTuple):
    """What a process takes of its machine.

    Attributes:
        bytes_max: how much it may take.
        current_bytes: how much it takes now.
        peak_bytes: the most it ever took.
    """

    bytes_max: int
    current_bytes: int
    peak_bytes: int


class Attestation(NamedTuple):
    """Evidence of what a program is, and what vouches for it.

    Attributes:
        format: which platform's form it has, as nodes' records name it.
        quote: the evidence, bound to the data that the program wanted said.
        endorsements: what a verifier needs beside it; empty where nothing vouches.
        uvm_endorsements: whose release a processor measured, if somebody endorses it.
    """

    format: str
    quote: bytes
    endorsements: bytes
    uvm_endorsements: bytes | None = None


class Platform(Protocol):
    """What the trusted process runs on: it says what runs, and keeps secrets for it."""

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Make evidence of this program, bound to 32 bytes of its choice.

        Args:
            report_data: what the program wants said, mostly a digest.
            host_data: 32 bytes by which the host named what it started.
        """
        ...

    @property
    def tcb_version(self) -> bytes:
        """The platform's security version: eight numbers of a byte, each for a part."""
        ...

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Return 32 bytes that only this program, on this platform, can have.

        Args:
            tcb_version: the security version that the key is for.
            host_data: what the platform measured of the program's start.

        Raises:
            VerificationFailed: a part of the platform is older than that.
        """
        ...


class Memory(Protocol):
    """A meter of the trusted process's own memory, for the node's operator."""

    def usage(self) -> MemoryUsage:
        """Read the meter."""
        ...


class CallStopped(Exception):
    """A call of an application's code that went beyond a limit.

    Attributes:
        reason: which limit, and by how much; without any value of the application's.
        is_late: whether it was the limit on time.
    """

    def __init__(self, reason: str, *, is_late: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_late = is_late


class CallGivenUp(BaseException):
    """Ends a thread whose call came back after its caller had been answered.

    Raised in place of the call's result. Nothing of the call may be applied.
    """


class CallLeft(BaseException):
    """Ends a thread's part in a step after the node went on without it.

    The call's result has been delivered where it is awaited.
    """


class AppThreads(Protocol):
    """Runs code of an application's, and lets the node go on beside what is slow.

    One thread at a time steps a node. While it runs an application's code, another
    thread may take the node over (`Node.go_on`); the code is then *away*. Each method
    here gives the node back to its thread before it returns, and before it calls what
    uses the node.
    """

    @property
    def is_full(self) -> bool:
        """Whether as many calls are away as may be."""
        ...

    @property
    def is_python_full(self) -> bool:
        """Whether no call of Python can be allowed: too many hang, or are away."""
        ...

    def allow(self, slow_calls_max: int) -> None:
        """Allow so many calls to be away at once."""
        ...

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
    ) -> Result:
        """Return what a function of an application's returns, within limits.

        A call within another is under the limits of the outer one. The function may
        have been ended at any line of the application's, so that whatever it changed
        must be dropped; no line of ccfpy's is cut off.

        Args:
            function: what to call.
            given: its argument.
            execution_ms_max: how long the call may take.
            memory_bytes_max: by how much the process may grow meanwhile.

        Raises:
            CallStopped: it was ended, or had taken too long when it ended.
            CallGivenUp: its caller has been answered meanwhile.
        """
        ...

    def beside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Return what a function returns that ends by itself, such as a script's run.

        It uses the node by ``inside`` alone.
        """
        ...

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Call from within ``call`` or ``beside`` what uses the node.

        The node waits meanwhile. Outside of both this is a plain call.

        Raises:
            CallGivenUp: the caller of this thread's call has been answered meanwhile.
        """
        ...


class OneThread:
    """The threads of a node that waits for every call, however long it takes."""

    is_full = False
    is_python_full = False

    def allow(self, slow_calls_max: int) -> None:
        """Allow none: no call is ever away."""

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
    ) -> Result:
        """Return what a function returns."""
        del execution_ms_max, memory_bytes_max
        return function(given)

    def beside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Return what a function returns."""
        return function(given)

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Return what a function returns."""
        return function(given)
