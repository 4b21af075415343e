"""Reports of AMD SEV-SNP processors."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation import snp
from ccfpy.attestation.snp import REPORT_BYTES, SnpReport, verify_snp_report
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from tests.unit.attestation.hardware import (
    NOW_S,
    PRODUCTS,
    chain_of,
    recorded,
    report_of,
)

SIGNED_BYTES = 0x2A0


def verify(
    raw: bytes, chain: bytes, *, now_s: int = NOW_S, tcb: str | None = None
) -> SnpReport:
    return verify_snp_report(raw, chain, unix_time_s=now_s, endorsed_tcb=tcb)


def pems(chain: bytes) -> list[bytes]:
    end = b"-----END CERTIFICATE-----"
    return [part.strip() + b"\n" + end + b"\n" for part in chain.split(end)[:3]]


@pytest.mark.parametrize(
    ("product", "tcb"),
    [("milan", "db18000000000004"), ("genoa", "541700000000000a")],
)
def test_a_report_of_a_real_processor_is_believed(product: str, tcb: str) -> None:
    report = verify(report_of(product), chain_of(product), tcb=tcb)
    assert report.product == product.capitalize()
    assert report.reported_tcb[::-1].hex() == tcb
    assert (report.vmpl, report.signing_key, report.mask_chip_key) == (0, 0, 0)
    assert len(report.measurement) == 48
    assert len(report.host_data) == 32
    assert len(report.report_data) == len(report.chip_id) == 64


@pytest.mark.parametrize("product", PRODUCTS)
def test_it_must_report_the_version_that_was_endorsed(product: str) -> None:
    with pytest.raises(VerificationFailed, match="does not match reported TCB"):
        verify(report_of(product), chain_of(product), tcb="00" * 8)


@given(st.sampled_from(PRODUCTS), st.integers(0, 8 * REPORT_BYTES - 1))
def test_no_bit_of_it_can_be_changed(product: str, bit: int) -> None:
    changed = bytearray(report_of(product))
    changed[bit // 8] ^= 1 << bit % 8
    if bit // 8 < SIGNED_BYTES + 144:  # what follows the two halves is unused
        with pytest.raises(CcfpyError):
            verify(bytes(changed), chain_of(product))


@given(st.sampled_from(PRODUCTS), st.integers(0, 6000), st.binary(max_size=60))
def test_whatever_the_certificates_nothing_else_is_raised(
    product: str, at: int, noise: bytes
) -> None:
    chain = chain_of(product)
    with suppress(CcfpyError):
        verify(report_of(product), chain[:at] + noise + chain[at + len(noise) :])


def test_a_report_of_another_form_is_refused() -> None:
    with pytest.raises(VerificationFailed, match="version is 2 not >= "):
        verify(recorded("snp_v2_format_milan.report"), chain_of("milan"))
    for size in (0, REPORT_BYTES - 1, REPORT_BYTES + 1):
        with pytest.raises(Malformed, match="not of expected size 1184"):
            verify(bytes(size), chain_of("milan"))


def test_each_product_has_its_own_root() -> None:
    with pytest.raises(VerificationFailed, match="root of trust public key"):
        verify(report_of("milan"), chain_of("genoa"))


def test_a_processor_that_is_not_known_is_refused() -> None:
    turin = bytearray(report_of("milan"))
    turin[0x188:0x18A] = 0x1A, 0x01
    with pytest.raises(Malformed, match="Unsupported CPUID family 26 model 1"):
        verify(bytes(turin), chain_of("milan"))


def test_the_chain_is_three_certificates_each_by_the_next() -> None:
    chip, intermediate, root = pems(chain_of("milan"))
    for chain in (chip, chip + root, chip + intermediate + root + root):
        with pytest.raises(Malformed, match="Expected 3 endorsement certificates"):
            verify(report_of("milan"), chain)
    empty = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"
    for chain in (chip + intermediate + root[:-10], chip + intermediate + root + empty):
        with pytest.raises(Malformed, match="Expected 3 endorsement certificates"):
            verify(report_of("milan"), chain)
    with pytest.raises(Malformed):
        verify(report_of("milan"), chip + intermediate + empty)
    with pytest.raises(Malformed):
        verify(report_of("milan"), chip + intermediate + b"-----END CERTIFICATE-----")
    for chain in (chip + root + root, intermediate + intermediate + root):
        with pytest.raises(VerificationFailed):
            verify(report_of("milan"), chain)
    other, _, _ = pems(chain_of("genoa"))
    with pytest.raises(VerificationFailed):
        verify(report_of("milan"), other + intermediate + root)


@pytest.mark.parametrize("now_s", [0, 4_000_000_000])
def test_certificates_are_valid_in_their_time_alone(now_s: int) -> None:
    with pytest.raises(VerificationFailed, match="is not valid now"):
        verify(report_of("milan"), chain_of("milan"), now_s=now_s)


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0x048, 1 << 2, "must be signed by VCEK: 1"),
        (0x048, 1 << 1, "Mask chip key must not be set"),
        (0x030, 4, r"host generated \(VMPL 4 > 3\)"),
        (0x00A, 1 << 3, "debugging must not be enabled"),
        (0x00A, 1 << 2, "migration must not be enabled"),
    ],
)
def test_a_signed_report_may_still_say_too_much(
    offset: int, value: int, reason: str
) -> None:
    changed = bytearray(report_of("milan"))
    changed[offset] = value
    with pytest.raises(VerificationFailed, match=reason):
        snp._verify_contents(SnpReport.parse(bytes(changed)))


@pytest.mark.parametrize(
    ("offset", "reason"), [(0x180, "Reported TCB"), (0x1A0, "Chip")]
)
def test_a_report_is_of_the_chip_and_version_that_the_certificate_says(
    offset: int, reason: str
) -> None:
    changed = bytearray(report_of("milan"))
    changed[offset] -= 1
    report = SnpReport.parse(bytes(changed))
    chip = snp._verify_chain("Milan", chain_of("milan"), NOW_S)
    with pytest.raises(VerificationFailed, match=reason):
        snp._verify_against(report, chip)


@pytest.mark.parametrize(
    "der", [b"", b"\x02", b"\x02\x00", b"\x02\x02\x01", b"\x04\x01\x01"]
)
def test_a_version_that_is_no_number_is_refused(der: bytes) -> None:
    with pytest.raises(Malformed, match="is no number"):
        snp._integer(der)


def test_another_algorithm_or_a_wider_number_is_no_signature() -> None:
    chip = snp._verify_chain("Milan", chain_of("milan"), NOW_S)
    other = bytearray(report_of("milan"))
    other[0x034] = 2
    with pytest.raises(VerificationFailed, match="Unsupported signature algorithm: 2"):
        snp._verify_signature(SnpReport.parse(bytes(other)), chip)
    wide = bytearray(report_of("milan"))
    wide[SIGNED_BYTES + 71] = 1
    with pytest.raises(VerificationFailed, match="P-384"):
        snp._verify_signature(SnpReport.parse(bytes(wide)), chip)
