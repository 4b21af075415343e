"""A simulated machine beneath a test's nodes, and the policy of who trusts it alone.

The machine vouches for what runs on it as hardware does, with keys that follow from a
seed. It measures no code: a test names the code that the machine says it measured.
"""

from dataclasses import dataclass
from functools import cached_property

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.client.attested import Expected
from ccfpy.crypto.hashing import sha256
from ccfpy.enclave.platforms.simulated import SimulatedPlatform
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.testing.configuration import START_UNIX_US
from ccfpy.testing.entropy import SeededEntropy

HOST_DATA = bytes(32)
"""What the hosts of simulated nodes say they started."""
_MADE_AT_S = START_UNIX_US // 1_000_000


@dataclass(frozen=True, kw_only=True)
class AttestedMachine:
    """A machine and the enclave that it vouches for.

    Attributes:
        code: stands for the code; its digest is the measurement.
        signer: stands for the developer who signed the code.
        security_version: which the developer gave it.
        debug: whether the enclave can be debugged.
        seed: decides the vendor's and the machine's keys.
    """

    code: bytes = b"code"
    signer: bytes = b"signer"
    security_version: int = 1
    debug: bool = False
    seed: int = 1

    @cached_property
    def platform(self) -> SimulatedPlatform:
        """The platform that nodes on this machine run on."""
        entropy = SeededEntropy(f"attested machine {self.seed}".encode())
        vendor = SimulatedVendor.make(entropy, unix_time_s=_MADE_AT_S)
        machine = vendor.make_machine(entropy, unix_time_s=_MADE_AT_S)
        identity = EnclaveIdentity(
            unique_id=sha256(self.code),
            signer_id=sha256(self.signer),
            product_id=1,
            security_version=self.security_version,
            debug=self.debug,
        )
        return SimulatedPlatform(machine, identity)

    @property
    def policy(self) -> Expected:
        """The policy that takes this code on this machine, and nothing else.

        It names the measurement, the host data and the firmware. Change a field with
        ``dataclasses.replace`` to have it refuse the machine. The vendor's statements
        are valid for 30 days of the service's time.
        """
        platform = self.platform
        return Expected(
            vendor_ids=[bytes.fromhex(platform.machine.vendor.digest_hex)],
            unique_ids=[platform.identity.unique_id],
            host_data=[HOST_DATA],
            minimum_tcb=platform.tcb_version,
        )
