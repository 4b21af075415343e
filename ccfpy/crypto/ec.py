"""Elliptic-curve identities: nodes', services', members' and users' keys.

P-384 by default and P-256 by choice, as CCF. A curve brings its hash: SHA-384 and
SHA-256. Signatures are deterministic (RFC 6979), so that no weak nonce can leak a key
and a simulated node signs the same bytes for the same seed.

Key agreement between two nodes: ephemeral keys on P-384, used once.

A point travels uncompressed (SEC 1, 2.3.3), and no other form of it is taken, so that
a key has one spelling. The secret is the shared point's x-coordinate, which a caller
must put through a key derivation function before using it.
"""

from enum import StrEnum
from typing import Self, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ports import Entropy
from ccfpy.crypto import encodings

_Hash: TypeAlias = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_DIGEST = ec.ECDSA(Prehashed(hashes.SHA256()))
_DIGEST_SIGN = ec.ECDSA(Prehashed(hashes.SHA256()), deterministic_signing=True)
_SPARE_BYTES = 16
"""Extra random bytes before reduction, so that the scalar's bias is negligible."""


class Curve(StrEnum):
    """A curve by its name in CCF's JSON (``include/ccf/crypto/curve.h``)."""

    SECP384R1 = "Secp384R1"
    SECP256R1 = "Secp256R1"
    SECP521R1 = "Secp521R1"
    """Only for members and users who bring such a key."""

    @property
    def field_bytes(self) -> int:
        """The width of a coordinate, and of each half of a raw signature."""
        return _FIELD_BYTES[self]

    @property
    def hash(self) -> _Hash:
        """The hash that belongs to the curve."""
        return _HASHES[self]()


_CLASSES: dict[Curve, type[ec.EllipticCurve]] = {
    Curve.SECP384R1: ec.SECP384R1,
    Curve.SECP256R1: ec.SECP256R1,
    Curve.SECP521R1: ec.SECP521R1,
}
_BY_NAME = {
    "secp384r1": Curve.SECP384R1,
    "secp256r1": Curve.SECP256R1,
    "secp521r1": Curve.SECP521R1,
}
_FIELD_BYTES = {Curve.SECP384R1: 48, Curve.SECP256R1: 32, Curve.SECP521R1: 66}
_HASHES: dict[Curve, type[_Hash]] = {
    Curve.SECP384R1: hashes.SHA384,
    Curve.SECP256R1: hashes.SHA256,
    Curve.SECP521R1: hashes.SHA512,
}


def raw_signature(curve: Curve, der: bytes) -> bytes:
    """Turn a DER signature into ``r || s`` (IEEE P1363)."""
    r, s = decode_dss_signature(der)
    width = curve.field_bytes
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def der_signature(curve: Curve, raw: bytes) -> bytes:
    """Turn ``r || s`` into DER.

    Raises:
        VerificationFailed: it has not the curve's width.
    """
    width = curve.field_bytes
    if len(raw) != 2 * width:
        raise VerificationFailed(
            f"a signature of {len(raw)} bytes, expected {2 * width} for {curve}"
        )
    return encode_dss_signature(
        int.from_bytes(raw[:width], "big"), int.from_bytes(raw[width:], "big")
    )


def other_form(curve: Curve, raw: bytes) -> bytes:
    """Return the second signature that holds wherever ``r || s`` holds: ``r || n - s``.

    Anybody can compute it, so the bytes of a signature never identify what was signed.

    Raises:
        VerificationFailed: the signature has not the curve's width, or s is not between
            0 and the group's order n.
    """
    width, order = curve.field_bytes, _CLASSES[curve]().group_order
    s = int.from_bytes(raw[width:], "big")
    if len(raw) != 2 * width or not 0 < s < order:
        raise VerificationFailed(f"not a raw signature of {curve}")
    return raw[:width] + (order - s).to_bytes(width, "big")


