"""AMD's chips have certificates numbered zero; one day the library will refuse them."""

import warnings

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation import snp
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto import negative_serials
from ccfpy.crypto.certs import Certificate, parse_bundle, raw_extension, reading
from tests.unit.attestation.hardware import PRODUCTS, chain_of

CHIP, INTERMEDIATE, ROOT = parse_bundle(chain_of("milan"))


def leniently(der: bytes) -> Certificate:
    """Read as if the library refused."""
    with reading("not a certificate"):
        return Certificate(negative_serials.load(der), der)


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_library_reads_them_still_and_warns(product: str) -> None:
    """Where this fails, the library refuses: what is below is what is left."""
    chip, *_ = parse_bundle(chain_of(product))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert x509.load_der_x509_certificate(chip.der).serial_number == 0
    assert any("serial number which wasn't positive" in str(w.message) for w in warned)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_certificate_is_the_same_without_the_librarys_leave(product: str) -> None:
    chip, intermediate, root = parse_bundle(chain_of(product))
    read = leniently(chip.der)
    assert (read.der, read.pem, read.digest_hex) == (
        chip.der,
        chip.pem,
        chip.digest_hex,
    )
    assert read == chip
    assert read.public_key == chip.public_key
    assert (read.not_before, read.not_after) == (chip.not_before, chip.not_after)
    for oid in (snp.CHIP_ID_OID, *snp.TCB_OIDS.values()):
        assert raw_extension(read, oid) == raw_extension(chip, oid)
    read.verify_signed_by(intermediate)
    for other in (root, chip):
        with pytest.raises(VerificationFailed):
            read.verify_signed_by(other)


@given(st.integers(0, 8 * len(CHIP.der) - 1))
def test_no_bit_of_it_can_be_changed_even_so(bit: int) -> None:
    changed = bytearray(CHIP.der)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        read = leniently(bytes(changed))
    except CcfpyError:
        return
    with pytest.raises(VerificationFailed):
        read.verify_signed_by(INTERMEDIATE)


def test_a_number_that_is_positive_is_no_reason_to_read_it_so() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        negative_serials.load(INTERMEDIATE.der)


@pytest.mark.parametrize("der", ["", "30", "3000", "30053003020100", "308400", "0400"])
def test_what_is_no_certificate_is_refused(der: str) -> None:
    with pytest.raises(ValueError, match=r"certificate|asn1"):
        negative_serials.load(bytes.fromhex(der))
    with pytest.raises(Malformed):
        Certificate.from_der(bytes.fromhex(der))


def test_pem_is_written_as_the_library_writes_it() -> None:
    strictly = CHIP.library_certificate.public_bytes(serialization.Encoding.PEM)
    assert (
        negative_serials.to_pem(negative_serials.load(CHIP.der), CHIP.der)
        == strictly.decode()
    )
    for certificate in (CHIP, INTERMEDIATE, ROOT):
        (block,) = negative_serials.pem_blocks(certificate.pem.encode())
        assert block == certificate.der


def test_blocks_that_are_not_base64_are_refused() -> None:
    text = b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----"
    with pytest.raises(ValueError, match="not base64"):
        list(negative_serials.pem_blocks(text))
    with pytest.raises(Malformed):
        parse_bundle(text)


def test_other_keys_and_algorithms_do_not_verify() -> None:
    """An elliptic-curve key does not verify what an RSA key signed."""
    with pytest.raises(InvalidSignature):
        negative_serials.verify(
            CHIP.der, negative_serials.load(CHIP.der), CHIP.library_certificate
        )
