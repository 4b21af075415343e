"""Keys wrapped by keys, as PKCS #11 does it: RSA-OAEP, AES-KWP, and one in the other.

OAEP is over SHA-256 with MGF1-SHA-256; AES-KWP is RFC 5649. Together, an AES key made
for the purpose wraps the key and is itself wrapped in front of it.
"""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto import guest_keys

AES_BITS = (128, 192, 256)
_BITS_PER_BYTE = 8


def wrap_rsa(wrapping_pem: bytes, key: bytes, label: bytes | None) -> bytes:
    """Encrypt to an RSA public key.

    Raises:
        Malformed: it is no such key, or too small for what is wrapped.
    """
    public = guest_keys.rsa_public_key(wrapping_pem)
    try:
        return public.encrypt(key, _oaep(label))
    except ValueError as error:
        raise Malformed("what is wrapped does not fit the wrapping key") from error


def unwrap_rsa(unwrapping_pem: bytes, wrapped: bytes, label: bytes | None) -> bytes:
    """Decrypt with an RSA private key.

    Raises:
        Malformed: it is no such key.
        VerificationFailed: it was not wrapped to this key, or with another label.
    """
    private = guest_keys.rsa_private_key(unwrapping_pem)
    try:
        return private.decrypt(wrapped, _oaep(label))
    except ValueError as error:
        raise VerificationFailed("not wrapped to this key and label") from error


def wrap_aes(wrapping_key: bytes, key: bytes) -> bytes:
    """Encrypt with an AES key.

    Raises:
        Malformed: one of them has not the length of a key.
    """
    try:
        return aes_key_wrap_with_padding(wrapping_key, key)
    except ValueError as error:
        raise Malformed("the wrapping key must be 16, 24 or 32 bytes") from error


def unwrap_aes(unwrapping_key: bytes, wrapped: bytes) -> bytes:
    """Decrypt with an AES key.

    Raises:
        Malformed: it has not the length of a key.
        VerificationFailed: it was not wrapped with this key.
    """
    try:
        return aes_key_unwrap_with_padding(unwrapping_key, wrapped)
    except InvalidUnwrap as error:
        raise VerificationFailed("not wrapped with this key") from error
    except ValueError as error:
        raise Malformed("the unwrapping key must be 16, 24 or 32 bytes") from error


def wrap_rsa_aes(
    wrapping_pem: bytes,
    key: bytes,
    label: bytes | None,
    *,
    aes_bits: int,
    entropy: Entropy,
) -> bytes:
    """Encrypt with a new AES key, and that to an RSA public key.

    Raises:
        Malformed: AES has no keys of so many bits, or the wrapping key is none.
    """
    if aes_bits not in AES_BITS:
        raise Malformed("invalid key size")
    inner = entropy.random_bytes(aes_bits // _BITS_PER_BYTE)
    return wrap_rsa(wrapping_pem, inner, label) + wrap_aes(inner, key)


def unwrap_rsa_aes(unwrapping_pem: bytes, wrapped: bytes, label: bytes | None) -> bytes:
    """Decrypt the AES key in front, and what it wraps.

    Raises:
        Malformed: the unwrapping key is none.
        VerificationFailed: it was not wrapped to this key, or is too short.
    """
    bits = guest_keys.rsa_private_key(unwrapping_pem).key_size
    width = (bits + 7) // _BITS_PER_BYTE
    if len(wrapped) <= width:
        raise VerificationFailed("not enough ciphertext")
    inner = unwrap_rsa(unwrapping_pem, wrapped[:width], label)
    return unwrap_aes(inner, wrapped[width:])


def _oaep(label: bytes | None) -> padding.OAEP:
    sha256 = hashes.SHA256()
    return padding.OAEP(mgf=padding.MGF1(sha256), algorithm=sha256, label=label)
