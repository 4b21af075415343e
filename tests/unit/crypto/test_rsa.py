"""RSA-OAEP for handing secrets to one reader."""

import base64
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.rsa import RsaKeyPair, RsaPublicKey, private_key_der
from ccfpy.testing.entropy import SeededEntropy

KEY = RsaKeyPair.generate(SeededEntropy(41))
WIDTH = 256


def der_of(pem: str) -> bytes:
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


@given(st.binary(max_size=190))
def test_what_is_wrapped_is_unwrapped(secret: bytes) -> None:
    wrapped = KEY.public_key.wrap(secret)
    assert len(wrapped) == WIDTH
    assert KEY.unwrap(wrapped) == secret


def test_wrapping_twice_shows_no_likeness() -> None:
    assert KEY.public_key.wrap(b"secret") != KEY.public_key.wrap(b"secret")


def test_both_hashes_of_the_padding_are_sha256() -> None:
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)
    assert KEY.library_key.decrypt(KEY.public_key.wrap(b"secret"), oaep) == b"secret"
    other = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA256(), label=None)
    wrapped = KEY.public_key.library_key.encrypt(b"secret", other)
    with pytest.raises(VerificationFailed, match="not encrypted to this key"):
        KEY.unwrap(wrapped)


@given(st.binary(max_size=WIDTH + 1))
def test_what_was_not_wrapped_to_the_key_is_refused(wrapped: bytes) -> None:
    with pytest.raises(VerificationFailed, match="not encrypted to this key"):
        KEY.unwrap(wrapped)


@pytest.mark.slow
def test_another_key_does_not_unwrap() -> None:
    other = RsaKeyPair.generate(SeededEntropy(42))
    with pytest.raises(VerificationFailed):
        other.unwrap(KEY.public_key.wrap(b"secret"))


def test_keys_survive_pem_and_der() -> None:
    assert RsaKeyPair.from_pem(KEY.pem).pem == KEY.pem
    assert RsaKeyPair.from_pem(KEY.pem.encode()).pem == KEY.pem
    assert RsaKeyPair.from_der(der_of(KEY.pem)).pem == KEY.pem
    assert RsaPublicKey.from_pem(KEY.public_key.pem).pem == KEY.public_key.pem
    assert RsaPublicKey.from_pem(KEY.public_key.pem.encode()).pem == KEY.public_key.pem


def test_the_librarys_own_keys_have_the_form_of_the_entropy_port() -> None:
    key = RsaKeyPair.from_der(private_key_der())
    assert key.library_key.key_size == 2048
    assert key.unwrap(key.public_key.wrap(b"secret")) == b"secret"


def test_no_text_of_a_key_pair_shows_the_key() -> None:
    assert str(KEY.library_key.private_numbers().d) not in repr(KEY) + str(KEY)


def test_a_short_key_is_malformed() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(Malformed, match="an RSA key of 1024 bits is too short"):
        RsaKeyPair(short)


def test_other_kinds_of_keys_are_malformed(service_key: KeyPair) -> None:
    with pytest.raises(Malformed, match="expected an RSA key"):
        RsaPublicKey.from_pem(service_key.public_key.pem)
    with pytest.raises(Malformed, match="expected an RSA key"):
        RsaKeyPair.from_pem(service_key.pem)


def test_an_encrypted_private_key_is_malformed() -> None:
    pem = KEY.library_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"password"),
    )
    with pytest.raises(Malformed, match="not an unencrypted private key"):
        RsaKeyPair.from_pem(pem)


def test_numbers_that_make_no_key_are_malformed_when_used() -> None:
    """An even modulus has the form of a key; only encryption finds out."""
    der = bytearray(der_of(KEY.public_key.pem))
    modulus_end = len(der) - 5  # the exponent follows: 02 03 01 00 01
    der[modulus_end - 1] &= 0xFE
    text = base64.encodebytes(der).decode()
    with pytest.raises(Malformed):
        RsaPublicKey.from_pem(
            f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n"
        ).wrap(b"secret")


@given(st.text(max_size=40), st.binary(max_size=40))
def test_what_is_no_key_is_malformed(text: str, data: bytes) -> None:
    with pytest.raises(Malformed):
        RsaPublicKey.from_pem(text)
    with pytest.raises(Malformed):
        RsaKeyPair.from_pem(text)
    with pytest.raises(Malformed):
        RsaKeyPair.from_der(data)


@pytest.mark.slow
@given(st.integers(0, 40), st.integers(0, 7))
def test_a_changed_bit_raises_nothing_unforeseen(byte: int, bit: int) -> None:
    der = bytearray(der_of(KEY.pem))
    der[byte] ^= 1 << bit
    with suppress(CcfpyError):
        RsaKeyPair.from_der(bytes(der)).public_key.wrap(b"secret")
