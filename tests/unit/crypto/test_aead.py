"""AES-GCM and CCF's blobs of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.aead import (
    IV_BYTES,
    KEY_BYTES,
    AesGcm,
    GcmEncryption,
    open_blob,
    seal_blob,
)

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
IVS = st.binary(min_size=IV_BYTES, max_size=IV_BYTES)
KEY = bytes(range(KEY_BYTES))
IV = b"\x01" * IV_BYTES


def test_it_is_the_aes_256_gcm_of_the_specification() -> None:
    """McGrew and Viega, *The Galois/Counter Mode of Operation*, test case 16."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    iv = bytes.fromhex("cafebabefacedbaddecaf888")
    ciphertext, tag = AesGcm(key).encrypt(iv, plaintext, aad)
    assert ciphertext.hex() == (
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    )
    assert tag.hex() == "76fc6ece0f4e1768cddf8853bb2d551b"
    assert AesGcm(key).decrypt(iv, ciphertext, tag, aad) == plaintext


@given(KEYS, IVS, st.binary(max_size=64), st.binary(max_size=64))
def test_what_is_encrypted_is_decrypted(
    key: bytes, iv: bytes, plaintext: bytes, aad: bytes
) -> None:
    cipher = AesGcm(key)
    ciphertext, tag = cipher.encrypt(iv, plaintext, aad)
    assert len(ciphertext) == len(plaintext)
    assert cipher.decrypt(iv, ciphertext, tag, aad) == plaintext


@given(st.integers(0, 3), st.integers(0, 11), st.integers(0, 7))
def test_one_changed_bit_anywhere_is_noticed(part: int, byte: int, bit: int) -> None:
    ciphertext, tag = AesGcm(KEY).encrypt(IV, b"twelve bytes", b"other twelve")
    parts = [bytearray(p) for p in (IV, ciphertext, tag, b"other twelve")]
    parts[part][byte] ^= 1 << bit
    with pytest.raises(VerificationFailed, match="tag does not match"):
        AesGcm(KEY).decrypt(*map(bytes, parts))


def test_an_empty_text_is_sealed_by_its_tag_alone() -> None:
    ciphertext, tag = AesGcm(KEY).encrypt(IV, b"", b"public")
    assert ciphertext == b""
    assert AesGcm(KEY).decrypt(IV, b"", tag, b"public") == b""
    with pytest.raises(VerificationFailed):
        AesGcm(KEY).decrypt(IV, b"", tag, b"Public")


@given(KEYS, IVS, st.binary(max_size=64))
def test_a_blob_is_tag_iv_and_ciphertext(
    key: bytes, iv: bytes, plaintext: bytes
) -> None:
    blob = seal_blob(key, plaintext, iv=iv)
    ciphertext, tag = AesGcm(key).encrypt(iv, plaintext, b"")
    assert blob == tag + iv + ciphertext
    assert open_blob(key, blob) == plaintext


def test_a_blob_opens_under_its_key_alone() -> None:
    blob = seal_blob(KEY, b"secret", iv=IV)
    with pytest.raises(VerificationFailed):
        open_blob(bytes(KEY_BYTES), blob)


@pytest.mark.parametrize("size", [0, 1, 27])
def test_a_blob_without_its_header_is_malformed(size: int) -> None:
    with pytest.raises(Malformed, match=f"{size} bytes lacks its header"):
        open_blob(KEY, bytes(size))


def test_a_key_has_256_bits() -> None:
    with pytest.raises(AssertionError):
        AesGcm(bytes(16))


@pytest.mark.slow
@given(
    aad=st.lists(st.binary(max_size=40)),
    plaintext=st.lists(st.binary(max_size=40)),
)
def test_an_encryption_in_pieces_is_the_one_at_once(
    aad: list[bytes], plaintext: list[bytes]
) -> None:
    key, iv = bytes(32), bytes(range(12))
    pieces = GcmEncryption(key, iv)
    for piece in aad:
        pieces.authenticate(piece)
    ciphertext = b"".join(map(pieces.encrypt, plaintext))
    at_once = AesGcm(key).encrypt(iv, b"".join(plaintext), b"".join(aad))
    assert (ciphertext, pieces.finish()) == at_once
