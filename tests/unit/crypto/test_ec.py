"""Elliptic-curve keys: deterministic signatures, strict verification."""

from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.ec import (
    Curve,
    KeyPair,
    PublicKey,
    der_signature,
    other_form,
    raw_signature,
)
from ccfpy.crypto.hashing import sha256
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy

KEY = KeyPair.generate(SeededEntropy(31), Curve.SECP384R1)
P256 = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
P384 = int(
    "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba"
    "9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
    16,
)
SIGNATURES = {
    "P-256, SHA-256": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
    "P-384, SHA-384": "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa7"
    "3d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
    "99ef4aeb15f178cea1fe40db2603138f130e740a19624526"
    "203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8",
    "P-384, SHA-256": "21b13d1e013c7fa1392d03c5f99af8b30c570c6f98d4ea8e"
    "354b63a21d3daa33bde1e888e63355d92fa2b3c36d8fb2cd"
    "f3aa443fb107745bf4bd77cb3891674632068a10ca67e3d4"
    "5db2266fa7d1feebefdc63eccd1ac42ec0cb8668a4fa0ab0",
}
"""Of the message ``sample`` in RFC 6979, appendices A.2.5 and A.2.6."""


def test_signatures_are_those_of_rfc_6979() -> None:
    small = KeyPair(ec.derive_private_key(P256, ec.SECP256R1()))
    large = KeyPair(ec.derive_private_key(P384, ec.SECP384R1()))
    assert small.sign_raw(b"sample").hex() == SIGNATURES["P-256, SHA-256"]
    assert large.sign_raw(b"sample").hex() == SIGNATURES["P-384, SHA-384"]
    prehashed = raw_signature(Curve.SECP384R1, large.sign_digest(sha256(b"sample")))
    assert prehashed.hex() == SIGNATURES["P-384, SHA-256"]


def test_every_form_of_signature_verifies(key: KeyPair) -> None:
    public = key.public_key
    public.verify(key.sign(b"data"), b"data")
    public.verify_raw(key.sign_raw(b"data"), b"data")
    public.verify_digest(key.sign_digest(sha256(b"data")), sha256(b"data"))
    assert len(key.sign_raw(b"data")) == 2 * public.curve.field_bytes


def test_other_data_does_not_verify(key: KeyPair) -> None:
    public = key.public_key
    with pytest.raises(VerificationFailed, match="does not match"):
        public.verify(key.sign(b"data"), b"date")
    with pytest.raises(VerificationFailed, match="does not match"):
        public.verify_raw(key.sign_raw(b"data"), b"date")
    with pytest.raises(VerificationFailed, match="does not match"):
        public.verify_digest(key.sign_digest(sha256(b"data")), sha256(b"date"))


def test_a_prehashed_signature_is_not_one_over_data() -> None:
    digest = sha256(b"data")
    with pytest.raises(VerificationFailed):
        KEY.public_key.verify(KEY.sign_digest(digest), b"data")
    with pytest.raises(VerificationFailed):
        KEY.public_key.verify_digest(KEY.sign(b"data"), digest)
    with pytest.raises(VerificationFailed):
        KEY.public_key.verify_digest(KEY.sign_digest(digest), b"no digest")


@given(st.binary(max_size=120))
def test_any_bytes_as_a_signature_are_refused(signature: bytes) -> None:
    with pytest.raises(VerificationFailed):
        KEY.public_key.verify(signature, b"data")
    with pytest.raises(VerificationFailed):
        KEY.public_key.verify_raw(signature.ljust(96, b"\0")[:96], b"data")


@given(st.integers(0, 2**384 - 1), st.integers(0, 2**384 - 1))
def test_raw_and_der_signatures_are_one_another(r: int, s: int) -> None:
    raw = r.to_bytes(48, "big") + s.to_bytes(48, "big")
    assert raw_signature(Curve.SECP384R1, der_signature(Curve.SECP384R1, raw)) == raw


@pytest.mark.parametrize("size", [0, 64, 95, 97])
def test_a_raw_signature_has_the_curves_width(size: int) -> None:
    with pytest.raises(VerificationFailed, match=f"{size} bytes, expected 96"):
        KEY.public_key.verify_raw(bytes(size), b"data")


def test_a_key_follows_from_its_entropy(key: KeyPair) -> None:
    curve = key.public_key.curve
    one, two = (KeyPair.generate(SeededEntropy(seed), curve) for seed in (1, 1))
    assert one.pem == two.pem
    assert one.public_key == two.public_key
    other = KeyPair.generate(SeededEntropy(2), curve)
    assert one.public_key != other.public_key
    assert len({one.public_key, two.public_key, other.public_key}) == 2


