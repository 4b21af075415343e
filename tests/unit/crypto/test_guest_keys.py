"""Keys that scripts make and bring."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import GUEST_RSA_BITS_MAX, GUEST_RSA_BITS_MIN
from ccfpy.crypto import guest_keys
from ccfpy.crypto.certs import service_certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.encodings import private_pem, public_pem
from ccfpy.crypto.guest_keys import PemPair
from ccfpy.testing.entropy import SeededEntropy
from tests.unit.crypto.conftest import NEW_YEAR

RSA = guest_keys.rsa_pair(SeededEntropy(b"rsa"), 1024)


@pytest.mark.parametrize(
    "pair",
    [
        guest_keys.ec_pair(SeededEntropy(b"ec"), Curve.SECP256R1),
        guest_keys.ed25519_pair(SeededEntropy(b"ed")),
        guest_keys.x25519_pair(SeededEntropy(b"x")),
        RSA,
    ],
)
def test_the_two_halves_of_a_pair_belong_together(pair: PemPair) -> None:
    private = guest_keys.private_key(pair.private.encode())
    assert public_pem(private.public_key()) == pair.public
    assert private_pem(private) == pair.private
    public = guest_keys.public_key(pair.public.encode())
    assert public_pem(public) == pair.public


def test_the_two_uses_of_curve25519_have_keys_of_their_own() -> None:
    signing = guest_keys.ed25519_pair(SeededEntropy(b"s")).private.encode()
    agreeing = guest_keys.x25519_pair(SeededEntropy(b"s")).private.encode()
    assert isinstance(guest_keys.private_key(signing), ed25519.Ed25519PrivateKey)
    assert isinstance(guest_keys.private_key(agreeing), x25519.X25519PrivateKey)


@pytest.mark.parametrize("bits", [GUEST_RSA_BITS_MIN - 1, GUEST_RSA_BITS_MAX + 1])
def test_rsa_keys_are_neither_too_small_nor_too_large(bits: int) -> None:
    with pytest.raises(Malformed, match=f"an RSA key of {bits} bits"):
        guest_keys.rsa_pair(SeededEntropy(b"rsa"), bits)
    with pytest.raises(Malformed, match=f"an RSA key of {bits} bits"):
        guest_keys.check_rsa_bits(bits)
    guest_keys.check_rsa_bits(GUEST_RSA_BITS_MAX)


def test_a_public_key_too_large_is_refused() -> None:
    huge = rsa.RSAPublicNumbers(65537, (1 << GUEST_RSA_BITS_MAX) + 1).public_key()
    with pytest.raises(Malformed, match="bits"):
        guest_keys.public_key(public_pem(huge).encode())


def test_keys_of_other_kinds_are_refused() -> None:
    key = dsa.generate_private_key(1024)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(Malformed, match="unsupported key"):
        guest_keys.private_key(private)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Malformed, match="unsupported key"):
        guest_keys.public_key(public)


def test_an_rsa_key_is_asked_for_by_name() -> None:
    pair = guest_keys.ed25519_pair(SeededEntropy(b"ed"))
    with pytest.raises(Malformed, match="not an RSA key"):
        guest_keys.rsa_private_key(pair.private.encode())
    with pytest.raises(Malformed, match="not an RSA key"):
        guest_keys.rsa_public_key(pair.public.encode())
    assert guest_keys.rsa_private_key(RSA.private.encode()).key_size == 1024
    assert guest_keys.rsa_public_key(RSA.public.encode()).key_size == 1024


def test_a_certificate_gives_its_key() -> None:
    key = KeyPair.generate(SeededEntropy(b"ec"), Curve.SECP384R1)
    certificate = service_certificate(
        key,
        subject="CN=x",
        not_before=NEW_YEAR,
        validity_days=1,
        entropy=SeededEntropy(b"s"),
    )
    certified = guest_keys.certified_key(certificate.pem.encode())
    assert public_pem(certified) == key.public_key.pem


@given(st.binary(max_size=200), st.integers(0, 600), st.booleans())
def test_whatever_the_bytes_nothing_else_is_raised(
    noise: bytes, at: int, is_private: bool
) -> None:
    pem = (RSA.private if is_private else RSA.public).encode()
    read = guest_keys.private_key if is_private else guest_keys.public_key
    for data in (noise, pem[:at] + noise + pem[at + len(noise) :]):
        with suppress(Malformed):
            read(data)
