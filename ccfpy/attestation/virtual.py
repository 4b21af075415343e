"""Evidence of a node that runs on no special hardware, and says so.

Virtual evidence is a JSON text that anyone could write. It binds a node's key to a
fixed measurement and to the digest of the started program, so that every rule about
joining can be exercised. It protects nothing from the machine's owner. The
measurement's own words say that it is insecure (``src/pal/quote_generation.h``).

A platform in software that keeps secrets for its programs, but not from its owner.

The platform takes the place of an SEV-SNP guest's processor. From a secret that never
leaves the platform it derives a key for each program and security version. It refuses
security versions that are newer than its own: data that was sealed on an up-to-date
platform does not open on a platform that was set back to an older state
(``include/ccf/pal/snp_ioctl6.h``).
"""

from dataclasses import dataclass, field
from typing import Annotated, Self

from ccfpy.attestation.fields import hexadecimal, read_exactly
from ccfpy.base import json
from ccfpy.base.annotations import REQUIRED
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.ports import Attestation, Entropy
from ccfpy.base.schema import fields_of, parse_json
from ccfpy.crypto.hashing import hkdf_sha256

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


ROOT_BYTES = 32
TCB_VERSION_BYTES = 8
_LABEL = b"ccfpy virtual platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualPlatform:
    """One simulated machine.

    Attributes:
        root: its secret.
        tcb_version: the security version of each of its parts.
    """

    root: Annotated[bytes, hexadecimal(ROOT_BYTES)] = field(repr=False)
    tcb_version: Annotated[bytes, hexadecimal(TCB_VERSION_BYTES)] = field(
        default=bytes(TCB_VERSION_BYTES), metadata=REQUIRED
    )

    @classmethod
    def make(cls, entropy: Entropy) -> Self:
        """Make a new one."""
        return cls(root=entropy.random_bytes(ROOT_BYTES))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read one back.

        Raises:
            Malformed: it is none.
        """
        return read_exactly(cls, json.loads_object(text), "a virtual platform")

    def serialise(self) -> bytes:
        """Write it down, secret included."""
        return json.dumps(fields_of(self))

    def attest(self, report_data: bytes, *, host_data: bytes) -> Attestation:
        """Make evidence, which needs no secret: anybody could."""
        return attest(report_data, host_data=host_data)

    def derived_key(self, tcb_version: bytes, *, host_data: bytes) -> bytes:
        """Return the key of a program for a security version.

        Raises:
            VerificationFailed: a part of this platform is older than that.
        """
        check_reached(tcb_version, self.tcb_version, "platform")
        return hkdf_sha256(
            ikm=self.root,
            salt=tcb_version,
            info=b"\0".join((_LABEL, MEASUREMENT.encode(), host_data)),
            length=32,
        )


def check_reached(wanted: bytes, own: bytes, what: str) -> None:
    """Check that a platform has reached a security version in every part.

    Raises:
        VerificationFailed: a part of it is older, or that is no version of its kind.
    """
    if len(wanted) != TCB_VERSION_BYTES:
        raise VerificationFailed(
            f"a security version of {len(wanted)} bytes is none of this {what}"
        )
    if any(w > h for w, h in zip(wanted, own, strict=True)):
        raise VerificationFailed(
            f"this {what}'s security version {own.hex()} is older than {wanted.hex()}"
        )
