"""The SGX quotes that the policy accepts."""

import pytest

from ccfpy.attestation.sgx import Policy
from ccfpy.base.errors import VerificationFailed
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence import quotes
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import EnclaveQuote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.unit.attestation.sgx_maker import NOW_S, SgxMaker, Wanted, custom_claims
from tests.unit.attestation.test_sgx import GATHERED_S, recorded_evidence

KEY = b"a public key as DER"
MAKER = SgxMaker()


def evidence(wanted: Wanted | None = None) -> EnclaveQuote:
    quote, collateral = MAKER.evidence(
        wanted or Wanted(claims=custom_claims(sha256(KEY)))
    )
    info = QuoteInfo(format=QuoteFormat.OE_SGX_V1, quote=quote, endorsements=collateral)
    policy = Policy(root_key=MAKER.root_key)
    return EnclaveQuote.read(info, unix_time_s=NOW_S, policy=policy)


def refusal(tx: Tx, found: EnclaveQuote, key: bytes = KEY) -> QuoteFault:
    with pytest.raises(QuoteRefused) as refused:
        quotes.hold(tx, found, public_key_der=key)
    return refused.value.fault


def test_code_joins_that_is_allowed(tx: Tx) -> None:
    assert refusal(tx, evidence()) is QuoteFault.UNKNOWN_MEASUREMENT
    evidence().trust(tx, security_policy="SGX records none")
    assert list(join_policy.SGX_MEASUREMENTS.of(tx).keys()) == ["6d" * 32]
    quotes.hold(tx, evidence(), public_key_der=KEY)
    assert refusal(tx, evidence(), b"another key") is QuoteFault.OTHER_KEY


def test_a_bare_quote_binds_the_key_by_its_report_data(tx: Tx) -> None:
    bare = evidence(Wanted(claims=b"", report_data=sha256(KEY)))
    bare.trust(tx)
    quotes.hold(tx, bare, public_key_der=KEY)
    odd = evidence(Wanted(claims=b"", report_data=sha256(KEY) + b"\x01"))
    assert refusal(tx, odd) is QuoteFault.OTHER_KEY


def test_a_node_of_an_old_service_is_not_let_in() -> None:
    """What Intel said of its processor was to be asked again long before."""
    quote, collateral = recorded_evidence()
    info = QuoteInfo(format=QuoteFormat.OE_SGX_V1, quote=quote, endorsements=collateral)
    with pytest.raises(VerificationFailed, match="the next update"):
        quotes.read(info, unix_time_s=GATHERED_S)
