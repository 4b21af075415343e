"""Evidence of SEV-SNP guests, checked against what members allow.

The checks run in this order (``src/node/quote.cpp``): the host data is the digest of an
allowed security policy; an accepted signer endorses the measurement as a utility VM of
a new enough release, or the measurement is allowed by name; the firmware is not older
than the least for its processor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.snp import ROOT_KEYS, verify_snp_report
from ccfpy.attestation.snp_report import Processor, Product, SnpReport, meets, policy_of
from ccfpy.attestation.uvm import UvmEndorsement, verify_uvm_endorsements
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused, unpadded
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SnpQuote:
    """A verified report.

    Attributes:
        uvm_endorsements: endorsements of the measurement, not yet verified.
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
            Malformed: it is no report, or its endorsements are malformed.
            VerificationFailed: the report does not verify.
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
        """The measurement of the guest at its launch."""
        return self.report.measurement

    @property
    def report_data(self) -> bytes:
        """The digest of the node's key, if only zeros follow it in its field."""
        return unpadded(self.report.report_data)

    def check(self, tx: Tx) -> None:
        """Check host data, measurement and firmware, in this order."""
        if not join_policy.SNP_HOST_DATA.of(tx).has(self.report.host_data.hex()):
            raise QuoteRefused(QuoteFault.UNKNOWN_HOST_DATA)
        self._check_measurement(tx)
        self._check_firmware(tx)

    def check_security_policy(self, policy: bytes) -> None:
        """Check that a security policy is the one that the host data names.

        Raises:
            VerificationFailed: it is another policy.
        """
        digest, host_data = sha256(policy).hex(), self.report.host_data.hex()
        if digest != host_data:
            raise VerificationFailed(
                f"Digest of decoded security policy {digest} does not match "
                f"attestation host data {host_data}"
            )

    def endorsed_release(self) -> UvmEndorsement | None:
        """Return the release that the endorsements name, by any signer.

        Raises:
            Malformed: the endorsements are malformed.
            VerificationFailed: they do not verify, or are of another measurement.
        """
        if self.uvm_endorsements is None:
            return None
        return verify_uvm_endorsements(self.uvm_endorsements, self.measurement, None)

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Allow guests of this policy to join, if their release is not older.

        A measurement is allowed by name only if nobody endorses it: endorsed releases
        can be updated without a vote.

        Raises:
            Malformed: the processor is unknown.
            VerificationFailed: the endorsements do not verify.
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
    """Return a processor's minimum, in whichever case members wrote the hex."""
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
