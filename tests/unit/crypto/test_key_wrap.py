"""Keys wrapped by keys; the vectors of AES-KWP are RFC 5649's."""

import pytest

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto import guest_keys, key_wrap
from ccfpy.crypto.key_wrap import AES_BITS
from ccfpy.testing.entropy import SeededEntropy

PAIR = guest_keys.rsa_pair(SeededEntropy(b"rsa"), 1024)
OTHER = guest_keys.rsa_pair(SeededEntropy(b"other"), 1024)
PUBLIC, PRIVATE = PAIR.public.encode(), PAIR.private.encode()
RFC_5649_KEK = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")


@pytest.mark.parametrize("label", [None, b"label"])
def test_rsa_wraps_for_whoever_has_key_and_label(label: bytes | None) -> None:
    wrapped = key_wrap.wrap_rsa(PUBLIC, b"key", label)
    assert key_wrap.unwrap_rsa(PRIVATE, wrapped, label) == b"key"
    for private, wrong in ((PRIVATE, b"wrong"), (OTHER.private.encode(), label)):
        with pytest.raises(VerificationFailed):
            key_wrap.unwrap_rsa(private, wrapped, wrong)


def test_what_does_not_fit_an_rsa_key_is_not_wrapped() -> None:
    with pytest.raises(Malformed, match="does not fit"):
        key_wrap.wrap_rsa(PUBLIC, b"x" * 127, None)


@pytest.mark.parametrize(
    ("key", "wrapped"),
    [
        (
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ],
)
def test_aes_wraps_as_published(key: str, wrapped: str) -> None:
    assert key_wrap.wrap_aes(RFC_5649_KEK, bytes.fromhex(key)).hex() == wrapped
    assert key_wrap.unwrap_aes(RFC_5649_KEK, bytes.fromhex(wrapped)).hex() == key


def test_aes_opens_with_the_right_key_alone() -> None:
    wrapped = key_wrap.wrap_aes(b"k" * 16, b"key")
    with pytest.raises(VerificationFailed):
        key_wrap.unwrap_aes(b"l" * 16, wrapped)
    for act in (key_wrap.wrap_aes, key_wrap.unwrap_aes):
        with pytest.raises(Malformed, match="16, 24 or 32"):
            act(b"k" * 15, wrapped)


@pytest.mark.parametrize("bits", AES_BITS)
def test_both_together_wrap_keys_of_any_length(bits: int) -> None:
    key = b"key" * 100
    wrapped = key_wrap.wrap_rsa_aes(
        PUBLIC, key, b"label", aes_bits=bits, entropy=SeededEntropy(b"aes")
    )
    assert key_wrap.unwrap_rsa_aes(PRIVATE, wrapped, b"label") == key
    with pytest.raises(VerificationFailed, match="not enough ciphertext"):
        key_wrap.unwrap_rsa_aes(PRIVATE, wrapped[:128], b"label")
    with pytest.raises(VerificationFailed):
        key_wrap.unwrap_rsa_aes(PRIVATE, wrapped[:-8], b"label")


def test_aes_has_no_keys_of_other_lengths() -> None:
    with pytest.raises(Malformed, match="invalid key size"):
        key_wrap.wrap_rsa_aes(
            PUBLIC, b"key", None, aes_bits=64, entropy=SeededEntropy(b"aes")
        )
