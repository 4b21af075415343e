"""Checks a node's evidence against the service's tables.

The checks run in CCF's order (``src/node/quote.cpp``), and the first failure is the
answer: is it evidence, does the policy for its platform allow it, and is it about the
key that the node proved to hold?

Evidence of an SGX enclave, checked against what members allow.

CCF's releases up to 4 ran on SGX, and its constitution still names the table. No node
of ours runs there; old ledgers hold such evidence.

Evidence of a node without special hardware: nothing to verify, only to compare.

Evidence of simulated enclaves, checked against what members allow; all of it ours.

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

import re
from dataclasses import dataclass
from typing import Self, assert_never

from ccfpy.attestation import sgx
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.simulated import SimulatedCollateral, TcbStatus, VerifiedQuote
from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, VerificationFailed
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import Evidence, QuoteFault, QuoteRefused, unpadded
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import (
    CodeStatus,
    SimulatedRules,
    TrustedSimulatedVendor,
)
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo


@dataclass(frozen=True, slots=True)
class EnclaveQuote:
    """A verified quote."""

    quote: SgxQuote

    @classmethod
    def read(
        cls, quote: QuoteInfo, *, unix_time_s: int, policy: sgx.Policy = sgx.STRICT
    ) -> Self:
        """Verify a quote by its collateral, which must be recent.

        Raises:
            Malformed: it is no quote, or its collateral is malformed.
            VerificationFailed: the quote does not verify.
        """
        return cls(
            sgx.verify_sgx_quote(
                quote.quote,
                quote.endorsements,
                unix_time_s=unix_time_s,
                policy=policy,
            )
        )

    @property
    def measurement(self) -> bytes:
        """The measurement of the enclave (MRENCLAVE)."""
        return self.quote.report.measurement

    @property
    def report_data(self) -> bytes:
        """The digest of the node's key."""
        return unpadded(sgx.node_report_data(self.quote))

    def check(self, tx: Tx) -> None:
        """Check that the code may join; SGX has no host data."""
        if not join_policy.SGX_MEASUREMENTS.of(tx).has(self.measurement.hex()):
            raise QuoteRefused(QuoteFault.UNKNOWN_MEASUREMENT)

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Allow the same code to join."""
        del security_policy
        measurements = join_policy.SGX_MEASUREMENTS.of(tx)
        measurements.put(self.measurement.hex(), CodeStatus.ALLOWED_TO_JOIN)


_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class VirtualQuote:
    """What a virtual node claims of itself."""

    claimed: VirtualEvidence

    @classmethod
    def read(cls, quote: QuoteInfo) -> Self:
        """Read a quote.

        Raises:
            Malformed: it is no quote of a virtual node.
        """
        return cls(VirtualEvidence.parse(quote.quote))

    @property
    def measurement(self) -> bytes:
        """The same text for every virtual node."""
        return self.claimed.measurement.encode()

    @property
    def report_data(self) -> bytes:
        """The digest of the node's key."""
        return self.claimed.report_data

    def check(self, tx: Tx) -> None:
        """Check that the measurement and the host data may join."""
        host_data = self.claimed.host_data
        if host_data is None or not _DIGEST.fullmatch(host_data):
            raise QuoteRefused(QuoteFault.NO_HOST_DATA)
        if not join_policy.VIRTUAL_HOST_DATA.of(tx).contains(host_data.lower()):
            raise QuoteRefused(QuoteFault.UNKNOWN_HOST_DATA)
        measurements = join_policy.VIRTUAL_MEASUREMENTS.of(tx)
        if not measurements.has(self.claimed.measurement):
            raise QuoteRefused(QuoteFault.UNKNOWN_MEASUREMENT)

    def trust(self, tx: Tx, *, security_policy: str = "") -> None:
        """Allow the same program to join; no policy's text is recorded."""
        del security_policy
        measurements = join_policy.VIRTUAL_MEASUREMENTS.of(tx)
        measurements.put(self.claimed.measurement, CodeStatus.ALLOWED_TO_JOIN)
        host_data = self.claimed.host_data
        if host_data is not None and _DIGEST.fullmatch(host_data):
            join_policy.VIRTUAL_HOST_DATA.of(tx).insert(host_data.lower())


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


def read(quote: QuoteInfo, *, unix_time_s: int) -> Evidence:
    """Verify evidence as far as its platform allows; choose the platform by format.

    Args:
        quote: the evidence, and its endorsements.
        unix_time_s: the time at which the endorsements must be valid.

    Raises:
        Malformed: ``quote`` is no such evidence.
        VerificationFailed: the evidence does not verify.
    """
    match quote.format:
        case QuoteFormat.INSECURE_VIRTUAL:
            return VirtualQuote.read(quote)
        case QuoteFormat.AMD_SEV_SNP_V1:
            return SnpQuote.read(quote, unix_time_s=unix_time_s)
        case QuoteFormat.INSECURE_SIMULATED:
            return SimulatedQuote.read(quote, unix_time_s=unix_time_s)
        case QuoteFormat.OE_SGX_V1:
            return EnclaveQuote.read(quote, unix_time_s=unix_time_s)
        case _:
            assert_never(quote.format)


def verify_quote(
    tx: Tx, quote: QuoteInfo, *, public_key_der: bytes, unix_time_s: int
) -> bytes:
    """Return the measurement of the code that a node proved to run.

    Args:
        tx: the transaction in which the policy is read.
        quote: the node's evidence.
        public_key_der: the key that the node proved to hold.
        unix_time_s: the time at which its endorsements must be valid.

    Raises:
        QuoteRefused: the policy does not allow the evidence.
    """
    try:
        evidence = read(quote, unix_time_s=unix_time_s)
    except CcfpyError as error:
        raise QuoteRefused(QuoteFault.NOT_VERIFIED, str(error)) from error
    hold(tx, evidence, public_key_der=public_key_der)
    return evidence.measurement


def hold(tx: Tx, evidence: Evidence, *, public_key_der: bytes) -> None:
    """Check verified evidence against the policy and the node's key.

    Raises:
        QuoteRefused: the policy does not allow it, or it is about another key.
    """
    evidence.check(tx)
    if evidence.report_data != sha256(public_key_der):
        raise QuoteRefused(QuoteFault.OTHER_KEY)
