"""What a caller demands of a guest on AMD SEV-SNP before anything is sent to it.

A processor signs that a guest was started from measured memory, with host data, on a
version of firmware. Any guest has that. The policy says which guests are meant:

1. the report and the three certificates lead to AMD's root, and are valid now;
2. the firmware is at least the version that the policy names for this processor;
3. the measurement is one that the policy names, or somebody whom the policy names
   endorses it as a release that is new enough. Azure's confidential containers are
   endorsed so, since Microsoft updates the utility VM beneath them;
4. the host data is one that the policy names. In a confidential container it is the
   digest of the security policy, which names the layers of the container's image.

What the policy leaves empty takes nothing, not everything.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ccfpy.attestation.snp import ROOT_KEYS, verify_snp_report
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.snp_tcb import (
    LAYOUTS,
    TCB_BYTES,
    Processor,
    Product,
    from_hex,
)
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.base.errors import CcfpyError
from ccfpy.base.ports import Attestation
from ccfpy.client.evidence_refused import EvidenceFault, EvidenceRefused, refused
from ccfpy.crypto.hashing import sha256

FORMAT = "AMD_SEV_SNP_v1"
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpPolicy:
    """What a report must say.

    Attributes:
        measurements: of guests that are taken by name.
        uvm_endorsements: who may endorse another measurement, as which product, from
            which security version on.
        host_data: the accepted values; see ``host_data_of``.
        minimum_tcb: the least version of the firmware by processor, both in hex as
            CCF's actions have them, such as ``{"00a00f11": "db18000000000004"}``.
        roots: the digests of the makers' root keys; AMD's, but for tests.
    """

    measurements: Collection[bytes] = frozenset()
    uvm_endorsements: Collection[UvmEndorsement] = ()
    host_data: Collection[bytes] = frozenset()
    minimum_tcb: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[Product, str] = field(default_factory=lambda: ROOT_KEYS)

    def __post_init__(self) -> None:
        """Check the least versions of the firmware.

        Raises:
            Malformed: a processor is unknown, or a version is not hex of its length.
        """
        for cpuid, tcb in self.minimum_tcb.items():
            _ = Processor.from_hex(cpuid).product
            from_hex(tcb, TCB_BYTES, "TCB version")

    def examine(self, evidence: Attestation, *, unix_time_s: int) -> bytes:
        """Check a report, and return the data that it is bound to.

        Args:
            evidence: the report, its certificates, endorsements of its measurement.
            unix_time_s: when certificates must be valid.

        Raises:
            EvidenceRefused: something is not as it must be.
        """
        try:
            report = verify_snp_report(
                evidence.quote,
                evidence.endorsements,
                unix_time_s=unix_time_s,
                roots=self.roots,
            )
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        self._check_firmware(report)
        self._check_measurement(report, evidence.uvm_endorsements)
        expected, host_data = self.host_data, report.host_data
        if host_data not in expected:
            raise refused(
                EvidenceFault.UNKNOWN_HOST_DATA,
                expected=[each.hex() for each in expected],
                found=host_data.hex(),
            )
        return _bound(report)

    def _check_firmware(self, report: SnpReport) -> None:
        found = report.processor
        least = {
            Processor.from_hex(cpuid): it for cpuid, it in self.minimum_tcb.items()
        }
        if found not in least:
            raise refused(
                EvidenceFault.UNKNOWN_PROCESSOR,
                expected=[each.hex for each in least],
                found=f"{found.hex} ({report.product})",
            )
        minimum = from_hex(least[found], TCB_BYTES, "TCB version")[::-1]
        reported = report.reported_tcb
        older = [
            f"expected {part} {minimum[at]} or later, found {reported[at]}"
            for part, at in LAYOUTS[report.product].items()
            if reported[at] < minimum[at]
        ]
        if older:
            raise EvidenceRefused(EvidenceFault.OLD_FIRMWARE, "; ".join(older))

    def _check_measurement(self, report: SnpReport, endorsements: bytes | None) -> None:
        measurement = report.measurement
        if measurement in self.measurements:
            return
        if not self.uvm_endorsements:
            raise refused(
                EvidenceFault.UNKNOWN_CODE,
                expected=[each.hex() for each in self.measurements],
                found=measurement.hex(),
            )
        wanted = [_release(each) for each in self.uvm_endorsements]
        if endorsements is None:
            raise refused(
                EvidenceFault.UNKNOWN_RELEASE,
                expected=wanted,
                found=f"no endorsement of the measurement {measurement.hex()}",
            )
        try:
            found = verify_uvm_endorsements(endorsements, measurement, None)
        except CcfpyError as error:
            raise EvidenceRefused(EvidenceFault.NOT_VERIFIED, str(error)) from error
        if not any(_covers(each, found) for each in self.uvm_endorsements):
            told = f"{found.feed} {found.svn} by {found.did}"
            raise refused(EvidenceFault.UNKNOWN_RELEASE, expected=wanted, found=told)


def host_data_of(security_policy: bytes) -> bytes:
    """Return the host data of guests that a security policy, in plain text, governs."""
    return sha256(security_policy)


def _covers(wanted: UvmEndorsement, found: UvmEndorsement) -> bool:
    same = (wanted.did, wanted.feed) == (found.did, found.feed)
    return same and int(wanted.svn) <= int(found.svn)


def _release(wanted: UvmEndorsement) -> str:
    return f"{wanted.feed} {wanted.svn} or later by {wanted.did}"


def _bound(report: SnpReport) -> bytes:
    """Return the digest in the report's longer field, if only zeros follow it."""
    digest, rest = (
        report.report_data[:_DIGEST_BYTES],
        report.report_data[_DIGEST_BYTES:],
    )
    return report.report_data if any(rest) else digest
