"""Taking SEV-SNP reports apart."""

import pytest

from ccfpy.attestation.snp_report import REPORT_BYTES, Product, SnpReport
from ccfpy.base.errors import Malformed
from tests.unit.attestation.hardware import PRODUCTS, report_of
from tests.unit.attestation.processor import TCB, FakeProcessor

PROCESSOR = FakeProcessor()


@pytest.mark.parametrize("product", PRODUCTS)
def test_recorded_reports_are_of_their_processors(product: str) -> None:
    report = SnpReport.parse(report_of(product))
    assert report.product is Product(product.capitalize())
    assert (report.version, report.vmpl, report.signature_algorithm) == (3, 0, 1)
    assert not report.is_debugged
    assert not report.is_movable


@pytest.mark.parametrize(
    ("name", "offset", "value"),
    [
        ("version", 0x000, 7),
        ("policy", 0x008, 0x3001F),
        ("vmpl", 0x030, 2),
        ("signature_algorithm", 0x034, 9),
        ("platform_info", 0x040, 3),
        ("flags", 0x048, 0x1F),
    ],
)
def test_numbers_lie_where_the_specification_says(
    name: str, offset: int, value: int
) -> None:
    changed = PROCESSOR.report({offset: value.to_bytes(4, "little")})
    assert getattr(SnpReport.parse(changed), name) == value


@pytest.mark.parametrize(
    ("name", "offset", "size"),
    [
        ("report_data", 0x050, 64),
        ("measurement", 0x090, 48),
        ("host_data", 0x0C0, 32),
        ("reported_tcb", 0x180, 8),
        ("chip_id", 0x1A0, 64),
    ],
)
def test_bytes_too(name: str, offset: int, size: int) -> None:
    value = bytes(range(1, size + 1))
    changed = PROCESSOR.report({offset: value})
    assert getattr(SnpReport.parse(changed), name) == value


@pytest.mark.parametrize(
    ("flags", "mask", "key"), [(0, 0, 0), (1, 0, 0), (2, 1, 0), (4, 0, 1), (0x1C, 0, 7)]
)
def test_flags_are_told_apart(flags: int, mask: int, key: int) -> None:
    report = SnpReport.parse(PROCESSOR.report({0x048: bytes([flags])}))
    assert (report.mask_chip_key, report.signing_key) == (mask, key)


@pytest.mark.parametrize(
    ("bit", "debugged", "movable"), [(3, True, False), (2, False, True)]
)
def test_so_are_the_owners_demands(bit: int, debugged: bool, movable: bool) -> None:
    report = SnpReport.parse(PROCESSOR.report({0x00A: bytes([1 << bit])}))
    assert (report.is_debugged, report.is_movable) == (debugged, movable)


@pytest.mark.parametrize("size", [0, REPORT_BYTES - 1, REPORT_BYTES + 1])
def test_a_report_has_one_size(size: int) -> None:
    with pytest.raises(Malformed, match=f"expected size {REPORT_BYTES}: {size}"):
        SnpReport.parse(bytes(size))


def test_its_halves_are_those_of_a_signature() -> None:
    report = SnpReport.parse(PROCESSOR.report())
    r, s = report.signature
    assert r[48:] == s[48:] == bytes(24)
    assert report.reported_tcb == TCB
    assert report.processor.hex == "00a00f11"
