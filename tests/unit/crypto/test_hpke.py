"""HPKE, held against a plain twin that RFC 9180's own vectors prove."""

import hmac
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import (
    X25519PrivateKey,
    X25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.hpke import KEY_BYTES, OVERHEAD_BYTES, HpkeKey, seal
from ccfpy.testing.entropy import SeededEntropy

KEM_SUITE = b"KEM" + bytes.fromhex("0020")
SUITE = b"HPKE" + bytes.fromhex("0020 0001 0002")
LOW_ORDER = (bytes(32), bytes([1, *bytes(31)]))
"""Points with which every key agrees on the same secret (RFC 7748, 6.1)."""


@dataclass(frozen=True)
class Vector:
    """A vector of the RFC's authors: X25519, HKDF-SHA256, AES-256-GCM, base mode."""

    info: bytes
    receiver_private: bytes
    receiver_public: bytes
    ephemeral_private: bytes
    encapsulated: bytes
    shared_secret: bytes
    key: bytes
    base_nonce: bytes
    aad: bytes
    plaintext: bytes
    ciphertext: bytes


VECTOR = Vector(
    *map(
        bytes.fromhex,
        (
            "4f6465206f6e2061204772656369616e2055726e",
            "497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
            "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
            "179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11",
            "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
            "3101c54c3a4f87439eaac080699ed9bbcc726ffe44e860c0424ccb7e3e2ead7b",
            "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f",
            "151d9929e2449747889bc923",
            "436f756e742d30",
            "4265617574792069732074727574682c20747275746820626561757479",
            (
                "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be99319"
                "80a41de125a925cdad859d5b7a"
            ),
        ),
    )
)


def _extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt, b"HPKE-v1" + suite + label + ikm, "sha256")


def _expand(prk: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out, block = b"", b""
    for count in range(1, -(-size // 32) + 1):
        block = hmac.digest(prk, block + labelled + bytes([count]), "sha256")
        out += block
    return out[:size]


def _shared_secret(agreed: bytes, encapsulated: bytes, receiver: bytes) -> bytes:
    prk = _extract(b"", KEM_SUITE, b"eae_prk", agreed)
    return _expand(prk, KEM_SUITE, b"shared_secret", encapsulated + receiver, 32)


def _schedule(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Derive the key and the base nonce of a context in base mode."""
    context = (
        b"\0"
        + _extract(b"", SUITE, b"psk_id_hash", b"")
        + _extract(b"", SUITE, b"info_hash", info)
    )
    secret = _extract(shared_secret, SUITE, b"secret", b"")
    key = _expand(secret, SUITE, b"key", context, 32)
    return key, _expand(secret, SUITE, b"base_nonce", context, 12)


def _twin_seal(
    receiver: bytes, ephemeral: X25519PrivateKey, content: bytes, *, info: bytes
) -> bytes:
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(receiver))
    encapsulated = ephemeral.public_key().public_bytes_raw()
    secret = _shared_secret(agreed, encapsulated, receiver)
    key, nonce = _schedule(secret, info)
    return encapsulated + AESGCM(key).encrypt(nonce, content, b"")


def _twin_open(key: HpkeKey, sealed: bytes, *, info: bytes) -> bytes:
    encapsulated, ciphertext = sealed[:32], sealed[32:]
    private = X25519PrivateKey.from_private_bytes(key.raw)
    agreed = private.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    secret = _shared_secret(agreed, encapsulated, key.public)
    message_key, nonce = _schedule(secret, info)
    return AESGCM(message_key).decrypt(nonce, ciphertext, b"")


def test_the_twin_does_what_the_rfc_says() -> None:
    ephemeral = X25519PrivateKey.from_private_bytes(VECTOR.ephemeral_private)
    receiver = X25519PublicKey.from_public_bytes(VECTOR.receiver_public)
    assert ephemeral.public_key().public_bytes_raw() == VECTOR.encapsulated
    agreed = ephemeral.exchange(receiver)
    secret = _shared_secret(agreed, VECTOR.encapsulated, VECTOR.receiver_public)
    assert secret == VECTOR.shared_secret
    key, nonce = _schedule(secret, VECTOR.info)
    assert (key, nonce) == (VECTOR.key, VECTOR.base_nonce)
    sealed = AESGCM(key).encrypt(nonce, VECTOR.plaintext, VECTOR.aad)
    assert sealed == VECTOR.ciphertext


def test_a_keys_public_half_is_the_vectors() -> None:
    assert HpkeKey(VECTOR.receiver_private).public == VECTOR.receiver_public


@given(content=st.binary(max_size=200), info=st.binary(max_size=100))
def test_what_either_seals_the_other_opens(content: bytes, info: bytes) -> None:
    key = HpkeKey(VECTOR.receiver_private)
    ephemeral = X25519PrivateKey.from_private_bytes(VECTOR.ephemeral_private)
    by_twin = _twin_seal(key.public, ephemeral, content, info=info)
    assert key.open(by_twin, info=info) == content
    sealed = seal(key.public, content, info=info)
    assert _twin_open(key, sealed, info=info) == content
    assert len(sealed) == len(content) + OVERHEAD_BYTES


def test_the_same_content_is_never_sealed_to_the_same_bytes() -> None:
    key = HpkeKey.generate(SeededEntropy(1))
    assert seal(key.public, b"x", info=b"") != seal(key.public, b"x", info=b"")


@given(place=st.integers(0, OVERHEAD_BYTES + 6), bit=st.integers(0, 7))
def test_no_bit_can_be_flipped(place: int, bit: int) -> None:
    key = HpkeKey.generate(SeededEntropy(2))
    sealed = bytearray(seal(key.public, b"content", info=b"info"))
    sealed[place] ^= 1 << bit
    # X25519 ignores the highest bit of a point, and HPKE's derivation does not.
    with pytest.raises(VerificationFailed):
        key.open(bytes(sealed), info=b"info")


def test_another_key_or_info_opens_nothing() -> None:
    key, other = HpkeKey.generate(SeededEntropy(3)), HpkeKey.generate(SeededEntropy(4))
    sealed = seal(key.public, b"content", info=b"info")
    with pytest.raises(VerificationFailed):
        other.open(sealed, info=b"info")
    with pytest.raises(VerificationFailed):
        key.open(sealed, info=b"inf0")


@given(junk=st.binary(max_size=2 * OVERHEAD_BYTES))
def test_junk_is_refused_as_such(junk: bytes) -> None:
    key = HpkeKey.generate(SeededEntropy(5))
    expected = Malformed if len(junk) < OVERHEAD_BYTES else VerificationFailed
    with pytest.raises(expected):
        key.open(junk, info=b"")


@pytest.mark.parametrize("point", LOW_ORDER)
def test_a_point_that_gives_the_secret_away_is_refused(point: bytes) -> None:
    with pytest.raises(Malformed, match="nothing can be sealed"):
        seal(point, b"content", info=b"")
    key = HpkeKey.generate(SeededEntropy(6))
    with pytest.raises(VerificationFailed):
        key.open(point + bytes(40), info=b"")


@pytest.mark.parametrize("size", [0, KEY_BYTES - 1, KEY_BYTES + 1])
def test_a_key_has_its_length(size: int) -> None:
    with pytest.raises(Malformed, match=f"not {size}"):
        HpkeKey(bytes(size))
    with pytest.raises(Malformed, match=f"not {size}"):
        seal(bytes(size), b"", info=b"")


def test_a_private_key_does_not_show() -> None:
    key = HpkeKey.generate(SeededEntropy(7))
    assert key.raw.hex() not in repr(key)
    assert HpkeKey(key.raw).public == key.public
