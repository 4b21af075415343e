"""Signatures of statements, by the algorithms of COSE (RFC 9053, RFC 8230)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from apps.scitt.limits import RSA_BITS_MAX, RSA_BITS_MIN, RSA_EXPONENT_BITS_MAX
from ccfpy.app import Malformed, VerificationFailed

_Check: TypeAlias = Callable[[PublicKeyTypes, bytes, bytes], None]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm.

    Attributes:
        name: as members write it in the configuration.
        check: checks a signature by a key.
    """

    name: str
    check: _Check


def _ecdsa(curve: type[ec.EllipticCurve], hash_: hashes.HashAlgorithm) -> _Check:
    def check(key: PublicKeyTypes, signature: bytes, data: bytes) -> None:
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(
            key.curve, curve
        ):
            raise _wrong_key()
        width = (key.curve.key_size + 7) // 8
        if len(signature) != 2 * width:
            raise InvalidSignature
        r, s = signature[:width], signature[width:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        key.verify(der, data, ec.ECDSA(hash_))

    return check


def _pss(hash_: hashes.HashAlgorithm) -> _Check:
    how = padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)

    def check(key: PublicKeyTypes, signature: bytes, data: bytes) -> None:
        if not isinstance(key, rsa.RSAPublicKey):
            raise _wrong_key()
        check_rsa(key)
        key.verify(signature, data, how, hash_)

    return check


def _eddsa(key: PublicKeyTypes, signature: bytes, data: bytes) -> None:
    if not isinstance(key, ed25519.Ed25519PublicKey):
        raise _wrong_key()
    key.verify(signature, data)


ALGORITHMS: Final[Mapping[int, Algorithm]] = {
    -7: Algorithm("ES256", _ecdsa(ec.SECP256R1, hashes.SHA256())),
    -35: Algorithm("ES384", _ecdsa(ec.SECP384R1, hashes.SHA384())),
    -36: Algorithm("ES512", _ecdsa(ec.SECP521R1, hashes.SHA512())),
    -37: Algorithm("PS256", _pss(hashes.SHA256())),
    -38: Algorithm("PS384", _pss(hashes.SHA384())),
    -39: Algorithm("PS512", _pss(hashes.SHA512())),
    -8: Algorithm("EdDSA", _eddsa),
}
"""By their numbers in COSE."""


def check_rsa(key: rsa.RSAPublicKey) -> None:
    """Refuse a key that is weak, or by which a check takes long.

    Raises:
        Malformed: the key is out of range.
    """
    numbers = key.public_numbers()
    bits = numbers.n.bit_length()
    if not RSA_BITS_MIN <= bits <= RSA_BITS_MAX:
        raise Malformed(
            f"an RSA key of {bits} bits, expected {RSA_BITS_MIN} to {RSA_BITS_MAX}"
        )
    if numbers.e.bit_length() > RSA_EXPONENT_BITS_MAX:
        raise Malformed("an RSA key with a long exponent")


def verify(algorithm: Algorithm, key: object, signature: bytes, data: bytes) -> None:
    """Check a signature.

    Raises:
        Malformed: the key is out of range.
        VerificationFailed: the signature does not hold, or the key is not for the
            algorithm.
    """
    try:
        algorithm.check(key, signature, data)  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
        raise VerificationFailed("the statement's signature does not hold") from error


def _wrong_key() -> VerificationFailed:
    return VerificationFailed("the signer's key is not for the statement's algorithm")
