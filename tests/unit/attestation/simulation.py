"""A simulated vendor, two of its machines and some enclaves, for tests."""

from dataclasses import replace

from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.base.ports import Attestation
from ccfpy.local.simulated_vendor import SimulatedVendor
from ccfpy.testing.entropy import SeededEntropy

NOW = 1_700_000_000
HOST_DATA = b"\x11" * 32
REPORT_DATA = b"\x22" * 32

ENTROPY = SeededEntropy(b"a simulation")
VENDOR = SimulatedVendor.make(ENTROPY, unix_time_s=NOW)
OTHER_VENDOR = SimulatedVendor.make(ENTROPY, unix_time_s=NOW)
MACHINE = VENDOR.make_machine(ENTROPY, unix_time_s=NOW)
SECOND_MACHINE = VENDOR.make_machine(ENTROPY, unix_time_s=NOW)
FOREIGN_MACHINE = OTHER_VENDOR.make_machine(ENTROPY, unix_time_s=NOW)
TCB_VERSION = MACHINE.tcb_version

ENCLAVE = EnclaveIdentity(
    unique_id=b"\x01" * 32,
    signer_id=b"\x02" * 32,
    product_id=7,
    security_version=3,
    debug=False,
)
LATER = replace(ENCLAVE, unique_id=b"\x04" * 32, security_version=4)
"""The same product of the same signer, in a later version."""


def attestation(
    identity: EnclaveIdentity = ENCLAVE, report_data: bytes = REPORT_DATA
) -> Attestation:
    return MACHINE.attest(identity, report_data=report_data, host_data=HOST_DATA)


def raised(tcb_version: bytes, part: int = 0, by: int = 1) -> bytes:
    """Return a security version that is higher, or lower, in one part."""
    changed = bytearray(tcb_version)
    changed[part] += by
    return bytes(changed)
