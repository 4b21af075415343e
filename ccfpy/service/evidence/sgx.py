"""Evidence of an SGX enclave, checked against what members allow.

CCF's releases up to 4 ran on SGX, and its constitution still names the table. No node
of ours runs there; old ledgers hold such evidence.
"""

from dataclasses import dataclass
from typing import Self

from ccfpy.attestation import sgx
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import unpadded
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteInfo


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
