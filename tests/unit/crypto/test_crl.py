"""Lists of revoked certificates."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ccfpy.attestation.sgx_collateral import SgxCollateral
from ccfpy.attestation.sgx_quote import SgxQuote
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import parse_bundle
from ccfpy.crypto.crl import RevocationList
from tests.unit.attestation.hardware import recorded
from tests.unit.attestation.sgx_maker import NOW, SgxMaker, Wanted

COLLATERAL = SgxCollateral.parse(recorded("sgx_node.collateral"))
PCK, PLATFORM, ROOT = parse_bundle(SgxQuote.parse(recorded("sgx_node.quote")).chain)


def test_a_list_is_by_its_issuer_alone() -> None:
    COLLATERAL.pck_list.verify_signed_by(PLATFORM)
    COLLATERAL.root_list.verify_signed_by(ROOT)
    for issuer in (ROOT, PCK):
        with pytest.raises(VerificationFailed, match="was not issued by"):
            COLLATERAL.pck_list.verify_signed_by(issuer)


def test_a_list_of_the_same_name_by_another_key_is_not_its_issuers() -> None:
    theirs = SgxMaker().evidence(Wanted())[1]
    _, ours = SgxMaker().evidence(Wanted())
    platform, _ = SgxCollateral.parse(ours).list_signers
    with pytest.raises(VerificationFailed, match="was not issued by"):
        SgxCollateral.parse(theirs).pck_list.verify_signed_by(platform)


def test_what_is_on_a_list_is_revoked() -> None:
    quote, collateral = SgxMaker().evidence(Wanted(revoked=("pck",)))
    pck, platform, _ = parse_bundle(SgxQuote.parse(quote).chain)
    found = SgxCollateral.parse(collateral).pck_list
    assert found.revokes(pck)
    assert not found.revokes(platform)
    assert found.not_before < NOW
    assert not COLLATERAL.pck_list.revokes(PCK)


def test_der_is_read_as_well_as_pem() -> None:
    again = RevocationList.from_bytes(COLLATERAL.pck_list.der)
    assert again.der == COLLATERAL.pck_list.der
    assert again.not_after == COLLATERAL.pck_list.not_after


@given(st.binary(max_size=200), st.booleans())
def test_other_bytes_are_none(data: bytes, is_pem: bool) -> None:
    prefix = b"-----BEGIN X509 CRL-----\n" if is_pem else b""
    with pytest.raises(Malformed):
        RevocationList.from_bytes(prefix + data)


@given(st.integers(0, 8 * len(COLLATERAL.root_list.der) - 1))
@example(1768)  # how many of the signature's last bits do not count
def test_no_bit_of_a_list_can_be_changed(bit: int) -> None:
    data = bytearray(COLLATERAL.root_list.der)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises((Malformed, VerificationFailed)):
        RevocationList.from_bytes(bytes(data)).verify_signed_by(ROOT)
