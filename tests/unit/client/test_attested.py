"""Evidence of a key, held against what its user expects, one thing wrong at a time."""

import base64
from dataclasses import replace

import pytest

from ccfpy.attestation import virtual
from ccfpy.attestation.identity import EnclaveIdentity
from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.simulated import TcbStatus
from ccfpy.attestation.simulated_machine import SimulatedMachine
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.ports import Attestation
from ccfpy.client.attested import (
    EvidenceFault,
    EvidenceRefused,
    Expected,
    OfferedKey,
    fresh_nonce,
)
from ccfpy.client.errors import UnexpectedReply
from ccfpy.crypto.hpke import HpkeKey
from ccfpy.crypto.sealed_exchange import OpenedRequest, key_binding
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.attestation.simulation import (
    ENCLAVE,
    FOREIGN_MACHINE,
    HOST_DATA,
    MACHINE,
    NOW,
    TCB_VERSION,
    VENDOR,
    raised,
)

KEY = HpkeKey.generate(SeededEntropy(1)).public
NONCE = b"\x07" * 32
SUBJECT = b"\x08" * 32
EXPECTED = Expected(
    vendor_ids=[VENDOR.vendor_id],
    signer_ids=[ENCLAVE.signer_id],
    product_id=ENCLAVE.product_id,
    security_version=ENCLAVE.security_version,
    unique_ids=[ENCLAVE.unique_id],
)


def _report_data() -> bytes:
    return app_report_data(
        key_binding(nonce=NONCE, public_key=KEY, key_version=3, subject=SUBJECT)
    )


def _offered(
    enclave: EnclaveIdentity = ENCLAVE, machine: SimulatedMachine = MACHINE
) -> OfferedKey:
    evidence = machine.attest(enclave, report_data=_report_data(), host_data=HOST_DATA)
    return OfferedKey(
        public=KEY, version=3, lifetime_s=60, subject=SUBJECT, evidence=evidence
    )


def _refused(
    offered: OfferedKey,
    expected: Expected = EXPECTED,
    nonce: bytes = NONCE,
    unix_time_s: int = NOW,
) -> EvidenceFault:
    with pytest.raises(EvidenceRefused) as refusal:
        offered.check(expected, nonce=nonce, unix_time_s=unix_time_s)
    return refusal.value.fault


def test_what_is_expected_is_taken_and_can_be_sealed_to() -> None:
    checked = _offered().check(EXPECTED, nonce=NONCE, unix_time_s=NOW)
    assert (checked.version, checked.subject) == (3, SUBJECT)
    asked = checked.seal(b"question", context=b"context")
    key = HpkeKey.generate(SeededEntropy(1))
    opened = OpenedRequest.open(key, asked.message, context=b"context")
    assert opened.content == b"question"


def test_who_does_not_say_whom_to_trust_trusts_nobody() -> None:
    assert _refused(_offered(), Expected()) is EvidenceFault.NO_POLICY
    one = Expected(vendor_ids=[VENDOR.vendor_id])
    assert _refused(_offered(), one) is EvidenceFault.UNKNOWN_SIGNER


def test_code_product_and_version_are_any_if_not_said() -> None:
    Expected(vendor_ids=[VENDOR.vendor_id], signer_ids=[ENCLAVE.signer_id]).check(
        _offered().evidence, report_data=_report_data(), unix_time_s=NOW
    )


def test_a_debug_enclave_is_refused_unless_asked_for() -> None:
    offered = _offered(replace(ENCLAVE, debug=True))
    assert _refused(offered) is EvidenceFault.DEBUG
    allowing = replace(EXPECTED, allows_debug=True)
    offered.check(allowing, nonce=NONCE, unix_time_s=NOW)


OTHER_ENCLAVES = {
    "another signer": ({"signer_id": b"\x03" * 32}, EvidenceFault.UNKNOWN_SIGNER),
    "another product": ({"product_id": 8}, EvidenceFault.UNKNOWN_PRODUCT),
    "an older version": ({"security_version": 2}, EvidenceFault.OLD_VERSION),
    "other code": ({"unique_id": b"\x05" * 32}, EvidenceFault.UNKNOWN_CODE),
}


