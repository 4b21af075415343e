"""What a simulated machine reports of an enclave, and its quote, which it signs.

The quote has all parts of a processor's evidence, but a simulated machine keeps no
secret from its owner: the key that signs lies in a file. Every report says so. A quote
cannot be read as another form of evidence, and other evidence cannot be read as a
quote.
"""

from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.fields import Fields
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import REPORT_DATA_BYTES
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256

FORMAT = "Insecure_Simulated"
"""The form's name in nodes' records."""
PLATFORM = "Insecure simulated platform v1: it keeps no secret from root"
"""What every report says of where it comes from."""
TCB_VERSION_BYTES = 8
HOST_DATA_BYTES = 32
QUOTE = "application/ccfpy-insecure-simulated-quote+json"


def key_id(key: PublicKey) -> bytes:
    """Return the id of a machine: the digest of its key's DER."""
    return sha256(key.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedReport:
    """What a machine says of one enclave.

    Attributes:
        host_data: by which the host named what it started.
        report_data: what the enclave wanted said.
        tcb_version: of the machine, a number of a byte for each of its parts.
        machine_id: the digest of the key that the machine signs with.
    """

    identity: EnclaveIdentity
    host_data: bytes
    report_data: bytes
    tcb_version: bytes
    machine_id: bytes

    @classmethod
    def read(cls, fields: Fields) -> Self:
        """Read a record.

        Raises:
            Malformed: it is none, or of another platform.
        """
        platform = fields.text("platform")
        if platform != PLATFORM:
            raise Malformed(f"a report of another platform, {platform!r:.80}")
        report = cls(
            identity=EnclaveIdentity.read(fields),
            host_data=fields.hexadecimal("host_data", HOST_DATA_BYTES),
            report_data=fields.hexadecimal("report_data", REPORT_DATA_BYTES),
            tcb_version=fields.hexadecimal("tcb_version", TCB_VERSION_BYTES),
            machine_id=fields.hexadecimal("machine_id"),
        )
        fields.end()
        return report

    def fields(self) -> JsonObject:
        """Return the record."""
        return {
            "platform": PLATFORM,
            **self.identity.fields(),
            "host_data": self.host_data.hex(),
            "report_data": self.report_data.hex(),
            "tcb_version": self.tcb_version.hex(),
            "machine_id": self.machine_id.hex(),
        }

    def quote(self, machine: KeyPair) -> bytes:
        """Sign the report with the machine's key, which its vendor endorses."""
        return sign(machine, QUOTE, self.fields())


def verify_quote(quote: bytes, machine: PublicKey) -> SimulatedReport:
    """Read a quote that a machine must have signed.

    Raises:
        Malformed: it is no quote of a simulated machine.
        VerificationFailed: that machine did not sign it.
    """
    statement = Statement.read(quote, QUOTE)
    report = SimulatedReport.read(statement.fields)
    statement.verify(machine)
    if report.machine_id != key_id(machine):
        raise VerificationFailed("a quote that names another machine than it is by")
    return report
