"""Keys that scripts make and bring, as PEM: elliptic curves, RSA, and Curve25519.

Scripts choose their keys themselves, so less is demanded of these than of a service's
own; but no key may be so large that one operation holds the node up.

Signatures as scripts make and check them: ECDSA as ``r || s``, RSA-PSS, EdDSA, HMAC.

The algorithm is the caller's word, and the key must be one for it.
"""

import hmac
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import GUEST_RSA_BITS_MAX, GUEST_RSA_BITS_MIN
from ccfpy.base.ports import Entropy
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.encodings import check_affordable, private_pem, public_pem

EcPrivate: TypeAlias = ec.EllipticCurvePrivateKey
EcPublic: TypeAlias = ec.EllipticCurvePublicKey
EdPrivate: TypeAlias = ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey
EdPublic: TypeAlias = ed25519.Ed25519PublicKey | x25519.X25519PublicKey
Private: TypeAlias = EcPrivate | EdPrivate | rsa.RSAPrivateKey
Public: TypeAlias = EcPublic | EdPublic | rsa.RSAPublicKey

_SEED_BYTES = 32


class PemPair(NamedTuple):
    """A new key pair."""

    private: str
    public: str


def ec_pair(entropy: Entropy, curve: Curve) -> PemPair:
    """Make a key that signs by ECDSA."""
    return _pair(KeyPair.generate(entropy, curve).library_key)


def rsa_pair(entropy: Entropy, bits: int) -> PemPair:
    """Make an RSA key with the exponent 65537.

    Raises:
        Malformed: its size is out of range.
    """
    check_rsa_bits(bits)
    key = serialization.load_der_private_key(entropy.rsa_private_key(bits), None)
    assert isinstance(key, rsa.RSAPrivateKey), "the port makes RSA keys"
    return _pair(key)


def ed25519_pair(entropy: Entropy) -> PemPair:
    """Make a key that signs by EdDSA."""
    seed = entropy.random_bytes(_SEED_BYTES)
    return _pair(ed25519.Ed25519PrivateKey.from_private_bytes(seed))


def x25519_pair(entropy: Entropy) -> PemPair:
    """Make a key for agreement on a secret."""
    seed = entropy.random_bytes(_SEED_BYTES)
    return _pair(x25519.X25519PrivateKey.from_private_bytes(seed))


def private_key(pem: bytes) -> Private:
    """Read an unencrypted private key.

    Raises:
        Malformed: it is none, of another kind, or too large.
    """
    try:
        # Its size is looked at before its numbers are tested, which takes time.
        key = serialization.load_pem_private_key(
            pem, None, unsafe_skip_rsa_key_validation=True
        )
        if isinstance(key, rsa.RSAPrivateKey):
            check_rsa_bits(key.key_size)
            check_affordable(key.public_key())
            key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Malformed("could not parse PEM") from error
    if not isinstance(key, Private):
        raise Malformed(f"unsupported key: {type(key).__name__}")
    return key


def public_key(pem: bytes) -> Public:
    """Read a public key.

    Raises:
        Malformed: it is none, of another kind, or too large.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("could not parse PEM") from error
    return _usable(key)


def certified_key(pem: bytes) -> Public:
    """Read the public key of a certificate; raises as ``public_key`` does."""
    return _usable(
        serialization.load_der_public_key(Certificate.from_pem(pem).public_key_der)
    )


def _usable(key: object) -> Public:
    if not isinstance(key, Public):
        raise Malformed(f"unsupported key: {type(key).__name__}")
    if isinstance(key, rsa.RSAPublicKey):
        check_rsa_bits(key.key_size)
        check_affordable(key)
    return key


def rsa_private_key(pem: bytes) -> rsa.RSAPrivateKey:
    """Read an RSA private key; raises as ``private_key`` does."""
    key = private_key(pem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Malformed("not an RSA key")
    return key


def rsa_public_key(pem: bytes) -> rsa.RSAPublicKey:
    """Read an RSA public key; raises as ``public_key`` does."""
    key = public_key(pem)
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("not an RSA key")
    return key


def _pair(key: Private) -> PemPair:
    return PemPair(private_pem(key), public_pem(key.public_key()))


def check_rsa_bits(bits: int) -> None:
    """Refuse an RSA key by its size.

    Raises:
        Malformed: it is out of range.
    """
    if not GUEST_RSA_BITS_MIN <= bits <= GUEST_RSA_BITS_MAX:
        raise Malformed(
            f"an RSA key of {bits} bits, expected {GUEST_RSA_BITS_MIN} to "
            f"{GUEST_RSA_BITS_MAX}"
        )


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
    key = private_key(key_pem)
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
    key = rsa_private_key(key_pem)
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
    key = private_key(key_pem)
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
    key = public_key(key_pem)
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise Malformed("not an Ed25519 key")
    return _holds(lambda: key.verify(signature, data))


def _verifying(pem: bytes) -> Public:
    if pem.startswith(_PEM_CERTIFICATE):
        return certified_key(pem)
    return public_key(pem)


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
