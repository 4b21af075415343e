"""Checks a node's evidence against the service's tables.

The checks run in CCF's order (``src/node/quote.cpp``), and the first failure is the
answer: is it evidence, does the policy for its platform allow it, and is it about the
key that the node proved to hold?
"""

from typing import assert_never

from ccfpy.base.errors import CcfpyError
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import Evidence
from ccfpy.service.evidence.refusal import QuoteFault, QuoteRefused
from ccfpy.service.evidence.sgx import EnclaveQuote
from ccfpy.service.evidence.simulated import SimulatedQuote
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.evidence.virtual import VirtualQuote
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo


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
