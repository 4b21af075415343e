"""Evidence of a node without special hardware: nothing to verify, only to compare."""

import re
from dataclasses import dataclass
from typing import Self

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteInfo

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
