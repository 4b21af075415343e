"""Keys that scripts make and bring, as PEM: elliptic curves, RSA, and Curve25519.

Scripts choose their keys themselves, so less is demanded of these than of a service's
own; but no key may be so large that one operation holds the node up.
"""

from typing import NamedTuple, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import GUEST_RSA_BITS_MAX, GUEST_RSA_BITS_MIN
from ccfpy.base.ports import Entropy
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.encodings import private_pem, public_pem
from ccfpy.crypto.key_costs import check_affordable

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