class PublicKey:
    """A public key on one of the curves.

    Attributes:
        curve: the curve.
        der: DER SubjectPublicKeyInfo, whose digest is a node's id.
    """

    __slots__ = ("_key", "_pem", "curve", "der")

    def __init__(self, key: ec.EllipticCurvePublicKey) -> None:
        curve = _BY_NAME.get(key.curve.name)
        if curve is None:
            raise Malformed(f"unsupported curve {key.curve.name}")
        self._key = key
        self._pem: str | None = None
        self.curve = curve
        self.der = encodings.public_der(key)

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read DER SubjectPublicKeyInfo.

        Raises:
            Malformed: it is none, or not of a supported curve.
        """
        return cls(expect_ec(encodings.load_public_der(der)))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read PEM SubjectPublicKeyInfo.

        Raises:
            Malformed: it is none, or not of a supported curve.
        """
        return cls(expect_ec(encodings.load_public_pem(pem)))

    @classmethod
    def from_coordinates(cls, curve: Curve, x: int, y: int) -> Self:
        """Build the key at a point.

        Raises:
            Malformed: the point is not on the curve.
        """
        try:
            key = ec.EllipticCurvePublicNumbers(x, y, _CLASSES[curve]()).public_key()
        except ValueError as error:
            raise Malformed(f"not a point on {curve}") from error
        return cls(key)

    @property
    def pem(self) -> str:
        """PEM SubjectPublicKeyInfo."""
        if self._pem is None:
            self._pem = encodings.public_pem(self._key)
        return self._pem

    @property
    def coordinates(self) -> tuple[int, int]:
        """The point's affine coordinates."""
        numbers = self._key.public_numbers()
        return numbers.x, numbers.y

    @property
    def library_key(self) -> ec.EllipticCurvePublicKey:
        """The key as this package's other files use it."""
        return self._key

    def verify(self, signature_der: bytes, data: bytes) -> None:
        """Check a DER signature over ``data`` under the curve's hash.

        Raises:
            VerificationFailed: it does not hold.
        """
        self._verify(signature_der, data, ec.ECDSA(self.curve.hash))

    def verify_digest(self, signature_der: bytes, digest: bytes) -> None:
        """Check a DER signature over a ready-made SHA-256 digest, on any curve.

        Raises:
            VerificationFailed: it does not hold.
        """
        self._verify(signature_der, digest, _DIGEST)

    def verify_raw(self, raw: bytes, data: bytes) -> None:
        """Check an ``r || s`` signature over ``data`` under the curve's hash.

        Raises:
            VerificationFailed: it does not hold.
        """
        self.verify(der_signature(self.curve, raw), data)

    def _verify(self, signature: bytes, data: bytes, algorithm: ec.ECDSA) -> None:
        try:
            self._key.verify(signature, data, algorithm)
        except (InvalidSignature, ValueError) as error:
            raise VerificationFailed("ECDSA signature does not match") from error

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, PublicKey) and self.der == other.der

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self.der)


def expect_ec(key: object) -> ec.EllipticCurvePublicKey:
    """Return a key of the library that must be on an elliptic curve.

    Raises:
        Malformed: it is a key of another kind.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Malformed(f"expected an elliptic-curve key, found {type(key).__name__}")
    return key


class KeyPair:
    """A private key; its ``repr`` shows nothing of it."""

    __slots__ = ("_key", "_sign", "public_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.public_key = PublicKey(key.public_key())
        self._sign = ec.ECDSA(self.public_key.curve.hash, deterministic_signing=True)

    @classmethod
    def generate(cls, entropy: Entropy, curve: Curve) -> Self:
        """Make a key from ``entropy`` (FIPS 186-5 A.2.1: extra bits, then reduce)."""
        seed = entropy.random_bytes(curve.field_bytes + _SPARE_BYTES)
        order = _CLASSES[curve]().group_order
        scalar = int.from_bytes(seed, "big") % (order - 1) + 1
        return cls(ec.derive_private_key(scalar, _CLASSES[curve]()))

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """Read an unencrypted PEM private key.

        Raises:
            Malformed: it is none, or not of a supported curve.
        """
        key = encodings.load_private_pem(pem)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Malformed(
                f"expected an elliptic-curve key, found {type(key).__name__}"
            )
        return cls(key)

    @property
    def pem(self) -> str:
        """PEM PKCS#8, unencrypted."""
        return encodings.private_pem(self._key)

    @property
    def library_key(self) -> ec.EllipticCurvePrivateKey:
        """The key as this package's other files use it."""
        return self._key

    def sign(self, data: bytes) -> bytes:
        """Sign under the curve's hash; give DER."""
        return self._key.sign(data, self._sign)

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign a ready-made SHA-256 digest, on any curve; give DER."""
        return self._key.sign(digest, _DIGEST_SIGN)

    def sign_raw(self, data: bytes) -> bytes:
        """Sign under the curve's hash; give ``r || s``."""
        return raw_signature(self.public_key.curve, self.sign(data))


POINT_BYTES = 97
_UNCOMPRESSED = 4


class EphemeralKey:
    """One side of one agreement.

    Attributes:
        point: the public key, as the other side is sent it.
    """

    __slots__ = ("_key", "point")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self.point = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    @classmethod
    def generate(cls, entropy: Entropy) -> Self:
        """Make a key from ``entropy``."""
        return cls(KeyPair.generate(entropy, Curve.SECP384R1).library_key)

    def agree(self, point: bytes) -> bytes:
        """Return the secret that only this key and ``point``'s can compute.

        Raises:
            Malformed: ``point`` is not an uncompressed point on the curve.
        """
        if len(point) != POINT_BYTES or point[0] != _UNCOMPRESSED:
            raise Malformed(f"not an uncompressed point of {POINT_BYTES} bytes")
        try:
            peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), point)
        except ValueError as error:
            raise Malformed("not a point on P-384") from error
        return self._key.exchange(ec.ECDH(), peer)
