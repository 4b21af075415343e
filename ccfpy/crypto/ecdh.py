"""Key agreement between two nodes: ephemeral keys on P-384, used once.

A point travels uncompressed (SEC 1, 2.3.3), and no other form of it is taken, so that
a key has one spelling. The secret is the shared point's x-coordinate, which a caller
must put through a key derivation function before using it.
"""

from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ccfpy.base.errors import Malformed
from ccfpy.base.ports import Entropy
from ccfpy.crypto.ec import Curve, KeyPair

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
