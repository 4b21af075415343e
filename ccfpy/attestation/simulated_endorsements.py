"""What vouches for a simulated machine's quote, and quotes verified with it."""

from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.fields import read_exactly
from ccfpy.attestation.simulated import SimulatedReport, verify_quote
from ccfpy.attestation.simulated_collateral import SimulatedCollateral, TcbStatus
from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.crypto.certs import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class _WrittenEndorsements:
    """Endorsements as they are written down: certificates as PEM, statements raw."""

    vendor_certificate: str
    machine_certificate: str
    tcb_info: bytes
    revocations: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsements:
    """All that goes with a quote: two certificates and two statements.

    Attributes:
        vendor: its root, self-signed.
        machine: its key's certificate, by the root.
    """

    vendor: Certificate
    machine: Certificate
    collateral: SimulatedCollateral

    @property
    def vendor_id(self) -> bytes:
        """The digest of the root certificate, by which policies know the vendor."""
        return bytes.fromhex(self.vendor.digest_hex)

    @classmethod
    def verify(cls, data: bytes, *, unix_time_s: int) -> Self:
        """Read endorsements that hold together; who the vendor is remains to be asked.

        Raises:
            Malformed: they are none.
            VerificationFailed: the vendor did not sign one of them, or its time is not
                now.
        """
        said = read_exactly(
            _WrittenEndorsements, json.loads_object(data), "endorsements"
        )
        vendor = Certificate.from_pem(said.vendor_certificate)
        machine = Certificate.from_pem(said.machine_certificate)
        _verify_chain(vendor, machine, unix_time_s)
        collateral = SimulatedCollateral.read(said.tcb_info, said.revocations, vendor)
        collateral.check_time(unix_time_s)
        return cls(vendor=vendor, machine=machine, collateral=collateral)

    def serialise(self) -> bytes:
        """Write them down."""
        return json.dumps(
            {
                "vendor_certificate": self.vendor.pem,
                "machine_certificate": self.machine.pem,
                **self.collateral.fields(),
            }
        )


def _verify_chain(vendor: Certificate, machine: Certificate, unix_time_s: int) -> None:
    for certificate in (vendor, machine):
        certificate.verify_signed_by(vendor)
        first, last = certificate.validity_s
        if not first <= unix_time_s <= last:
            raise VerificationFailed(f"{certificate} is not valid now")
    if not vendor.is_authority:
        raise VerificationFailed(f"{vendor} is no authority")
    if machine.is_authority:
        raise VerificationFailed(f"{machine} is an authority and no machine")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedQuote:
    """A quote that a machine signed whose vendor vouches for it.

    Whether that vendor, that machine's state and that enclave are to be trusted is for
    a policy to say.
    """

    report: SimulatedReport
    endorsements: Endorsements

    @classmethod
    def verify(cls, quote: bytes, endorsements: bytes, *, unix_time_s: int) -> Self:
        """Verify a quote with what vouches for it.

        Raises:
            Malformed: one of them is not what it should be.
            VerificationFailed: they do not hold, or not together, or not now.
        """
        read = Endorsements.verify(endorsements, unix_time_s=unix_time_s)
        report = verify_quote(quote, read.machine.public_key)
        return cls(report=report, endorsements=read)

    def tcb_status(self, known: SimulatedCollateral | None = None) -> TcbStatus:
        """Return the machine's status.

        Args:
            known: what the verifier has of the vendor, in case it is newer.

        Raises:
            VerificationFailed: the machine is revoked.
        """
        collateral = self.endorsements.collateral
        newest = collateral if known is None else collateral.newest_with(known)
        return newest.status_of(self.report.machine_id, self.report.tcb_version)
