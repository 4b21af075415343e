"""SHA-256 and what is built on it. hashlib, because it is the fastest to call."""

import hashlib
import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGEST_BYTES = 32


def sha256(data: bytes) -> bytes:
    """Give the SHA-256 digest of ``data``."""
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    """Give the SHA-256 digest of ``data`` as lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Give the HMAC-SHA256 of ``data`` under ``key``."""
    return hmac.digest(key, data, "sha256")


def hkdf_sha256(*, ikm: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive ``length`` bytes from ``ikm`` (RFC 5869)."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=length, salt=salt, info=info)
    return kdf.derive(ikm)
