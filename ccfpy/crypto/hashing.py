"""SHA-256 and what is built on it. hashlib, because it is the fastest to call."""

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGEST_BYTES = 32
_BLOCK_BYTES = 64
_sha256: Final = hashlib.sha256


def sha256(data: bytes) -> bytes:
    """Return the SHA-256 digest of ``data``."""
    return _sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 digest of ``data`` as lower-case hex."""
    return _sha256(data).hexdigest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return the HMAC-SHA256 of ``data`` under ``key``."""
    return hmac.digest(key, data, "sha256")


class HmacKey:
    """A key for many short HMAC-SHA256s; half the cost of ``hmac_sha256`` each.

    RFC 2104 pads the key in two ways and hashes each in front of something. Both padded
    keys are hashed once here; a call goes on from there.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (sha256(key) if len(key) > _BLOCK_BYTES else key).ljust(
            _BLOCK_BYTES, b"\0"
        )
        self._inner = _sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = _sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, data: bytes) -> str:
        """Return the HMAC of ``data`` as lower-case hex."""
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def hkdf_sha256(*, ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive ``length`` bytes from ``ikm`` (RFC 5869)."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info)
    return kdf.derive(ikm)
