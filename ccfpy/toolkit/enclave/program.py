"""An enclave as its author defines it: an interface, the code behind it, its limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ccfpy.base.ports import Entropy
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.toolkit.enclave.limits import Limits
from ccfpy.toolkit.enclave.platform import EnclavePlatform
from ccfpy.toolkit.interfaces import Interface

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
