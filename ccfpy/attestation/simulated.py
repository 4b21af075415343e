"""What a simulated machine reports of an enclave, and its quote, which it signs.

The quote has all parts of a processor's evidence, but a simulated machine keeps no
secret from its owner: the key that signs lies in a file. Every report says so. A quote
cannot be read as another form of evidence, and other evidence cannot be read as a
quote.
"""

from dataclasses import dataclass, field
from typing import Annotated, Self, TypeAlias

from ccfpy.attestation.fields import Digest, hexadecimal, inlined_fields, read_exactly
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import REPORT_DATA_BYTES
from ccfpy.attestation.statements import Statement, sign
from ccfpy.base.annotations import REQUIRED
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.crypto.ec import KeyPair, PublicKey
from ccfpy.crypto.hashing import sha256

FORMAT = "Insecure_Simulated"
"""The form's name in nodes' records."""
PLATFORM = "Insecure simulated platform v1: it keeps no secret from root"
"""What every report says of where it comes from."""
TCB_VERSION_BYTES = 8
TcbVersion: TypeAlias = Annotated[bytes, hexadecimal(TCB_VERSION_BYTES)]
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
        platform: the warning, which makes a report of another platform none.
    """

    identity: EnclaveIdentity
    host_data: Annotated[bytes, hexadecimal(HOST_DATA_BYTES)]
    report_data: Annotated[bytes, hexadecimal(REPORT_DATA_BYTES)]
    tcb_version: TcbVersion
    machine_id: Digest
    platform: str = field(default=PLATFORM, metadata=REQUIRED)

    def __post_init__(self) -> None:
        """Check that this is of a simulated machine."""
        if self.platform != PLATFORM:
            raise ValueError(f"a report of another platform, {self.platform!r:.80}")

    @classmethod
    def read(cls, record: JsonObject) -> Self:
        """Read a record.

        Raises:
            Malformed: it is none, or of another platform.
        """
        return read_exactly(cls, record, "a report", "identity")

    def fields(self) -> JsonObject:
        """Return the record."""
        return inlined_fields(self, "identity")

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
    report = SimulatedReport.read(statement.content)
    statement.verify(machine)
    if report.machine_id != key_id(machine):
        raise VerificationFailed("a quote that names another machine than it is by")
    return report
