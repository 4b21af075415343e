"""The library pads, the key's bare power is what a token gives; we take it off."""

import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import VerificationFailed
from ccfpy.client.keyfiles import OsEntropy
from ccfpy.client.signers.oaep import unpad
from ccfpy.crypto.rsa import RsaKeyPair

MODULUS_BYTES = 256
MESSAGE_BYTES_MAX = MODULUS_BYTES - 2 * 32 - 2


@functools.cache
def _key() -> RsaKeyPair:
    return RsaKeyPair.generate(OsEntropy())


def _power(wrapped: bytes) -> bytes:
    """Do what CKM_RSA_X_509 does in a token."""
    numbers = _key().library_key.private_numbers()
    message = pow(int.from_bytes(wrapped, "big"), numbers.d, numbers.public_numbers.n)
    return message.to_bytes(MODULUS_BYTES, "big")


@pytest.mark.slow
@given(st.binary(max_size=MESSAGE_BYTES_MAX))
def test_what_the_library_wraps_is_found_in_the_power(message: bytes) -> None:
    assert unpad(_power(_key().public_key.wrap(message))) == message


@pytest.mark.slow
@given(st.integers(0, MODULUS_BYTES - 1), st.integers(1, 255))
def test_a_power_with_any_byte_changed_is_refused(index: int, change: int) -> None:
    encoded = bytearray(_power(_key().public_key.wrap(b"share")))
    encoded[index] ^= change
    with pytest.raises(VerificationFailed, match="not encrypted to this key"):
        unpad(bytes(encoded))


@given(st.binary(max_size=MODULUS_BYTES))
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        unpad(data)
