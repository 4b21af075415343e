"""A caller's policy for guests on SEV-SNP, one thing wrong at a time.

Two reports are of real processors. Endorsements of utility VMs are Microsoft's; the
reports that they fit are of a processor whose maker's key is the test's own.
"""

import re
from dataclasses import replace

import pytest

from ccfpy.attestation.report_data import app_report_data
from ccfpy.attestation.snp_report import Product, SnpReport
from ccfpy.attestation.uvm import ROOTS_OF_TRUST
from ccfpy.base.errors import Malformed
from ccfpy.base.ports import Attestation
from ccfpy.client.attested import FORMAT, Expected, SnpPolicy, host_data_of
from ccfpy.client.errors import EvidenceFault, EvidenceRefused, refused
from tests.unit.attestation.hardware import (
    NOW_S,
    PRODUCTS,
    chain_of,
    recorded,
    report_of,
)
from tests.unit.attestation.processor import FakeProcessor
from tests.unit.attestation.test_uvm import MEASUREMENT

CPUIDS = {"milan": "00a00f11", "genoa": "00a10f11"}
TCB = {"milan": "db18000000000004", "genoa": "541700000000000a"}
OTHER = b"\x09" * 48
PROCESSOR = FakeProcessor(Product.MILAN)
BOUND = app_report_data(b"key")
RELEASE = replace(ROOTS_OF_TRUST[0], svn="103")


def evidence(product: str = "milan") -> Attestation:
    return Attestation(FORMAT, report_of(product), chain_of(product))


def policy(product: str = "milan") -> SnpPolicy:
    report = SnpReport.parse(report_of(product))
    return SnpPolicy(
        measurements=[report.measurement],
        host_data=[report.host_data],
        minimum_tcb={CPUIDS[product]: TCB[product]},
    )


def made(
    changes: dict[int, bytes] | None = None, *, uvm: str | None = "uvm_0.2.9.cose"
) -> Attestation:
    """Return evidence of a guest in Microsoft's utility VM, bound to a key."""
    fields = {0x050: BOUND, 0x090: MEASUREMENT} | (changes or {})
    endorsements = None if uvm is None else recorded(uvm)
    return Attestation(FORMAT, PROCESSOR.report(fields), PROCESSOR.chain, endorsements)


ENDORSED = SnpPolicy(
    uvm_endorsements=[RELEASE],
    host_data=[b"\x68" * 32],
    minimum_tcb={"00a00f11": "db18000000000004"},
    roots=PROCESSOR.roots,
)


def refusal(
    wanted: SnpPolicy, of: Attestation, unix_time_s: int = NOW_S
) -> tuple[EvidenceFault, str]:
    with pytest.raises(EvidenceRefused) as refused:
        wanted.examine(of, unix_time_s=unix_time_s)
    return refused.value.fault, str(refused.value)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_guest_of_a_real_processor_is_taken(product: str) -> None:
    bound = policy(product).examine(evidence(product), unix_time_s=NOW_S)
    assert bound == bytes(32)


@pytest.mark.parametrize("product", PRODUCTS)
def test_another_measurement_is_refused(product: str) -> None:
    wanted = replace(policy(product), measurements=[OTHER])
    fault, told = refusal(wanted, evidence(product))
    assert fault is EvidenceFault.UNKNOWN_CODE
    found = SnpReport.parse(report_of(product)).measurement
    assert told.endswith(f"expected {OTHER.hex()}, found {found.hex()}")


@pytest.mark.parametrize("product", PRODUCTS)
def test_other_host_data_is_refused(product: str) -> None:
    governed = host_data_of(b"package policy")
    fault, told = refusal(
        replace(policy(product), host_data=[governed]), evidence(product)
    )
    assert fault is EvidenceFault.UNKNOWN_HOST_DATA
    found = SnpReport.parse(report_of(product)).host_data
    assert told.endswith(f"expected {governed.hex()}, found {found.hex()}")


FLOORS = {
    "milan": [
        ("dc18000000000004", "expected microcode 220 or later, found 219"),
        ("db19000000000004", "expected snp 25 or later, found 24"),
        ("db18000000000104", "expected tee 1 or later, found 0"),
        ("db18000000000005", "expected boot_loader 5 or later, found 4"),
    ],
    "genoa": [
        ("551700000000000a", "expected microcode 85 or later, found 84"),
        ("541800000000000a", "expected snp 24 or later, found 23"),
        ("541700000000010a", "expected tee 1 or later, found 0"),
        ("541700000000000b", "expected boot_loader 11 or later, found 10"),
    ],
}