@pytest.mark.parametrize(
    ("changed", "fault"), OTHER_ENCLAVES.values(), ids=OTHER_ENCLAVES.keys()
)
def test_another_enclave_is_refused(
    changed: dict[str, bytes | int], fault: EvidenceFault
) -> None:
    other = replace(ENCLAVE, **changed)  # type: ignore[arg-type] # each has its type
    assert _refused(_offered(other)) is fault


def test_code_that_is_named_needs_no_signer() -> None:
    named = replace(EXPECTED, signer_ids=[])
    _offered().check(named, nonce=NONCE, unix_time_s=NOW)
    other = replace(named, unique_ids=[b"\x05" * 32])
    assert _refused(_offered(), other) is EvidenceFault.UNKNOWN_CODE


def test_what_the_host_started_is_compared() -> None:
    started = replace(EXPECTED, host_data=[bytes(32), HOST_DATA])
    _offered().check(started, nonce=NONCE, unix_time_s=NOW)
    other = replace(EXPECTED, host_data=[bytes(32)])
    with pytest.raises(EvidenceRefused) as refusal:
        _offered().check(other, nonce=NONCE, unix_time_s=NOW)
    assert refusal.value.fault is EvidenceFault.UNKNOWN_HOST_DATA
    told = f"expected {bytes(32).hex()}, found {HOST_DATA.hex()}"
    assert str(refusal.value).endswith(told)


@pytest.mark.parametrize("part", range(8))
def test_a_machine_one_below_the_floor_is_refused(part: int) -> None:
    at_it = replace(EXPECTED, minimum_tcb=TCB_VERSION)
    _offered().check(at_it, nonce=NONCE, unix_time_s=NOW)
    above = replace(EXPECTED, minimum_tcb=raised(TCB_VERSION, part))
    with pytest.raises(EvidenceRefused) as refusal:
        _offered().check(above, nonce=NONCE, unix_time_s=NOW)
    assert refusal.value.fault is EvidenceFault.OLD_FIRMWARE
    assert str(refusal.value).endswith(f": expected part {part} at 2 or later, found 1")


@pytest.mark.parametrize("length", [0, 7, 9])
def test_a_floor_has_a_number_for_each_part(length: int) -> None:
    with pytest.raises(Malformed, match=f"8 parts, found {length}"):
        Expected(minimum_tcb=bytes(length))


def test_a_machine_of_another_vendor_is_refused() -> None:
    assert _refused(_offered(machine=FOREIGN_MACHINE)) is EvidenceFault.UNKNOWN_VENDOR


def test_a_machine_that_is_out_of_date_or_revoked_is_refused() -> None:
    demanding = VENDOR.require(
        raised(MACHINE.tcb_version), older=TcbStatus.OUT_OF_DATE, unix_time_s=NOW
    )
    late = _offered(machine=MACHINE.told(demanding.collateral))
    assert _refused(late) is EvidenceFault.MACHINE
    lenient = replace(EXPECTED, tcb_statuses=[TcbStatus.OUT_OF_DATE])
    late.check(lenient, nonce=NONCE, unix_time_s=NOW)
    revoking = VENDOR.revoke([MACHINE.machine_id], unix_time_s=NOW)
    gone = _offered(machine=MACHINE.told(revoking.collateral))
    assert _refused(gone, lenient) is EvidenceFault.MACHINE


def test_a_stale_nonce_is_refused() -> None:
    assert _refused(_offered(), nonce=b"\x09" * 32) is EvidenceFault.OTHER_BINDING
    assert fresh_nonce() != fresh_nonce()


@pytest.mark.parametrize(
    "changed",
    [{"public": b"\x01" * 32}, {"version": 4}, {"subject": b"\x01" * 32}],
    ids=["key", "version", "subject"],
)
def test_evidence_of_something_else_is_refused(
    changed: dict[str, bytes | int],
) -> None:
    other = replace(_offered(), **changed)  # type: ignore[arg-type] # each has its type
    assert _refused(other) is EvidenceFault.OTHER_BINDING


