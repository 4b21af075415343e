"""Reports of AMD SEV-SNP processors."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation import snp
from ccfpy.attestation.snp import SnpStep, verify_snp_report
from ccfpy.attestation.snp_report import REPORT_BYTES, Product, SnpReport
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.hashing import sha256_hex
from tests.attacks import attack
from tests.unit.attestation.hardware import (
    NOW_S,
    PRODUCTS,
    chain_of,
    recorded,
    report_of,
)
from tests.unit.attestation.processor import TCB, FakeProcessor

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


@attack("join: evidence with a bit changed")
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
    with pytest.raises(VerificationFailed, match="No known root certificate for Turin"):
        verify(bytes(turin), chain_of("milan"))
    turin[0x188:0x18A] = 0x1A, 0x02
    with pytest.raises(Malformed, match="Unsupported CPUID family 26 model 2"):
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


@attack("join: stale evidence")
@pytest.mark.parametrize("now_s", [0, 4_000_000_000])
def test_certificates_are_valid_in_their_time_alone(now_s: int) -> None:
    with pytest.raises(VerificationFailed, match="is not valid now"):
        verify(report_of("milan"), chain_of("milan"), now_s=now_s)


@pytest.mark.parametrize(
    "der", [b"", b"\x02", b"\x02\x00", b"\x02\x02\x01", b"\x04\x01\x01"]
)
def test_a_version_that_is_no_number_is_refused(der: bytes) -> None:
    with pytest.raises(Malformed, match="is no number"):
        snp._integer(der)


def test_a_wider_number_is_no_signature() -> None:
    wide = bytearray(report_of("milan"))
    wide[SIGNED_BYTES + 71] = 1
    with pytest.raises(VerificationFailed, match="P-384"):
        verify(bytes(wide), chain_of("milan"))


# A processor of our own signs whatever it is asked to


MILAN = FakeProcessor(Product.MILAN)


def signed(
    changes: dict[int, bytes], *, processor: FakeProcessor = MILAN, now_s: int = NOW_S
) -> SnpReport:
    return verify_snp_report(
        processor.report(changes),
        processor.chain,
        unix_time_s=now_s,
        roots=processor.roots,
    )


def test_an_honest_report_takes_each_step() -> None:
    taken: list[str] = []
    genoa = FakeProcessor(Product.GENOA)
    report = verify_snp_report(
        genoa.report(),
        genoa.chain,
        unix_time_s=NOW_S,
        endorsed_tcb=TCB[::-1].hex(),
        roots=genoa.roots,
        took=taken.append,
    )
    assert taken == list(SnpStep)
    assert report.processor.hex == "00a10f11"


@attack("join: an enclave that can be debugged")
@pytest.mark.parametrize(
    ("offset", "value", "step", "reason"),
    [
        (0x000, b"\x02", SnpStep.VERSION, "version is 2 not >= expected minimum 3"),
        (0x188, b"\x18", SnpStep.PROCESSOR, "Unsupported CPUID family 24 model 1"),
        (0x189, b"\x11", SnpStep.ROOT, "No known root certificate for Genoa"),
        (0x034, b"\x02", SnpStep.SIGNATURE, "Unsupported signature algorithm: 2"),
        (0x048, b"\x04", SnpStep.SIGNING_KEY, "must be signed by VCEK: 1"),
        (0x048, b"\x02", SnpStep.CHIP_KEY, "Mask chip key must not be set"),
        (0x030, b"\x04", SnpStep.GUEST, r"host generated \(VMPL 4 > 3\)"),
        (0x033, b"\x01", SnpStep.GUEST, "host generated"),
        (0x00A, b"\x08", SnpStep.DEBUG, "debugging must not be enabled"),
        (0x00A, b"\x04", SnpStep.MIGRATION, "migration must not be enabled"),
        (0x180, b"\x03", SnpStep.FIRMWARE, "does not meet or exceed the endorsed TCB"),
        (0x186, b"\x17", SnpStep.FIRMWARE, '"snp":23'),
        (0x187, b"\xda", SnpStep.FIRMWARE, '"db18000000000004"'),
        (0x1A0, b"\xff", SnpStep.CHIP, "Chip ID in attestation does not match"),
        (0x1DF, b"\x00", SnpStep.CHIP, "Chip ID in attestation does not match"),
    ],
)
def test_what_is_signed_may_still_be_refused(
    offset: int, value: bytes, step: SnpStep, reason: str
) -> None:
    taken: list[str] = []
    with pytest.raises(CcfpyError, match=reason):
        verify_snp_report(
            MILAN.report({offset: value}),
            MILAN.chain,
            unix_time_s=NOW_S,
            roots=MILAN.roots,
            took=taken.append,
        )
    assert taken == list(SnpStep)[: len(taken)]
    assert list(SnpStep)[len(taken)] is step


@pytest.mark.parametrize("level", [0, 3])
def test_a_report_of_any_level_of_a_guest_is_well(level: int) -> None:
    assert signed({0x030: bytes([level])}).vmpl == level


def test_newer_firmware_than_was_endorsed_is_well() -> None:
    assert signed({0x187: b"\xff"}).reported_tcb[7] == 0xFF


def test_a_chip_whose_certificate_says_nothing_of_itself_is_believed() -> None:
    silent = FakeProcessor(leaf_extensions=False)
    report = signed({0x1A0: b"\xff", 0x180: bytes(8)}, processor=silent)
    assert report.reported_tcb == bytes(8)


@pytest.mark.parametrize("value", [256, -1])
def test_a_version_in_a_certificate_is_a_byte(value: int) -> None:
    odd = FakeProcessor(parts={"tee": value})
    with pytest.raises(Malformed, match=f"Invalid tee value in TCB version: {value}"):
        signed({}, processor=odd)


@pytest.mark.parametrize("tcb", ["", "00", "zz" * 8])
def test_an_endorsed_version_is_hex_of_eight_bytes(tcb: str) -> None:
    with pytest.raises(Malformed, match="SEV-SNP: endorsed TCB: TCB version"):
        verify(report_of("milan"), chain_of("milan"), tcb=tcb)


def test_a_root_that_did_not_sign_itself_is_none() -> None:
    chip, middle, root = pems(MILAN.chain)
    with pytest.raises(VerificationFailed, match="not self signed as expected"):
        verify_snp_report(
            MILAN.report(),
            chip + middle + middle,
            unix_time_s=NOW_S,
            roots={Product.MILAN: sha256_hex(MILAN.certificates[1].public_key_der)},
        )
    assert root
