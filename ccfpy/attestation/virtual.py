"""Evidence of a node that runs on no special hardware, and says so.

Virtual evidence is a JSON text that anyone could write. It binds a node's key to a
fixed measurement and to the digest of the started program, so that every rule about
joining can be exercised. It protects nothing from the machine's owner. The
measurement's own words say that it is insecure (``src/pal/quote_generation.h``).
"""

from dataclasses import dataclass

from ccfpy.base import json
from ccfpy.base.ports import Attestation
from ccfpy.base.schema import fields_of, parse_json

FORMAT = "Insecure_Virtual"
"""The form's name in nodes' records."""
MEASUREMENT = "Insecure hard-coded virtual measurement v1"
"""What every virtual node measures as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualEvidence:
    """What a virtual node claims.

    Attributes:
        measurement: of its code, as text.
        host_data: hex digest of its executable; a node may leave it out, though no
            policy admits such a node.
        report_data: the digest of its public key.
    """

    measurement: str
    host_data: str | None = None
    report_data: bytes

    @classmethod
    def parse(cls, quote: bytes) -> "VirtualEvidence":
        """Read a quote.

        Raises:
            Malformed: it is not a virtual node's.
        """
        return parse_json(cls, quote)

    def quote(self) -> bytes:
        """Return the evidence as it is recorded and shown."""
        return json.dumps(fields_of(self))

    def measurement_file(self) -> bytes:
        """Return the text of the file that operators read join policies from."""
        return json.dumps(
            {"host_data": self.host_data, "measurement": self.measurement}
        )


def attest(report_data: bytes, *, host_data: bytes) -> Attestation:
    """Make evidence of a virtual node; nothing vouches for it."""
    evidence = VirtualEvidence(
        measurement=MEASUREMENT, host_data=host_data.hex(), report_data=report_data
    )
    return Attestation(format=FORMAT, quote=evidence.quote(), endorsements=b"")
