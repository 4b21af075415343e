"""Evidence of SEV-SNP guests, held against what members allow (``src/node/quote.cpp``).

In this order: its host data is the digest of a security policy that is allowed; its
measurement is that of a utility VM of which an accepted signer endorses a release new
enough, or is allowed by name; its firmware is not older than the least for its
processor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.snp import ROOT_KEYS, verify_snp_report
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.attestation.snp_tcb import Processor, Product, meets, policy_of
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import unpadded
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpQuote:
    """A verified report.

    Attributes:
        uvm_endorsements: what somebody endorses of its measurement, not yet verified.
    """

    report: SnpReport
    uvm_endorsements: bytes | None = None

    @classmethod
    def read(
        cls,
        quote: QuoteInfo,
        *,
        unix_time_s: int,
        roots: Mapping[Product, str] = ROOT_KEYS,
    ) -> Self:
        """Verify a report up to its processor's root.

        Raises:
            Malformed: it is none, or what supports it is not what it should be.
            VerificationFailed: it is not to be believed.
        """
        report = verify_snp_report(
            quote.quote,
            quote.endorsements,
            unix_time_s=unix_time_s,
            endorsed_tcb=quote.endorsed_tcb,
            roots=roots,
        )
        return cls(report=report, uvm_endorsements=quote.uvm_endorsements)

    @property
    def measurement(self) -> bytes:
        """Of the guest at its launch."""
        return self.report.measurement

    @property
    def report_data(self) -> bytes:
        """The digest of the node's key, if zeros alone follow it in its field."""
        return unpadded(self.report.report_data)

    def check(self, tx: Tx) -> None:
        """Ask for host data, measurement and firmware, in this order."""
        if not join_policy.SNP_HOST_DATA.of(tx).has(self.report.host_data.hex()):
            raise QuoteRefused(QuoteFault.UNKNOWN_HOST_DATA)
        self._check_measurement(tx)
        self._check_firmware(tx)

    def check_security_policy(self, policy: bytes) -> None:
        """Check that a security policy is the one that the host data names.

        Raises:
            VerificationFailed: it is another.
        """
        digest, host_data = sha256(policy).hex(), self.report.host_data.hex()
        if digest != host_data:
            raise VerificationFailed(
                f"Digest of decoded security policy {digest} does not match "
                f"attestation host data {host_data}"
            )

    def endorsed_release(self) -> UvmEndorsement | None:
        """Tell which release somebody endorses this as, whoever it is.

        Raises:
            Malformed: what came as endorsements is none.
            VerificationFailed: they do not hold, or are of something else.
        """
        if self.uvm_endorsements is None:
            return None
        return verify_uvm_endorsements(self.uvm_endorsements, self.measurement, None)

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Let guests of the same policy, release and firmware join, or of later ones.

        A measurement is allowed by name only where nobody endorses it: endorsed
        releases are easier to keep up with.

        Raises:
            Malformed: its processor is none that is known.
            VerificationFailed: its endorsements do not hold.
        """
        report = self.report
        release = self.endorsed_release()
        if release is None:
            join_policy.SNP_MEASUREMENTS.of(tx).put(
                report.measurement.hex(), CodeStatus.ALLOWED_TO_JOIN
            )
        else:
            feeds = {release.feed: join_policy.UvmEndorsementsData(svn=release.svn)}
            join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put(release.did, feeds)
        host_data = report.host_data.hex()
        join_policy.SNP_HOST_DATA.of(tx).put(host_data, security_policy)
        minimum = policy_of(report.product, report.reported_tcb)
        join_policy.SNP_TCB_VERSIONS.of(tx).put(report.processor.hex, minimum)

    def _check_measurement(self, tx: Tx) -> None:
        if self.uvm_endorsements is None:
            measurements = join_policy.SNP_MEASUREMENTS.of(tx)
            if not measurements.has(self.measurement.hex()):
                raise QuoteRefused(QuoteFault.UNKNOWN_MEASUREMENT)
            return
        roots = [
            UvmEndorsement(did=did, feed=feed, svn=endorsed.svn)
            for did, feeds in join_policy.SNP_UVM_ENDORSEMENTS.of(tx).items()
            for feed, endorsed in feeds.items()
        ]
        try:
            verify_uvm_endorsements(self.uvm_endorsements, self.measurement, roots)
        except CcfpyError as error:
            raise QuoteRefused(QuoteFault.UNKNOWN_UVM, str(error)) from error

    def _check_firmware(self, tx: Tx) -> None:
        report = self.report
        minimum = _minimum(tx, report.processor)
        if minimum is None:
            raise QuoteRefused(
                QuoteFault.OTHER,
                f"no minimum TCB version is set for CPUID {report.processor.hex}",
            )
        reported = policy_of(report.product, report.reported_tcb)
        try:
            is_met = meets(minimum, reported)
        except Malformed as error:
            raise QuoteRefused(QuoteFault.OTHER, str(error)) from error
        if not is_met:
            raise QuoteRefused(
                QuoteFault.OTHER,
                f"TCB version {_shown(reported)} does not meet the minimum for CPUID "
                f"{report.processor.hex}, {_shown(minimum)}",
            )


def _minimum(tx: Tx, processor: Processor) -> JsonObject | None:
    """Look for a processor's minimum, under whatever hex members wrote it."""
    for cpuid, minimum in join_policy.SNP_TCB_VERSIONS.of(tx).items():
        try:
            is_for_it = Processor.from_hex(cpuid) == processor
        except Malformed:
            continue
        if is_for_it and isinstance(minimum, dict):
            return minimum
    return None


def _shown(policy: Json) -> str:
    return json.dumps(policy).decode()
