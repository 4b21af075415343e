"""Reports between enclaves of one simulated machine, which need no vendor.

A report is made for one other enclave, under a key that the machine derives for that
one alone: who can check it could have made it, and nobody else can do either.
"""

import hmac
from dataclasses import dataclass

from ccfpy.attestation.fields import Digest, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.simulated import HOST_DATA_BYTES, SimulatedReport
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.schema import fields_of
from ccfpy.crypto.hashing import hmac_sha256

_NO_HOST_DATA = bytes(HOST_DATA_BYTES)
_REPORT = b"report"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A local report as it is written down: what it says, and what vouches for it."""

    report: bytes
    mac: Digest


def report_for(
    target: EnclaveIdentity,
    machine: SimulatedMachine,
    identity: EnclaveIdentity,
    *,
    report_data: bytes,
    host_data: bytes = _NO_HOST_DATA,
) -> bytes:
    """Report an enclave to another on the same machine.

    Args:
        target: the enclave that will read the report.
        machine: the machine beneath both enclaves.
        identity: the enclave that the report is about.
        report_data: 32 bytes that the report contains.
        host_data: the digest by which the host named the started program.
    """
    report = machine.report(identity, report_data=report_data, host_data=host_data)
    content = json.dumps(report.fields())
    mac = hmac_sha256(_key(machine, target), content)
    return json.dumps(fields_of(_Written(report=content, mac=mac)))


def read_report(
    data: bytes, machine: SimulatedMachine, own: EnclaveIdentity
) -> SimulatedReport:
    """Read a report that was made for the enclave ``own`` on this machine.

    Raises:
        Malformed: it is none.
        VerificationFailed: it is for another enclave, of another machine, or was
            changed.
    """
    said = read_exactly(_Written, json.loads_object(data), "a local report")
    if not hmac.compare_digest(said.mac, hmac_sha256(_key(machine, own), said.report)):
        raise VerificationFailed("a local report for another enclave or machine")
    return SimulatedReport.read(json.loads_object(said.report))


def _key(machine: SimulatedMachine, target: EnclaveIdentity) -> bytes:
    return machine.derive(
        _REPORT, json.dumps(target.fields()), tcb_version=machine.tcb_version
    )