@pytest.mark.parametrize(
    ("product", "floor", "told"),
    [(product, *each) for product in FLOORS for each in FLOORS[product]],
)
def test_firmware_one_below_the_floor_is_refused(
    product: str, floor: str, told: str
) -> None:
    wanted = replace(policy(product), minimum_tcb={CPUIDS[product]: floor})
    fault, text = refusal(wanted, evidence(product))
    assert fault is EvidenceFault.OLD_FIRMWARE
    assert text == f"{EvidenceFault.OLD_FIRMWARE}: {told}"


def test_all_older_parts_are_told_and_newer_ones_are_taken() -> None:
    older = replace(policy(), minimum_tcb={"00A00F11": "ffff00000000ff00"})
    told = refusal(older, evidence())[1]
    assert re.findall(r"expected (\w+) 255 or later", told) == [
        "tee",
        "snp",
        "microcode",
    ]
    lower = replace(policy(), minimum_tcb={"00A00F11": "0000000000000000"})
    lower.examine(evidence(), unix_time_s=NOW_S)


def test_a_processor_whose_floor_is_not_named_is_refused() -> None:
    wanted = replace(policy(), minimum_tcb={CPUIDS["genoa"]: TCB["genoa"]})
    fault, told = refusal(wanted, evidence())
    assert fault is EvidenceFault.UNKNOWN_PROCESSOR
    assert told.endswith("expected 00a10f11, found 00a00f11 (Milan)")


@pytest.mark.parametrize(
    ("lacking", "fault"),
    [
        ({"measurements": []}, EvidenceFault.UNKNOWN_CODE),
        ({"host_data": []}, EvidenceFault.UNKNOWN_HOST_DATA),
        ({"minimum_tcb": {}}, EvidenceFault.UNKNOWN_PROCESSOR),
    ],
)
def test_what_is_left_empty_takes_nothing(
    lacking: dict[str, object], fault: EvidenceFault
) -> None:
    wanted = replace(policy(), **lacking)  # type: ignore[arg-type] # each has its type
    found, told = refusal(wanted, evidence())
    assert found is fault
    assert "the policy names none, found " in told


