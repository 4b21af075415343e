"""The reports that the policy accepts, and the first question each attack fails."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.attestation.snp_report import Product
from ccfpy.attestation.uvm import ROOTS_OF_TRUST
from ccfpy.base.errors import VerificationFailed
from ccfpy.base.json import Json
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.tx import Tx
from ccfpy.service.evidence import quotes
from ccfpy.service.evidence.kind import QuoteFault, QuoteRefused
from ccfpy.service.evidence.snp import SnpQuote
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import CodeStatus
from ccfpy.service.tables.nodes import QuoteFormat, QuoteInfo
from tests.attacks import attack
from tests.unit.attestation.hardware import (
    NOW_S,
    PRODUCTS,
    chain_of,
    recorded,
    report_of,
)
from tests.unit.attestation.processor import TCB, FakeProcessor
from tests.unit.attestation.test_uvm import MEASUREMENT

KEY = b"a public key as DER"
POLICY = b"package policy"
PROCESSOR = FakeProcessor(Product.MILAN)
CPUID = "00a00f11"
MICROSOFT = ROOTS_OF_TRUST[0]
UVM = recorded("int_svn.cose")
"""Endorses the measurement as version 102."""


def info(changes: dict[int, bytes] | None = None, **more: bytes) -> QuoteInfo:
    report = PROCESSOR.report(
        {0x050: sha256(KEY), 0x090: MEASUREMENT, 0x0C0: sha256(POLICY)}
        | (changes or {})
    )
    return QuoteInfo(
        format=QuoteFormat.AMD_SEV_SNP_V1,
        quote=report,
        endorsements=PROCESSOR.chain,
        uvm_endorsements=more.get("uvm"),
    )


def evidence(changes: dict[int, bytes] | None = None, **more: bytes) -> SnpQuote:
    return SnpQuote.read(
        info(changes, **more), unix_time_s=NOW_S, roots=PROCESSOR.roots
    )


def refusal(tx: Tx, found: SnpQuote, key: bytes = KEY) -> QuoteRefused:
    with pytest.raises(QuoteRefused) as refused:
        quotes.hold(tx, found, public_key_der=key)
    return refused.value


@pytest.fixture
def policy(tx: Tx) -> Tx:
    evidence().trust(tx, security_policy=POLICY.decode())
    return tx


def test_a_service_takes_more_guests_like_its_first(policy: Tx) -> None:
    quotes.hold(policy, evidence(), public_key_der=KEY)
    assert dict(join_policy.SNP_HOST_DATA.of(policy).items()) == {
        sha256(POLICY).hex(): POLICY.decode()
    }
    assert dict(join_policy.SNP_TCB_VERSIONS.of(policy).items()) == {
        CPUID: {
            "hexstring": TCB[::-1].hex(),
            "boot_loader": 4,
            "tee": 0,
            "snp": 24,
            "microcode": 219,
        }
    }
    measurements = join_policy.SNP_MEASUREMENTS.of(policy)
    assert list(measurements.keys()) == [MEASUREMENT.hex()]


def test_an_endorsed_release_is_trusted_in_place_of_a_measurement(tx: Tx) -> None:
    first = evidence(uvm=UVM)
    first.trust(tx)
    assert not list(join_policy.SNP_MEASUREMENTS.of(tx).keys())
    feeds = join_policy.SNP_UVM_ENDORSEMENTS.of(tx).get(MICROSOFT.did)
    assert feeds == {MICROSOFT.feed: join_policy.UvmEndorsementsData(svn="102")}
    assert dict(join_policy.SNP_HOST_DATA.of(tx).items()) == {sha256(POLICY).hex(): ""}
    quotes.hold(tx, first, public_key_der=KEY)
    newer = evidence(uvm=recorded("uvm_0.2.9.cose"))
    quotes.hold(tx, newer, public_key_der=KEY)
    bare = refusal(tx, evidence())
    assert bare.fault is QuoteFault.UNKNOWN_MEASUREMENT


def test_a_first_node_whose_endorsements_do_not_hold_begins_nothing(tx: Tx) -> None:
    with pytest.raises(VerificationFailed, match="is not equal to UVM attestation"):
        evidence({0x090: b"\x01"}, uvm=UVM).trust(tx)
    assert not tx.writes


def _older_release(tx: Tx) -> None:
    feeds = {MICROSOFT.feed: join_policy.UvmEndorsementsData(svn="103")}
    join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put(MICROSOFT.did, feeds)


def _odd_release(tx: Tx) -> None:
    feeds = {MICROSOFT.feed: join_policy.UvmEndorsementsData(svn="new")}
    join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put(MICROSOFT.did, feeds)


@pytest.mark.parametrize("change", [lambda _: None, _older_release, _odd_release])
def test_endorsements_decide_where_they_come_along(
    policy: Tx, change: Callable[[Tx], None]
) -> None:
    """Even of a measurement that is allowed by name."""
    change(policy)
    assert refusal(policy, evidence(uvm=UVM)).fault is QuoteFault.UNKNOWN_UVM
    assert refusal(policy, evidence(uvm=b"none")).fault is QuoteFault.UNKNOWN_UVM


@attack("join: host data that nobody allowed")
@attack("join: a measurement that nobody allowed")
@attack("join: evidence of another node's key")
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({0x0C0: b"\x00"}, QuoteFault.UNKNOWN_HOST_DATA),
        ({0x0DF: b"\x00"}, QuoteFault.UNKNOWN_HOST_DATA),
        ({0x090: b"\x00"}, QuoteFault.UNKNOWN_MEASUREMENT),
        ({0x0BF: b"\x00"}, QuoteFault.UNKNOWN_MEASUREMENT),
        ({0x18A: b"\x02"}, QuoteFault.OTHER),
        ({0x050: b"\x00"}, QuoteFault.OTHER_KEY),
        ({0x070: b"\x01"}, QuoteFault.OTHER_KEY),
        ({0x08F: b"\x01"}, QuoteFault.OTHER_KEY),
    ],
)
def test_each_part_of_a_report_must_be_what_the_tables_say(
    policy: Tx, changes: dict[int, bytes], fault: QuoteFault
) -> None:
    assert refusal(policy, evidence(changes)).fault is fault


def test_the_first_question_that_fails_is_the_answer(tx: Tx) -> None:
    order = []
    found = evidence(uvm=UVM)
    steps: tuple[Callable[[], None], ...] = (
        lambda: join_policy.SNP_HOST_DATA.of(tx).put(sha256(POLICY).hex(), ""),
        lambda: join_policy.SNP_UVM_ENDORSEMENTS.of(tx).put(
            MICROSOFT.did, {MICROSOFT.feed: join_policy.UvmEndorsementsData(svn="102")}
        ),
        lambda: join_policy.SNP_TCB_VERSIONS.of(tx).put(
            CPUID, {"boot_loader": 4, "tee": 0, "snp": 24, "microcode": 219}
        ),
    )
    for trusted in steps:
        order.append(refusal(tx, found, b"another key").fault)
        trusted()
    order.append(refusal(tx, found, b"another key").fault)
    assert order == [
        QuoteFault.UNKNOWN_HOST_DATA,
        QuoteFault.UNKNOWN_UVM,
        QuoteFault.OTHER,
        QuoteFault.OTHER_KEY,
    ]
    quotes.hold(tx, found, public_key_der=KEY)


@attack("join: a processor or firmware that is out of date")
@pytest.mark.parametrize(
    ("minimum", "detail"),
    [
        ({"boot_loader": 5, "tee": 0, "snp": 24, "microcode": 219}, "does not meet"),
        ({"boot_loader": 4, "tee": 0, "snp": 24, "microcode": 220}, "does not meet"),
        ({"boot_loader": 4, "tee": 0, "snp": 24}, "does not meet"),
        ({"boot_loader": "4", "tee": 0, "snp": 24, "microcode": 1}, "is no number"),
        ("db18000000000004", "no minimum TCB version"),
    ],
)
def test_firmware_is_not_older_than_the_least(
    policy: Tx, minimum: Json, detail: str
) -> None:
    join_policy.SNP_TCB_VERSIONS.of(policy).put(CPUID, minimum)
    refused = refusal(policy, evidence())
    assert refused.fault is QuoteFault.OTHER
    assert detail in (refused.detail or "")


def test_a_minimum_is_found_under_either_case_of_hex(policy: Tx) -> None:
    versions = join_policy.SNP_TCB_VERSIONS.of(policy)
    minimum = versions.get(CPUID)
    versions.remove(CPUID)
    versions.put("no processor", {})
    versions.put(CPUID.upper(), minimum)
    quotes.hold(policy, evidence(), public_key_der=KEY)


@attack("join: evidence of two machines, mixed")
@pytest.mark.parametrize("product", PRODUCTS)
def test_real_reports_pass_all_but_the_last_question(tx: Tx, product: str) -> None:
    """Nobody here holds the keys that the recorded reports are about."""
    quote = QuoteInfo(
        format=QuoteFormat.AMD_SEV_SNP_V1,
        quote=report_of(product),
        endorsements=chain_of(product),
    )
    quotes.read(quote, unix_time_s=NOW_S).trust(tx)
    with pytest.raises(QuoteRefused) as refused:
        quotes.verify_quote(tx, quote, public_key_der=KEY, unix_time_s=NOW_S)
    assert refused.value.fault is QuoteFault.OTHER_KEY
    swapped = replace(quote, endorsements=chain_of(PRODUCTS[product == "milan"]))
    with pytest.raises(QuoteRefused) as refused:
        quotes.verify_quote(tx, swapped, public_key_der=KEY, unix_time_s=NOW_S)
    assert refused.value.fault is QuoteFault.NOT_VERIFIED
    older = replace(quote, endorsed_tcb="00" * 8)
    with pytest.raises(QuoteRefused) as refused:
        quotes.verify_quote(tx, older, public_key_der=KEY, unix_time_s=NOW_S)
    assert refused.value.fault is QuoteFault.NOT_VERIFIED


@attack("join: a manufacturer that nobody knows")
def test_a_processor_of_anybodys_making_is_not_believed(policy: Tx) -> None:
    with pytest.raises(QuoteRefused) as refused:
        quotes.verify_quote(policy, info(), public_key_der=KEY, unix_time_s=NOW_S)
    assert refused.value.fault is QuoteFault.NOT_VERIFIED
    assert "root of trust public key" in (refused.value.detail or "")


@attack("join: evidence of another platform")
def test_what_was_allowed_for_one_platform_is_not_for_another(tx: Tx) -> None:
    allowed = CodeStatus.ALLOWED_TO_JOIN
    join_policy.VIRTUAL_HOST_DATA.of(tx).insert(sha256(POLICY).hex())
    join_policy.VIRTUAL_MEASUREMENTS.of(tx).put(MEASUREMENT.hex(), allowed)
    join_policy.SGX_MEASUREMENTS.of(tx).put(MEASUREMENT.hex(), allowed)
    assert refusal(tx, evidence()).fault is QuoteFault.UNKNOWN_HOST_DATA


def test_a_security_policy_is_the_one_that_the_host_data_names() -> None:
    evidence().check_security_policy(POLICY)
    with pytest.raises(VerificationFailed, match="does not match attestation host"):
        evidence().check_security_policy(POLICY + b" ")
