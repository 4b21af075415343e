"""Whether a node's evidence is what the service's tables allow to join.

Four questions in CCF's order (``src/node/quote.cpp``), the first that fails is the
answer: is it evidence at all, may this host's program join, may this code, and is it
about the key that the node proved to hold.
"""

import re
from enum import StrEnum
from typing import assert_never

from ccfpy.attestation.virtual import VirtualEvidence
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class QuoteFault(StrEnum):
    """What is wrong with evidence, in the words that joiners and tests look for."""

    NOT_VERIFIED = "Quote could not be verified"
    UNKNOWN_MEASUREMENT = "Quote does not contain known enclave measurement"
    OTHER_KEY = "Quote report data does not contain node's public key hash"
    NO_HOST_DATA = "Quote does not contain trusted host data"
    UNKNOWN_HOST_DATA = "Quote host data is not authorised"


class QuoteRefused(CcfpyError):
    """Evidence that the service's policy does not take.

    Attributes:
        detail: why evidence that could not be verified could not be; for logs.
    """

    def __init__(self, fault: QuoteFault, detail: str | None = None) -> None:
        super().__init__(fault)
        self.fault = fault
        self.detail = detail


def verify_quote(tx: Tx, quote: QuoteInfo, *, public_key_der: bytes) -> bytes:
    """Give the measurement of the code that a node proved to run.

    Args:
        tx: where the policy is read.
        quote: the node's evidence.
        public_key_der: the key that the node proved to hold.

    Raises:
        QuoteRefused: the evidence is not what the policy asks for.
    """
    match quote.format:
        case QuoteFormat.INSECURE_VIRTUAL:
            return _verify_virtual(tx, quote.quote, public_key_der)
        case QuoteFormat.AMD_SEV_SNP_V1 | QuoteFormat.OE_SGX_V1:
            raise QuoteRefused(
                QuoteFault.NOT_VERIFIED,
                f"evidence of the format {quote.format} cannot be verified here",
            )
        case _:
            assert_never(quote.format)


def _verify_virtual(tx: Tx, quote: bytes, public_key_der: bytes) -> bytes:
    try:
        evidence = VirtualEvidence.parse(quote)
    except Malformed as error:
        raise QuoteRefused(QuoteFault.NOT_VERIFIED, str(error)) from error
    host_data = evidence.host_data
    if host_data is None or not _DIGEST.fullmatch(host_data):
        raise QuoteRefused(QuoteFault.NO_HOST_DATA)
    if not join_policy.VIRTUAL_HOST_DATA.of(tx).contains(host_data.lower()):
        raise QuoteRefused(QuoteFault.UNKNOWN_HOST_DATA)
    if not join_policy.VIRTUAL_MEASUREMENTS.of(tx).has(evidence.measurement):
        raise QuoteRefused(QuoteFault.UNKNOWN_MEASUREMENT)
    if evidence.report_data != sha256(public_key_der):
        raise QuoteRefused(QuoteFault.OTHER_KEY)
    return evidence.measurement.encode()
