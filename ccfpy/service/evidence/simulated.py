"""Evidence of simulated enclaves, checked against what members allow; all of it ours.

The checks run in this order, so that a refusal says the first thing that is wrong:

1. a known vendor vouches for the machine, and has not revoked it; of the statements
   that the joiner brought and those that the service knew before, the newer ones hold;
2. the vendor's status for the machine's security version is one that is accepted;
3. the enclave cannot be debugged, unless that is allowed;
4. its host data is allowed;
5. its unique id is allowed, or its signer and product are;
6. and where a least security version is set for its signer and product, it has it:
   an enclave allowed by its unique id is no exception, so that one rule ends old ones.
"""

from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.simulated_collateral import SimulatedCollateral, TcbStatus
from ccfpy.attestation.simulated_endorsements import VerifiedQuote
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import (
    CodeStatus,
    SimulatedRules,
    TrustedSimulatedVendor,
)
from ccfpy.service.tables.nodes import QuoteInfo


@dataclass(frozen=True, slots=True)
class SimulatedQuote:
    """A verified quote of a simulated enclave."""

    verified: VerifiedQuote

    @classmethod
    def read(cls, quote: QuoteInfo, *, unix_time_s: int) -> Self:
        """Verify a quote up to the vendor that it comes with.

        Raises:
            Malformed: it is no quote, or its collateral is malformed.
            VerificationFailed: the quote does not verify.
        """
        return cls(
            VerifiedQuote.verify(
                quote.quote, quote.endorsements, unix_time_s=unix_time_s
            )
        )

    @property
    def measurement(self) -> bytes:
        """The enclave's unique id."""
        return self.verified.report.identity.unique_id

    @property
    def report_data(self) -> bytes:
        """The digest of the node's key."""
        return self.verified.report.report_data

    def check(self, tx: Tx) -> None:
        """Check the machine first, then the enclave."""
        rules = join_policy.SIMULATED_RULES.of(tx).get() or SimulatedRules()
        status = self._machine_status(tx)
        if status not in rules.tcb_statuses:
            raise QuoteRefused(QuoteFault.TCB_STATUS, f"its vendor says {status}")
        if self.verified.report.identity.debug and not rules.accepts_debug:
            raise QuoteRefused(QuoteFault.DEBUG)
        host_data = self.verified.report.host_data.hex()
        if not join_policy.SIMULATED_HOST_DATA.of(tx).contains(host_data):
            raise QuoteRefused(QuoteFault.UNKNOWN_HOST_DATA)
        self._check_identity(tx)

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Allow the same enclave to join, on machines of the same vendor.

        A later version needs a vote. If this machine is not up to date, or the enclave
        can be debugged, the service accepts the same of others, and the tables say so.

        Raises:
            Malformed: a recovered service holds no valid statement of the vendor.
            VerificationFailed: the statements do not verify, or the machine is revoked.
        """
        del security_policy
        endorsements, report = self.verified.endorsements, self.verified.report
        vendors = join_policy.SIMULATED_VENDORS.of(tx)
        before = vendors.get(endorsements.vendor_id.hex())
        brought = endorsements.collateral
        known = brought if before is None else _known(before, brought)
        status = self.verified.tcb_status(known)
        newest = brought.newest_with(known)
        allowed = CodeStatus.ALLOWED_TO_JOIN
        join_policy.SIMULATED_UNIQUE_IDS.of(tx).put(self.measurement.hex(), allowed)
        join_policy.SIMULATED_HOST_DATA.of(tx).insert(report.host_data.hex())
        vendors.put(
            endorsements.vendor_id.hex(),
            TrustedSimulatedVendor(
                certificate=endorsements.vendor.pem,
                tcb_info=newest.tcb_info.raw,
                revocations=newest.revocations.raw,
            ),
        )
        rules = join_policy.SIMULATED_RULES.of(tx)
        had = rules.get() or SimulatedRules()
        rules.put(
            SimulatedRules(
                tcb_statuses=tuple(dict.fromkeys((*had.tcb_statuses, status))),
                accepts_debug=had.accepts_debug or report.identity.debug,
            )
        )

    def _machine_status(self, tx: Tx) -> TcbStatus:
        endorsements = self.verified.endorsements
        vendor = join_policy.SIMULATED_VENDORS.of(tx).get(endorsements.vendor_id.hex())
        if vendor is None:
            raise QuoteRefused(
                QuoteFault.UNKNOWN_VENDOR, f"vendor {endorsements.vendor_id.hex()}"
            )
        try:
            known = _known(vendor, endorsements.collateral)
        except CcfpyError as error:
            raise QuoteRefused(QuoteFault.OTHER, str(error)) from error
        try:
            return self.verified.tcb_status(known)
        except VerificationFailed as error:
            raise QuoteRefused(QuoteFault.REVOKED_MACHINE, str(error)) from error

    def _check_identity(self, tx: Tx) -> None:
        identity = self.verified.report.identity
        products = join_policy.SIMULATED_SIGNERS.of(tx).get(identity.signer_id.hex())
        least = (products or {}).get(str(identity.product_id))
        by_id = join_policy.SIMULATED_UNIQUE_IDS.of(tx).has(identity.unique_id.hex())
        if least is None:
            if not by_id:
                raise QuoteRefused(QuoteFault.UNKNOWN_MEASUREMENT)
        elif identity.security_version < least.security_version:
            raise QuoteRefused(
                QuoteFault.OLD_VERSION,
                f"security version {identity.security_version}, and the least is "
                f"{least.security_version}",
            )


def _known(
    vendor: TrustedSimulatedVendor, brought: SimulatedCollateral
) -> SimulatedCollateral:
    """Return the service's statements of a vendor; those of the joiner for the rest."""
    certificate = Certificate.from_pem(vendor.certificate)
    return SimulatedCollateral.read(
        brought.tcb_info.raw if vendor.tcb_info is None else vendor.tcb_info,
        brought.revocations.raw if vendor.revocations is None else vendor.revocations,
        certificate,
    )
