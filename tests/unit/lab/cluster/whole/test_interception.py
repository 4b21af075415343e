"""Encryptions are seen, and padding is fed."""

import pytest

from ccfpy.crypto import aead
from ccfpy.crypto.aead import AesGcm, GcmEncryption
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.lab.cluster.whole.interception import interception, pooled_key
from tests.lab.invariants.violated import Violated

KEY, IV = bytes(32), bytes(12)


def test_an_iv_serves_for_one_plaintext() -> None:
    with interception(1):
        AesGcm(KEY).encrypt(IV, b"one", b"")
        AesGcm(KEY).encrypt(IV, b"one", b"")
        AesGcm(bytes([1] * 32)).encrypt(IV, b"two", b"")
        with pytest.raises(Violated, match="NonceOnce"):
            AesGcm(KEY).encrypt(IV, b"two", b"")


def test_what_is_only_authenticated_counts_too() -> None:
    with interception(1):
        AesGcm(KEY).encrypt(IV, b"", b"one")
        with pytest.raises(Violated, match="NonceOnce"):
            AesGcm(KEY).encrypt(IV, b"", b"two")


def test_pieces_are_seen_as_a_whole() -> None:
    with interception(1):
        ciphertext, tag = AesGcm(KEY).encrypt(IV, b"onetwo", b"aad")
        pieces = GcmEncryption(KEY, IV)
        pieces.authenticate(b"a")
        pieces.authenticate(b"ad")
        assert pieces.encrypt(b"one") + pieces.encrypt(b"two") == ciphertext
        assert pieces.finish() == tag
        other = GcmEncryption(KEY, IV)
        other.encrypt(b"three")
        with pytest.raises(Violated, match="NonceOnce"):
            other.finish()


def test_secrets_are_wrapped_alike_for_the_same_seed() -> None:
    key = pooled_key(0)
    wrapped = []
    for seed in (1, 1, 2):
        with interception(seed):
            wrapped.append(key.public_key.wrap(b"a secret"))
    assert wrapped[0] == wrapped[1] != wrapped[2]
    assert key.unwrap(wrapped[0]) == b"a secret"


def test_all_is_put_back() -> None:
    before = dict(vars(aead))
    with interception(1):
        assert vars(aead) != before
        drawn = RsaKeyPair.generate(SeededEntropy(1))
        assert drawn.public_key.pem == pooled_key(1).public_key.pem
    assert vars(aead) == before
    assert pooled_key(0).public_key.wrap(b"x") != pooled_key(0).public_key.wrap(b"x")