class Constant:
    """Entropy that always gives one byte."""

    def __init__(self, byte: int) -> None:
        self.byte = byte

    def random_bytes(self, count: int) -> bytes:
        return bytes([self.byte]) * count

    def rsa_private_key(self, bits: int) -> bytes:
        raise AssertionError(bits)


@pytest.mark.parametrize("byte", [0x00, 0xFF])
def test_no_entropy_makes_an_impossible_key(byte: int, key: KeyPair) -> None:
    made = KeyPair.generate(Constant(byte), key.public_key.curve)
    made.public_key.verify(made.sign(b"data"), b"data")


def test_keys_survive_pem_and_der(key: KeyPair) -> None:
    public = key.public_key
    assert KeyPair.from_pem(key.pem).public_key == public
    assert KeyPair.from_pem(key.pem.encode()).pem == key.pem
    assert key.pem.startswith("-----BEGIN PRIVATE KEY-----\n"), "PKCS#8"
    assert PublicKey.from_pem(public.pem) == public
    assert PublicKey.from_pem(public.pem.encode()).pem == public.pem
    assert PublicKey.from_der(public.der) == public
    assert PublicKey.from_coordinates(public.curve, *public.coordinates) == public


def test_a_private_key_of_openssls_old_form_is_read() -> None:
    old = KEY.library_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert KeyPair.from_pem(old).public_key == KEY.public_key


def test_no_text_of_a_key_pair_shows_the_key() -> None:
    scalar = KEY.library_key.private_numbers().private_value
    for text in (repr(KEY), str(KEY)):
        assert str(scalar) not in text
        assert f"{scalar:x}" not in text


def test_a_point_off_the_curve_is_malformed() -> None:
    x, y = KEY.public_key.coordinates
    with pytest.raises(Malformed, match="not a point"):
        PublicKey.from_coordinates(Curve.SECP384R1, x, y ^ 1)
    with pytest.raises(Malformed, match="not a point"):
        PublicKey.from_coordinates(Curve.SECP384R1, 0, 0)


def test_other_kinds_of_keys_are_malformed(rsa_key: RsaKeyPair) -> None:
    with pytest.raises(Malformed, match="expected an elliptic-curve key"):
        PublicKey.from_pem(rsa_key.public_key.pem)
    with pytest.raises(Malformed, match="expected an elliptic-curve key"):
        KeyPair.from_pem(rsa_key.pem)
    edwards = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    der = edwards.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(Malformed, match="expected an elliptic-curve key"):
        PublicKey.from_der(der)


def test_other_curves_are_malformed() -> None:
    key = ec.derive_private_key(1234, ec.SECP256K1())
    with pytest.raises(Malformed, match="unsupported curve secp256k1"):
        KeyPair(key)


def test_an_encrypted_private_key_is_malformed() -> None:
    pem = KEY.library_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    with pytest.raises(Malformed, match="not an unencrypted private key"):
        KeyPair.from_pem(pem)


@given(st.text(max_size=40), st.binary(max_size=40))
def test_what_is_no_key_is_malformed(text: str, data: bytes) -> None:
    for pem in (text, f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"):
        with pytest.raises(Malformed):
            PublicKey.from_pem(pem)
        with pytest.raises(Malformed):
            KeyPair.from_pem(pem)
    with pytest.raises(Malformed):
        PublicKey.from_der(data)


@given(st.integers(0, 119), st.integers(0, 7))
def test_one_changed_bit_of_a_key_is_another_key_or_malformed(
    byte: int, bit: int
) -> None:
    der = bytearray(KEY.public_key.der)
    der[byte] ^= 1 << bit
    with suppress(Malformed):
        assert PublicKey.from_der(bytes(der)) != KEY.public_key


@given(st.binary(max_size=64))
def test_a_signature_has_two_forms_that_hold(key: KeyPair, data: bytes) -> None:
    raw = key.sign_raw(data)
    curve = key.public_key.curve
    other = other_form(curve, raw)
    key.public_key.verify_raw(other, data)
    assert other != raw
    assert other_form(curve, other) == raw


def test_what_is_no_signature_has_no_other_form(key: KeyPair) -> None:
    curve = key.public_key.curve
    width, raw = curve.field_bytes, key.sign_raw(b"")
    for wrong in (
        b"",
        raw[:-1],
        raw + b"\0",
        raw[:width] + bytes(width),
        raw[:width] + b"\xff" * width,
    ):
        with pytest.raises(VerificationFailed, match="not a raw signature"):
            other_form(curve, wrong)