GENUINE = {
    "the report of another line of processors": (
        Attestation(FORMAT, report_of("genoa"), chain_of("milan")),
        "root of trust public key",
    ),
    "a report without its certificates": (
        Attestation(FORMAT, report_of("milan"), b""),
        "Expected 3 endorsement certificates but got 0",
    ),
    "a report that was changed": (
        Attestation(
            FORMAT, report_of("milan")[:0x50] + b"\1" + report_of("milan")[0x51:],
            chain_of("milan"),
        ),
        "did not sign this attestation",
    ),
    "a report of an old version": (
        Attestation(FORMAT, recorded("snp_v2_format_milan.report"), chain_of("milan")),
        "version is 2",
    ),
    "a report that was cut": (
        Attestation(FORMAT, report_of("milan")[:-1], chain_of("milan")),
        "1183",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("of", "why"), GENUINE.values(), ids=GENUINE.keys())
def test_what_does_not_verify_is_refused(of: Attestation, why: str) -> None:
    fault, told = refusal(policy(), of)
    assert fault is EvidenceFault.NOT_VERIFIED
    assert why in told


@pytest.mark.parametrize("when_s", [0, NOW_S + 100 * 366 * 86_400])
def test_certificates_that_are_not_valid_now_are_refused(when_s: int) -> None:
    fault, told = refusal(policy(), evidence(), when_s)
    assert fault is EvidenceFault.NOT_VERIFIED
    assert "is not valid now" in told


def test_a_processor_of_an_unknown_maker_is_refused() -> None:
    fault, told = refusal(replace(ENDORSED, roots=policy().roots), made())
    assert fault is EvidenceFault.NOT_VERIFIED
    assert "was not the expected one" in told


# Microsoft's utility VM


def test_an_endorsed_release_is_taken_by_name_of_its_maker() -> None:
    assert ENDORSED.examine(made(), unix_time_s=NOW_S) == BOUND
    older = replace(ENDORSED, uvm_endorsements=[replace(RELEASE, svn="102")])
    older.examine(made(), unix_time_s=NOW_S)
    older.examine(made(uvm="int_svn.cose"), unix_time_s=NOW_S)


def test_a_measurement_that_is_named_needs_no_endorsement() -> None:
    named = replace(ENDORSED, measurements=[MEASUREMENT], uvm_endorsements=())
    for uvm in (None, "int_svn.cose"):
        named.examine(made(uvm=uvm), unix_time_s=NOW_S)


RELEASES = {
    "a later one is needed": (
        {"svn": "104"},
        "uvm_0.2.9.cose",
        "expected ContainerPlat-AMD-UVM 104 or later by did:x509:",
    ),
    "an older one came": (
        {},
        "int_svn.cose",
        "expected ContainerPlat-AMD-UVM 103 or later by did:x509:",
    ),
    "another product": (
        {"feed": "ConfAKS-AMD-UVM"},
        "uvm_0.2.9.cose",
        "expected ConfAKS-AMD-UVM 103 or later by did:x509:",
    ),
    "another maker": (
        {"did": "did:x509:another"},
        "uvm_0.2.9.cose",
        "expected ContainerPlat-AMD-UVM 103 or later by did:x509:another, found ",
    ),
}


@pytest.mark.parametrize(
    ("changed", "uvm", "told"), RELEASES.values(), ids=RELEASES.keys()
)
def test_another_release_is_refused(
    changed: dict[str, str], uvm: str, told: str
) -> None:
    wanted = replace(ENDORSED, uvm_endorsements=[replace(RELEASE, **changed)])
    fault, text = refusal(wanted, made(uvm=uvm))
    assert fault is EvidenceFault.UNKNOWN_RELEASE
    assert told in text
    assert ", found ContainerPlat-AMD-UVM 10" in text


def test_a_measurement_that_nobody_endorses_is_refused() -> None:
    fault, told = refusal(ENDORSED, made(uvm=None))
    assert fault is EvidenceFault.UNKNOWN_RELEASE
    assert told.endswith(f"found no endorsement of the measurement {MEASUREMENT.hex()}")


def test_endorsements_of_another_measurement_are_refused() -> None:
    fault, told = refusal(ENDORSED, made({0x090: OTHER}))
    assert fault is EvidenceFault.NOT_VERIFIED
    assert MEASUREMENT.hex() in told
    assert OTHER.hex() in told


# What evidence is bound to


def test_evidence_is_bound_to_one_key() -> None:
    expected = Expected(snp=ENDORSED)
    expected.check(made(), report_data=BOUND, unix_time_s=NOW_S)
    other = app_report_data(b"another key")
    with pytest.raises(EvidenceRefused) as refused:
        expected.check(made(), report_data=other, unix_time_s=NOW_S)
    assert refused.value.fault is EvidenceFault.OTHER_BINDING
    told = f"expected {other.hex()}, found {BOUND.hex()}"
    assert str(refused.value).endswith(told)


def test_more_than_the_digest_in_its_field_is_another_binding() -> None:
    padded = made({0x050 + 63: b"\1"})
    with pytest.raises(EvidenceRefused) as refused:
        Expected(snp=ENDORSED).check(padded, report_data=BOUND, unix_time_s=NOW_S)
    assert refused.value.fault is EvidenceFault.OTHER_BINDING


@pytest.mark.parametrize(
    "minimum_tcb",
    [
        {"00a00f": "db18000000000004"},
        {"00000000": "db18000000000004"},
        {"00a00f11": "db"},
        {"00a00f11": "no hex"},
    ],
)
def test_a_floor_that_is_none_is_refused_at_once(minimum_tcb: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        SnpPolicy(minimum_tcb=minimum_tcb)


FAULT = EvidenceFault.UNKNOWN_HOST_DATA


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ([], "the policy names none, found c"),
        (["a"], "expected a, found c"),
        (["b", "a", "b"], "expected one of a, b, found c"),
    ],
)
def test_a_refusal_says_what_differs(expected: list[str], told: str) -> None:
    refusal = refused(FAULT, expected=expected, found="c")
    assert refusal.fault is FAULT
    assert str(refusal) == f"the host data is none that is expected: {told}"
