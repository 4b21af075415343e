"""Reading AMD's TCB versions."""

import json

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.js.tcb import tcb_policy

MILAN, GENOA = "00a00f11", "00a10f11"


def test_milan_and_genoa_share_a_layout() -> None:
    expected = {
        "hexstring": "d315000000000004",
        "microcode": 0xD3,
        "snp": 0x15,
        "tee": 0,
        "boot_loader": 4,
    }
    for cpuid in (MILAN, GENOA):
        assert json.loads(tcb_policy(cpuid, "d315000000000004")) == expected


def test_turin_has_one_component_more() -> None:
    policy = json.loads(tcb_policy("00b00f11", "0700000004030201"))
    assert policy == {
        "hexstring": "0700000004030201",
        "microcode": 7,
        "snp": 4,
        "tee": 3,
        "boot_loader": 2,
        "fmc": 1,
    }


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
        tcb_policy(cpuid, tcb)
