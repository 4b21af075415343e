"""What trusted code needs from the world besides events: randomness and elapsed time.

Everything below ``node`` takes these as arguments, so a seeded simulator can run the
same classes. No function of ours reads a clock or rolls dice on its own.
"""

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
