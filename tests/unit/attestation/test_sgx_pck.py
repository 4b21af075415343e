"""The fields in the certificate of a processor's quoting key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation import sgx_tcb
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.attestation.sgx_tcb import PckClaims
from ccfpy.base.errors import Malformed
from ccfpy.crypto.certs import parse_bundle
from tests.unit.attestation.hardware import recorded

CHAIN = parse_bundle(SgxQuote.parse(recorded("sgx_node.quote")).chain)


def test_a_real_processor_is_described() -> None:
    assert PckClaims.of(CHAIN[0]) == PckClaims(
        fmspc=bytes.fromhex("00606a000000"),
        pce_id=bytes(2),
        components=(7, 9, 3, 3, 255, 255, 1, *[0] * 9),
        pce_svn=13,
    )


def test_another_certificate_describes_none() -> None:
    with pytest.raises(Malformed, match="not of an SGX processor's quoting key"):
        PckClaims.of(CHAIN[1])


@pytest.mark.parametrize(
    "der", ["30", "3081", "308001", "3002", "30830000010000", "3082ffff00"]
)
def test_der_that_is_cut_or_too_long_is_refused(der: str) -> None:
    with pytest.raises(Malformed, match="DER"):
        sgx_tcb._only(bytes.fromhex(der), 0x30)


@pytest.mark.parametrize("der", ["", "3100", "30003000", "0400"])
def test_one_element_is_wanted(der: str) -> None:
    with pytest.raises(Malformed, match="another form"):
        sgx_tcb._only(bytes.fromhex(der), 0x30)


@pytest.mark.parametrize(
    "der", ["0400", "3000", "3002060104", "30040400 0400", "300406000400"]
)
def test_pairs_have_a_known_identifier_and_a_value(der: str) -> None:
    with pytest.raises(Malformed):
        list(sgx_tcb._pairs(bytes.fromhex(der)))


@given(st.binary(max_size=64))
def test_whatever_the_bytes_nothing_else_is_raised(data: bytes) -> None:
    try:
        list(sgx_tcb._pairs(data))
    except Malformed:
        return


@pytest.mark.parametrize("content", [b"", b"\x80"])
def test_versions_are_numbers(content: bytes) -> None:
    with pytest.raises(Malformed, match="no number"):
        sgx_tcb._number(content)
