"""Issuers that are services in SEV-SNP guests: ``did:attestedsvc``.

The statement brings its own key, and a processor's report that vouches for the key: the
report's data is the key's thumbprint. AMD's certificates vouch for the report, and
Microsoft for what it measured. Which services may register is the policy's business.
"""

from dataclasses import dataclass
from typing import Final

from apps.scitt.statement import ATTESTED_SERVICE, ProtectedHeader
from ccfpy.app import (
    JsonObject,
    Malformed,
    SnpReport,
    UvmEndorsement,
    VerificationFailed,
    tcb_policy_of,
    verify_snp_report,
    verify_uvm_endorsements,
)

PREFIX: Final = "did:attestedsvc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What a verified report says.

    Attributes:
        report: the processor's.
        uvm: who endorsed what it measured.
    """

    report: SnpReport
    uvm: UvmEndorsement

    def to_json(self) -> JsonObject:
        """Describe it for a policy."""
        report, uvm = self.report, self.uvm
        return {
            "measurement": report.measurement.hex(),
            "report_data": report.report_data.hex(),
            "host_data": report.host_data.hex(),
            "uvm_endorsements": {"did": uvm.did, "feed": uvm.feed, "svn": uvm.svn},
            "reported_tcb": tcb_policy_of(report.product, report.reported_tcb),
            "product_name": report.product.value,
        }


def check_crit(header: ProtectedHeader) -> None:
    """Check that the statement demands to be understood as an attested service's.

    Raises:
        Malformed: it demands something else.
    """
    if header.crit != (ATTESTED_SERVICE,):
        raise Malformed(f"crit of an attested service is [{ATTESTED_SERVICE!r}]")


def check_issuer(header: ProtectedHeader) -> None:
    """Check that the issuer is the service that the header describes.

    Raises:
        Malformed: it is another.
    """
    service, issuer = header.attested.svc_id, header.claims.iss
    if service is None or issuer is None:
        raise Malformed(f"{ATTESTED_SERVICE} has no svc_id")
    if not issuer.startswith(f"{PREFIX}:{service}:"):
        raise Malformed("the did:attestedsvc does not name the svc_id")


def check_key(header: ProtectedHeader) -> None:
    """Check that the statement's ``kid`` is of the key that it brings.

    Raises:
        Malformed: it brings none, or names another.
    """
    key = header.attested.cose_key
    if key is None:
        raise Malformed(f"{ATTESTED_SERVICE} has no cose_key")
    if header.kid != key.thumbprint:
        raise Malformed("kid is not the thumbprint of cose_key")


def verify(header: ProtectedHeader, *, unix_time_s: int) -> Attested:
    """Verify the evidence in a header whose signature holds.

    Args:
        header: the statement's.
        unix_time_s: when the certificates of processors must be valid.

    Raises:
        Malformed: a part lacks, or cannot be read.
        VerificationFailed: the evidence does not hold, or is of another key.
    """
    said = header.attested
    if (
        said.attestation is None
        or said.snp_endorsements is None
        or said.uvm_endorsements is None
        or said.cose_key is None
    ):
        raise Malformed(
            f"{ATTESTED_SERVICE} needs attestation, snp_endorsements, "
            "uvm_endorsements and cose_key"
        )
    try:
        report = verify_snp_report(
            said.attestation, said.snp_endorsements, unix_time_s=unix_time_s
        )
        uvm = verify_uvm_endorsements(said.uvm_endorsements, report.measurement)
    except (Malformed, VerificationFailed) as error:
        raise VerificationFailed(f"the evidence does not hold: {error}") from error
    if report.report_data != said.cose_key.thumbprint.ljust(
        len(report.report_data), b"\0"
    ):
        raise VerificationFailed("the report is not of the statement's key")
    return Attested(report=report, uvm=uvm)
