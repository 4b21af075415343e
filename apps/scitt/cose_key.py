"""Public keys as COSE writes them (RFC 9052 §7), and as JSON does (RFC 7517)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from apps.scitt.encoding import base64url
from ccfpy.app import JsonObject, Malformed, encode_cbor, sha256, sha256_hex

KTY, KEY_ID = 1, 2
CRV_OR_N, X_OR_E, Y = -1, -2, -3
EC2, RSA = 2, 3

Key: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _CurveNames:
    """A curve.

    Attributes:
        number: of the curve in COSE.
        name: of the curve in JSON.
    """

    number: int
    name: str
    curve: ec.EllipticCurve

    @property
    def width(self) -> int:
        """The bytes of a coordinate."""
        return (self.curve.key_size + 7) // 8


_CURVES: Final = (
    _CurveNames(number=1, name="P-256", curve=ec.SECP256R1()),
    _CurveNames(number=2, name="P-384", curve=ec.SECP384R1()),
    _CurveNames(number=3, name="P-521", curve=ec.SECP521R1()),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseKey:
    """A key of elliptic curves or RSA, in bytes that may make no key.

    Attributes:
        kty: 2 with ``crv``, ``x_e`` (x) and ``y``; 3 with ``n`` and ``x_e`` (e).
    """

    kty: int
    crv: int | None = None
    n: bytes | None = None
    x_e: bytes = b""
    y: bytes | None = None

    @classmethod
    def parse(cls, parts: Mapping[int | str, Any]) -> Self:
        """Read a map of COSE.

        Raises:
            Malformed: it is no key of these two kinds.
        """
        kty, first = parts.get(KTY), parts.get(CRV_OR_N)
        x_e, y = parts.get(X_OR_E), parts.get(Y)
        if not isinstance(x_e, bytes) or not x_e:
            raise Malformed("a COSE key lacks a part")
        if type(kty) is int and kty == EC2:
            if type(first) is int and isinstance(y, bytes) and y:
                return cls(kty=kty, crv=first, x_e=x_e, y=y)
        elif type(kty) is int and kty == RSA:
            if isinstance(first, bytes) and first:
                return cls(kty=kty, n=first, x_e=x_e)
        else:
            raise Malformed("a COSE key is neither EC2 nor RSA")
        raise Malformed("a COSE key lacks a part")

    @property
    def thumbprint(self) -> bytes:
        """SHA-256 of the required parts in their one order (RFC 9679)."""
        parts: dict[int, object] = {KTY: self.kty}
        if self.kty == EC2:
            parts |= {CRV_OR_N: self.crv, X_OR_E: self.x_e, Y: self.y}
        else:
            parts |= {CRV_OR_N: self.n, X_OR_E: self.x_e}
        return sha256(encode_cbor(parts))

    def key(self) -> Key:
        """Make the key.

        Raises:
            Malformed: these parts make none.
        """
        try:
            if self.kty == RSA:
                assert self.n is not None, "it was parsed"
                return rsa.RSAPublicNumbers(
                    e=int.from_bytes(self.x_e, "big"), n=int.from_bytes(self.n, "big")
                ).public_key()
            named = next((each for each in _CURVES if each.number == self.crv), None)
            if named is None:
                raise Malformed(f"a COSE key on the curve {self.crv}, which is unknown")
            assert self.y is not None, "it was parsed"
            return ec.EllipticCurvePublicNumbers(
                x=int.from_bytes(self.x_e, "big"),
                y=int.from_bytes(self.y, "big"),
                curve=named.curve,
            ).public_key()
        except ValueError as error:
            raise Malformed("the parts of a COSE key make no key") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKey:
    """A key under which receipts verify.

    Attributes:
        kid: SHA-256 of the key in DER, in hex, as receipts name it.
    """

    kid: str
    x: bytes
    y: bytes
    curve: _CurveNames

    @classmethod
    def of(cls, der: bytes) -> Self:
        """Read a key of the service's from DER."""
        key = load_der_public_key(der)
        assert isinstance(key, ec.EllipticCurvePublicKey), "services have no others"
        named = next(each for each in _CURVES if each.curve.name == key.curve.name)
        point = key.public_numbers()
        return cls(
            kid=sha256_hex(der),
            x=point.x.to_bytes(named.width, "big"),
            y=point.y.to_bytes(named.width, "big"),
            curve=named,
        )

    def to_cose(self) -> dict[int | str, object]:
        """Write the key as a map of COSE."""
        return {
            KTY: EC2,
            KEY_ID: self.kid.encode(),
            CRV_OR_N: self.curve.number,
            X_OR_E: self.x,
            Y: self.y,
        }

    def to_jwk(self) -> JsonObject:
        """Write the key as JSON."""
        return {
            "kty": "EC",
            "kid": self.kid,
            "crv": self.curve.name,
            "x": base64url(self.x),
            "y": base64url(self.y),
        }
