"""Reading AMD's processors and TCB versions, and holding versions against a minimum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.snp_report import (
    LAYOUTS,
    PARTS,
    Processor,
    Product,
    meets,
    policy_of,
    policy_of_hex,
)
from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject

MILAN, GENOA, TURIN = "00a00f11", "00a10f11", "00b00f11"


def test_milan_and_genoa_share_a_layout() -> None:
    expected = {
        "hexstring": "d315000000000004",
        "microcode": 0xD3,
        "snp": 0x15,
        "tee": 0,
        "boot_loader": 4,
    }
    for cpuid in (MILAN, GENOA):
        assert policy_of_hex(cpuid, "d315000000000004") == expected


def test_turin_has_one_component_more() -> None:
    assert policy_of_hex(TURIN, "0700000004030201") == {
        "hexstring": "0700000004030201",
        "microcode": 7,
        "snp": 4,
        "tee": 3,
        "boot_loader": 2,
        "fmc": 1,
    }


@pytest.mark.parametrize(
    ("cpuid", "product"),
    [(MILAN, Product.MILAN), (GENOA, Product.GENOA), (TURIN, Product.TURIN)],
)
def test_a_processor_is_read_and_written(cpuid: str, product: Product) -> None:
    processor = Processor.from_hex(cpuid)
    assert (processor.hex, processor.product) == (cpuid, product)


@given(st.integers(0, 0x10E), st.integers(0, 255), st.integers(0, 15))
def test_whatever_a_report_says_has_one_name(
    family: int, model: int, step: int
) -> None:
    processor = Processor(family & 0xFF, model, step)
    assert Processor.from_hex(processor.hex) == processor


@pytest.mark.parametrize(
    ("cpuid", "tcb", "text"),
    [
        ("00000000", "d315000000000004", "Unsupported CPUID family 0 model 0"),
        ("00a00f", "d315000000000004", "CPUID has 3 bytes, expected 4"),
        (MILAN, "d3", "TCB version has 1 bytes, expected 8"),
        (MILAN, "zz15000000000004", "TCB version is not hex"),
    ],
)
def test_other_texts_are_refused(cpuid: str, tcb: str, text: str) -> None:
    with pytest.raises(Malformed, match=text):
        policy_of_hex(cpuid, tcb)


@pytest.mark.parametrize("product", Product)
@pytest.mark.parametrize("part", PARTS)
def test_each_part_must_be_as_new_as_the_minimum(product: Product, part: str) -> None:
    reported = policy_of(product, bytes([5] * 8))
    minimum = dict(reported)
    if part not in LAYOUTS[product]:
        assert not meets({**minimum, part: 0}, reported)
        return
    assert meets(minimum, reported)
    assert meets({**minimum, part: 4}, reported)
    assert not meets({**minimum, part: 6}, reported)
    del minimum[part]
    assert not meets(minimum, reported), "a minimum of other parts is not for it"
    assert not meets({**reported, part: None}, reported)


@pytest.mark.parametrize("value", ["4", 4.5, -1, True, [], {}])
def test_a_minimum_is_made_of_numbers(value: Json) -> None:
    minimum: JsonObject = {"boot_loader": value}
    with pytest.raises(Malformed, match="boot_loader is no number"):
        meets(minimum, policy_of(Product.MILAN, bytes(8)))
