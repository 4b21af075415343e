"""Signatures as scripts make and check them: ECDSA as ``r || s``, RSA-PSS, EdDSA, HMAC.

The algorithm is the caller's word, and the key must be one for it.
"""

import hmac
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ccfpy.base.errors import Malformed
from ccfpy.crypto import guest_keys

HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
"""By the names that scripts use."""
_PEM_CERTIFICATE = b"-----BEGIN CERTIFICATE"
_BITS_PER_BYTE = 8


def sign_ecdsa(key_pem: bytes, data: bytes, hash_name: str) -> bytes:
    """Sign, deterministically (RFC 6979); give ``r || s``.

    Raises:
        Malformed: the key is no elliptic-curve key.
    """
    key = guest_keys.private_key(key_pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Malformed("not an elliptic-curve key")
    algorithm = ec.ECDSA(HASHES[hash_name](), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(data, algorithm))
    width = (key.curve.group_order.bit_length() + 7) // _BITS_PER_BYTE
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def sign_rsa_pss(key_pem: bytes, data: bytes, hash_name: str, salt_bytes: int) -> bytes:
    """Sign.

    Raises:
        Malformed: the key is no RSA key, or too small for the salt.
    """
    key = guest_keys.rsa_private_key(key_pem)
    hash_ = HASHES[hash_name]()
    try:
        return key.sign(data, _pss(hash_, salt_bytes), hash_)
    except ValueError as error:
        raise Malformed("the salt does not fit the key") from error


def sign_eddsa(key_pem: bytes, data: bytes) -> bytes:
    """Sign.

    Raises:
        Malformed: the key is no Ed25519 key.
    """
    key = guest_keys.private_key(key_pem)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise Malformed("not an Ed25519 key")
    return key.sign(data)


def sign_hmac(key: bytes, data: bytes, hash_name: str) -> bytes:
    """Authenticate with a secret."""
    return hmac.digest(key, data, hash_name.replace("-", ""))


def is_ecdsa(key_pem: bytes, data: bytes, signature: bytes) -> bool:
    """Return whether ``r || s`` is a signature over SHA-256.

    Args:
        key_pem: a public key or a certificate.
        data: what was signed.
        signature: two numbers of the same width.

    Raises:
        Malformed: the key is no elliptic-curve key.
    """
    key = _verifying(key_pem)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Malformed("not an elliptic-curve key")
    half = len(signature) // 2
    r = int.from_bytes(signature[:half], "big")
    s = int.from_bytes(signature[half:], "big")
    order = key.curve.group_order
    if len(signature) % 2 or not (0 < r < order and 0 < s < order):
        return False
    der = encode_dss_signature(r, s)
    return _holds(lambda: key.verify(der, data, ec.ECDSA(hashes.SHA256())))


def is_rsa_pss(key_pem: bytes, data: bytes, signature: bytes, salt_bytes: int) -> bool:
    """Return whether this is a signature over SHA-256.

    Under a certificate the older PKCS #1 v1.5 is taken too: CCF knows no other there.

    Raises:
        Malformed: the key is no RSA key.
    """
    key = _verifying(key_pem)
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("not an RSA key")
    hash_ = hashes.SHA256()
    pss = _pss(hash_, salt_bytes)
    if _holds(lambda: key.verify(signature, data, pss, hash_)):
        return True
    if not key_pem.startswith(_PEM_CERTIFICATE):
        return False
    return _holds(lambda: key.verify(signature, data, padding.PKCS1v15(), hash_))


def is_eddsa(key_pem: bytes, data: bytes, signature: bytes) -> bool:
    """Return whether this is a signature.

    Raises:
        Malformed: the key is no Ed25519 key.
    """
    key = guest_keys.public_key(key_pem)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise Malformed("not an Ed25519 key")
    return _holds(lambda: key.verify(signature, data))


def _verifying(pem: bytes) -> guest_keys.Public:
    if pem.startswith(_PEM_CERTIFICATE):
        return guest_keys.certified_key(pem)
    return guest_keys.public_key(pem)


def _pss(hash_: hashes.HashAlgorithm, salt_bytes: int) -> padding.PSS:
    if salt_bytes < 0:
        raise Malformed(f"a salt of {salt_bytes} bytes")
    return padding.PSS(mgf=padding.MGF1(hash_), salt_length=salt_bytes)


def _holds(verify: Callable[[], object]) -> bool:
    try:
        verify()
    except (InvalidSignature, ValueError):
        return False
    return True
