"""The evidence that admits a node, and the question that each attack fails."""

from dataclasses import replace

import pytest

from ccfpy.attestation.virtual import MEASUREMENT, VirtualEvidence
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.evidence.quotes import VirtualQuote, verify_quote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.attacks import attack
from tests.unit.attestation.evidence import virtual_evidence

KEY = b"a public key as DER"
HOST_DATA = "ab" * 32
EVIDENCE = virtual_evidence(public_key_der=KEY, executable_digest=HOST_DATA)
VIRTUAL = QuoteFormat.INSECURE_VIRTUAL


@pytest.fixture
def policy(tx: Tx) -> Tx:
    VirtualQuote(EVIDENCE).trust(tx)
    return tx


def quote(evidence: VirtualEvidence | bytes) -> QuoteInfo:
    raw = evidence if isinstance(evidence, bytes) else evidence.quote()
    return QuoteInfo(format=VIRTUAL, quote=raw, endorsements=b"")


def fault(tx: Tx, info: QuoteInfo, key: bytes = KEY) -> QuoteFault:
    with pytest.raises(QuoteRefused) as refused:
        verify_quote(tx, info, public_key_der=key, unix_time_s=0)
    return refused.value.fault


def test_evidence_that_the_policy_asks_for_gives_its_measurement(policy: Tx) -> None:
    measurement = verify_quote(
        policy, quote(EVIDENCE), public_key_der=KEY, unix_time_s=0
    )
    assert measurement == MEASUREMENT.encode()
    shouted = replace(EVIDENCE, host_data=HOST_DATA.upper())
    assert measurement == verify_quote(
        policy, quote(shouted), public_key_der=KEY, unix_time_s=0
    )


@attack("join: evidence of another node's key")
def test_evidence_of_another_key_is_refused(policy: Tx) -> None:
    assert fault(policy, quote(EVIDENCE), b"another key") is QuoteFault.OTHER_KEY
    longer = replace(EVIDENCE, report_data=sha256(KEY) + b"\0")
    assert fault(policy, quote(longer)) is QuoteFault.OTHER_KEY


@attack("join: a measurement that nobody allowed")
def test_code_that_is_not_allowed_is_refused(policy: Tx) -> None:
    other = replace(EVIDENCE, measurement="another measurement")
    assert fault(policy, quote(other)) is QuoteFault.UNKNOWN_MEASUREMENT


@attack("join: host data that nobody allowed")
@pytest.mark.parametrize("host_data", ["cd" * 32, "00" * 32])
def test_a_program_that_is_not_allowed_is_refused(policy: Tx, host_data: str) -> None:
    other = replace(EVIDENCE, host_data=host_data)
    assert fault(policy, quote(other)) is QuoteFault.UNKNOWN_HOST_DATA


@pytest.mark.parametrize("host_data", [None, "", "zz" * 32, HOST_DATA + "00"])
def test_host_data_that_is_no_digest_is_none(policy: Tx, host_data: str | None) -> None:
    other = replace(EVIDENCE, host_data=host_data)
    assert fault(policy, quote(other)) is QuoteFault.NO_HOST_DATA


@attack("join: a policy that is empty")
def test_an_empty_policy_admits_nobody(tx: Tx) -> None:
    assert fault(tx, quote(EVIDENCE)) is QuoteFault.UNKNOWN_HOST_DATA


@attack("join: evidence of another platform")
def test_what_was_allowed_for_one_platform_is_not_for_another(tx: Tx) -> None:
    join_policy.SNP_MEASUREMENTS.of(tx).put(MEASUREMENT, CodeStatus.ALLOWED_TO_JOIN)
    join_policy.SNP_HOST_DATA.of(tx).put(HOST_DATA, "")
    assert fault(tx, quote(EVIDENCE)) is QuoteFault.UNKNOWN_HOST_DATA


@attack("join: bytes that are no evidence")
@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"\xff", b'{"measurement":1}'])
def test_bytes_that_are_no_evidence_could_not_be_verified(
    policy: Tx, raw: bytes
) -> None:
    assert fault(policy, quote(raw)) is QuoteFault.NOT_VERIFIED


@pytest.mark.parametrize(
    "kind", [QuoteFormat.OE_SGX_V1, QuoteFormat.AMD_SEV_SNP_V1], ids=str
)
def test_other_kinds_of_evidence_could_not_be_verified(
    policy: Tx, kind: QuoteFormat
) -> None:
    claimed = replace(quote(EVIDENCE), format=kind)
    assert fault(policy, claimed) is QuoteFault.NOT_VERIFIED
