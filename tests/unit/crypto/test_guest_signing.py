"""Signatures as scripts make and check them."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from ccfpy.base.errors import Malformed
from ccfpy.crypto import guest_keys
from ccfpy.crypto.certs import service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.guest_keys import HASHES
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.crypto.conftest import NEW_YEAR
from tests.unit.crypto.rsa_certificate import rsa_certificate

DATA = b"data"
ED = guest_keys.ed25519_pair(SeededEntropy(b"ed"))
RSA = guest_keys.rsa_pair(SeededEntropy(b"rsa"), 1024)
EC = {
    curve: guest_keys.ec_pair(SeededEntropy(b"ec"), curve)
    for curve in (Curve.SECP256R1, Curve.SECP384R1)
}


@pytest.mark.parametrize("curve", EC)
def test_ecdsa_signs_two_numbers_of_the_curves_width(curve: Curve) -> None:
    private, public = (pem.encode() for pem in EC[curve])
    for hash_name in HASHES:
        signature = guest_keys.sign_ecdsa(private, DATA, hash_name)
        assert len(signature) == 2 * curve.field_bytes
        holds = guest_keys.is_ecdsa(public, DATA, signature)
        assert holds is (hash_name == "SHA-256")
    signature = guest_keys.sign_ecdsa(private, DATA, "SHA-256")
    assert signature == guest_keys.sign_ecdsa(private, DATA, "SHA-256")
    assert not guest_keys.is_ecdsa(public, b"other", signature)


@pytest.mark.parametrize(
    "signature", [b"", b"\1", b"\0" * 64, b"\1" * 63, b"\xff" * 64]
)
def test_what_cannot_be_an_ecdsa_signature_is_none(signature: bytes) -> None:
    public = EC[Curve.SECP256R1].public.encode()
    assert guest_keys.is_ecdsa(public, DATA, signature) is False


def test_a_certificate_verifies_as_its_key_does() -> None:
    key = KeyPair.generate(SeededEntropy(b"ec"), Curve.SECP256R1)
    certificate = service_certificate(
        key,
        subject="CN=x",
        not_before=NEW_YEAR,
        validity_days=1,
        entropy=SeededEntropy(b"s"),
    )
    signature = guest_keys.sign_ecdsa(key.pem.encode(), DATA, "SHA-256")
    assert guest_keys.is_ecdsa(certificate.pem.encode(), DATA, signature)


def test_eddsa_signs_as_it_is() -> None:
    private, public = (pem.encode() for pem in ED)
    signature = guest_keys.sign_eddsa(private, DATA)
    assert guest_keys.is_eddsa(public, DATA, signature)
    assert not guest_keys.is_eddsa(public, DATA, signature[:-1])
    assert not guest_keys.is_eddsa(public, b"other", signature)


@pytest.mark.parametrize("salt_bytes", [0, 20, 32])
def test_rsa_pss_has_the_salt_it_is_told(salt_bytes: int) -> None:
    private, public = (pem.encode() for pem in RSA)
    signature = guest_keys.sign_rsa_pss(private, DATA, "SHA-256", salt_bytes)
    assert guest_keys.is_rsa_pss(public, DATA, signature, salt_bytes)
    assert not guest_keys.is_rsa_pss(public, DATA, signature, salt_bytes + 1)
    assert not guest_keys.is_rsa_pss(public, b"other", signature, salt_bytes)


@pytest.mark.parametrize("salt_bytes", [-1, 127])
def test_a_salt_that_does_not_fit_is_refused(salt_bytes: int) -> None:
    with pytest.raises(Malformed, match="salt"):
        guest_keys.sign_rsa_pss(RSA.private.encode(), DATA, "SHA-512", salt_bytes)


def test_the_older_padding_is_taken_under_a_certificate_alone() -> None:
    key = guest_keys.rsa_private_key(RSA.private.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    older = key.sign(DATA, padding.PKCS1v15(), hashes.SHA256())
    certificate = rsa_certificate(key).encode()
    assert guest_keys.is_rsa_pss(certificate, DATA, older, 32)
    assert not guest_keys.is_rsa_pss(certificate, b"other", older, 32)
    assert not guest_keys.is_rsa_pss(RSA.public.encode(), DATA, older, 32)
    pss = guest_keys.sign_rsa_pss(RSA.private.encode(), DATA, "SHA-256", 32)
    assert guest_keys.is_rsa_pss(certificate, DATA, pss, 32)


@pytest.mark.parametrize("name", HASHES)
def test_hmac_is_that_of_the_library(name: str) -> None:
    algorithm = name.replace("-", "").lower()
    assert algorithm in hashlib.algorithms_available
    expected = hmac.digest(b"key", DATA, algorithm)
    assert guest_keys.sign_hmac(b"key", DATA, name) == expected


def test_a_key_of_another_kind_neither_signs_nor_verifies() -> None:
    private, public = (pem.encode() for pem in ED)
    ec_private, ec_public = (pem.encode() for pem in EC[Curve.SECP256R1])
    for attempt in (
        lambda: guest_keys.sign_ecdsa(private, DATA, "SHA-256"),
        lambda: guest_keys.is_ecdsa(public, DATA, b""),
        lambda: guest_keys.sign_rsa_pss(private, DATA, "SHA-256", 0),
        lambda: guest_keys.is_rsa_pss(public, DATA, b"", 0),
        lambda: guest_keys.sign_eddsa(ec_private, DATA),
        lambda: guest_keys.is_eddsa(ec_public, DATA, b""),
    ):
        with pytest.raises(Malformed, match="not an"):
            attempt()