@pytest.mark.parametrize("name", ["public", "subject"])
def test_a_field_of_another_length_is_refused(name: str) -> None:
    fields: dict[str, bytes] = {name: b"short"}
    other = replace(_offered(), **fields)  # type: ignore[arg-type] # each has its type
    assert _refused(other) is EvidenceFault.OTHER_BINDING


def test_evidence_that_does_not_verify_is_refused() -> None:
    offered = _offered()
    for evidence in (
        offered.evidence._replace(quote=offered.evidence.quote[:-1]),
        offered.evidence._replace(endorsements=b"{}"),
        offered.evidence._replace(quote=b""),
    ):
        changed = replace(offered, evidence=evidence)
        assert _refused(changed) is EvidenceFault.NOT_VERIFIED
    late = NOW + 10 * 366 * 86_400
    assert _refused(offered, unix_time_s=late) is EvidenceFault.NOT_VERIFIED


def _virtual() -> OfferedKey:
    evidence = virtual.attest(_report_data(), host_data=HOST_DATA)
    return replace(_offered(), evidence=evidence)


def test_a_claim_that_anybody_could_write_is_taken_where_asked_for_alone() -> None:
    allowing = Expected(allows_virtual=True)
    assert _refused(_virtual()) is EvidenceFault.PLATFORM
    _virtual().check(allowing, nonce=NONCE, unix_time_s=NOW)
    assert _refused(_virtual(), allowing, bytes(32)) is EvidenceFault.OTHER_BINDING
    broken = replace(
        _virtual(), evidence=_virtual().evidence._replace(quote=b"no JSON")
    )
    assert _refused(broken, allowing) is EvidenceFault.NOT_VERIFIED


@pytest.mark.parametrize("form", ["AMD_SEV_SNP_v1", "OE_SGX_v1", "", "x" * 1000])
def test_another_platform_is_refused(form: str) -> None:
    other = replace(_offered(), evidence=Attestation(form, b"", b""))
    with pytest.raises(EvidenceRefused) as refusal:
        other.check(EXPECTED, nonce=NONCE, unix_time_s=NOW)
    assert refusal.value.fault is EvidenceFault.PLATFORM
    assert "expected Insecure_Simulated, found '" in str(refusal.value)
    assert len(str(refusal.value)) < 200


OFFER: JsonObject = {
    "public_key": KEY.hex(),
    "key_version": 3,
    "lifetime_s": 60,
    "model_sha256": SUBJECT.hex(),
    "evidence": {
        "format": "Insecure_Simulated",
        "quote": base64.b64encode(b"quote").decode(),
        "endorsements": "",
    },
}


def test_an_offer_is_read() -> None:
    offered = OfferedKey.read(OFFER, subject="model_sha256")
    assert offered == OfferedKey(
        public=KEY,
        version=3,
        lifetime_s=60,
        subject=SUBJECT,
        evidence=Attestation("Insecure_Simulated", b"quote", b""),
    )


def test_endorsements_of_a_release_are_read_where_there_are_some() -> None:
    evidence = OFFER["evidence"]
    assert isinstance(evidence, dict)
    for written, read in ((None, None), ("", b""), ("eA==", b"x")):
        told = OFFER | {"evidence": evidence | {"uvm_endorsements": written}}
        offered = OfferedKey.read(told, subject="model_sha256")
        assert offered.evidence.uvm_endorsements == read


@pytest.mark.parametrize(
    "changed",
    [
        {"public_key": "xy"},
        {"public_key": None},
        {"key_version": -1},
        {"key_version": True},
        {"key_version": 2**64},
        {"lifetime_s": "60"},
        {"model_sha256": 1},
        {"evidence": None},
        {"evidence": {"format": "x", "quote": "!", "endorsements": ""}},
        {"evidence": {"format": "x", "quote": ""}},
        {
            "evidence": {
                "format": "x",
                "quote": "",
                "endorsements": "",
                "uvm_endorsements": 1,
            }
        },
    ],
)
def test_what_is_no_offer_is_refused(changed: dict[str, Json]) -> None:
    with pytest.raises(UnexpectedReply):
        OfferedKey.read(OFFER | changed, subject="model_sha256")
