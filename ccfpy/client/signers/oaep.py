"""Taking off RSA-OAEP's padding (RFC 8017 §7.1.2), SHA-256 throughout, without a label.

For tokens that hold a key and can do the bare RSA operation, but do not know this
padding under this hash. For keys in files the library does everything (``rsa.py``).

Errors say what is wrong with a message. Use this module only for the member to whom the
message was encrypted, never to answer a stranger who may ask again.
"""

from ccfpy.base.errors import VerificationFailed
from ccfpy.crypto.hashing import DIGEST_BYTES, sha256

_LABEL_DIGEST = sha256(b"")
_COUNTER_BYTES = 4


def unpad(encoded: bytes) -> bytes:
    """Return the plaintext, given the RSA decryption's result at the modulus's width.

    Raises:
        VerificationFailed: it was not encrypted to this key, or not in this way.
    """
    seed_end = 1 + DIGEST_BYTES
    if len(encoded) < 2 * seed_end or encoded[0] != 0:
        raise VerificationFailed("not encrypted to this key")
    masked_seed, masked_block = encoded[1:seed_end], encoded[seed_end:]
    seed = _xor(masked_seed, _mask(masked_block, DIGEST_BYTES))
    block = _xor(masked_block, _mask(seed, len(masked_block)))
    label_digest, rest = block[:DIGEST_BYTES], block[DIGEST_BYTES:]
    one, message = rest.lstrip(b"\0")[:1], rest.lstrip(b"\0")[1:]
    if label_digest != _LABEL_DIGEST or one != b"\x01":
        raise VerificationFailed("not encrypted to this key")
    return message


def _mask(seed: bytes, length: int) -> bytes:
    """Stretch a seed: MGF1 with SHA-256."""
    count = -(-length // DIGEST_BYTES)
    parts = (sha256(seed + i.to_bytes(_COUNTER_BYTES, "big")) for i in range(count))
    return b"".join(parts)[:length]


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
