"""Keys that scripts bring as JSON Web Keys, private ones too (RFC 7517, 7518, 8037).

Field names and curves are those of ``include/ccf/crypto/jwk.h``.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto import guest_keys
from ccfpy.crypto.encodings import check_rsa_numbers, private_pem, public_pem
from ccfpy.crypto.guest_keys import EdPrivate, EdPublic
from ccfpy.crypto.jwk import decode_key_field, encode_base64url


class Conversion(NamedTuple):
    """One kind of key, between its two forms; both functions raise ``Malformed``."""

    to_jwk: Callable[[bytes], JsonObject]
    to_pem: Callable[[Mapping[str, Json]], str]


_CURVES: Mapping[str, tuple[type[ec.EllipticCurve], int]] = {
    "P-256": (ec.SECP256R1, 32),
    "P-384": (ec.SECP384R1, 48),
}
_NAMES = {"secp256r1": "P-256", "secp384r1": "P-384"}


# Elliptic curves


def _ec_public_jwk(pem: bytes) -> JsonObject:
    return _ec_numbers(_expect_ec(guest_keys.public_key(pem)))


def _ec_private_jwk(pem: bytes) -> JsonObject:
    key = guest_keys.private_key(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Malformed("not an elliptic-curve key")
    jwk = _ec_numbers(key.public_key())
    _, width = _CURVES[str(jwk["crv"])]
    return {**jwk, "d": _fixed(key.private_numbers().private_value, width)}


def _ec_numbers(key: ec.EllipticCurvePublicKey) -> JsonObject:
    name = _NAMES.get(key.curve.name)
    if name is None:
        raise Malformed(f"Unknown curve {key.curve.name}")
    _, width = _CURVES[name]
    numbers = key.public_numbers()
    x, y = _fixed(numbers.x, width), _fixed(numbers.y, width)
    return {"kty": "EC", "crv": name, "x": x, "y": y}


def _ec_public_pem(jwk: Mapping[str, Json]) -> str:
    with _making("not a point on the curve"):
        return public_pem(_ec_public(jwk).public_key())


def _ec_private_pem(jwk: Mapping[str, Json]) -> str:
    numbers = ec.EllipticCurvePrivateNumbers(_number(jwk, "d"), _ec_public(jwk))
    with _making():
        return private_pem(numbers.private_key())


def _ec_public(jwk: Mapping[str, Json]) -> ec.EllipticCurvePublicNumbers:
    _expect_type(jwk, "EC")
    curve = _CURVES.get(_text(jwk, "crv"))
    if curve is None:
        raise Malformed(f"Unknown JWK curve {jwk['crv']}")
    return ec.EllipticCurvePublicNumbers(
        _number(jwk, "x"), _number(jwk, "y"), curve[0]()
    )


def _expect_ec(key: object) -> ec.EllipticCurvePublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Malformed("not an elliptic-curve key")
    return key


# RSA


def _rsa_public_jwk(pem: bytes) -> JsonObject:
    return _rsa_numbers(guest_keys.rsa_public_key(pem).public_numbers())


def _rsa_private_jwk(pem: bytes) -> JsonObject:
    numbers = guest_keys.rsa_private_key(pem).private_numbers()
    return {
        **_rsa_numbers(numbers.public_numbers),
        "d": _shortest(numbers.d),
        "p": _shortest(numbers.p),
        "q": _shortest(numbers.q),
        "dp": _shortest(numbers.dmp1),
        "dq": _shortest(numbers.dmq1),
        "qi": _shortest(numbers.iqmp),
    }


def _rsa_numbers(numbers: rsa.RSAPublicNumbers) -> JsonObject:
    return {"kty": "RSA", "n": _shortest(numbers.n), "e": _shortest(numbers.e)}


def _rsa_public_pem(jwk: Mapping[str, Json]) -> str:
    with _making():
        return public_pem(_rsa_public(jwk).public_key())


def _rsa_private_pem(jwk: Mapping[str, Json]) -> str:
    public = _rsa_public(jwk)
    numbers = rsa.RSAPrivateNumbers(
        p=_number(jwk, "p"),
        q=_number(jwk, "q"),
        d=_number(jwk, "d"),
        dmp1=_number(jwk, "dp"),
        dmq1=_number(jwk, "dq"),
        iqmp=_number(jwk, "qi"),
        public_numbers=public,
    )
    with _making():
        return private_pem(numbers.private_key())


def _rsa_public(jwk: Mapping[str, Json]) -> rsa.RSAPublicNumbers:
    _expect_type(jwk, "RSA")
    n = _number(jwk, "n")
    guest_keys.check_rsa_bits(n.bit_length())
    numbers = rsa.RSAPublicNumbers(_number(jwk, "e"), n)
    check_rsa_numbers(numbers)
    return numbers


# Curve25519


def _ed_public_jwk(pem: bytes) -> JsonObject:
    return _ed_point(_expect_ed(guest_keys.public_key(pem)))


def _ed_private_jwk(pem: bytes) -> JsonObject:
    key = guest_keys.private_key(pem)
    if not isinstance(key, EdPrivate):
        raise Malformed("not an Ed25519 or X25519 key")
    secret = encode_base64url(key.private_bytes_raw())
    return {**_ed_point(key.public_key()), "d": secret}


def _ed_point(key: EdPublic) -> JsonObject:
    is_signing = isinstance(key, ed25519.Ed25519PublicKey)
    curve = "Ed25519" if is_signing else "X25519"
    return {"kty": "OKP", "crv": curve, "x": encode_base64url(key.public_bytes_raw())}


def _ed_public_pem(jwk: Mapping[str, Json]) -> str:
    point = _bytes(jwk, "x")
    with _making():
        if _is_signing(jwk):
            return public_pem(ed25519.Ed25519PublicKey.from_public_bytes(point))
        return public_pem(x25519.X25519PublicKey.from_public_bytes(point))


def _ed_private_pem(jwk: Mapping[str, Json]) -> str:
    secret = _bytes(jwk, "d")
    with _making():
        if _is_signing(jwk):
            return private_pem(ed25519.Ed25519PrivateKey.from_private_bytes(secret))
        return private_pem(x25519.X25519PrivateKey.from_private_bytes(secret))


def _is_signing(jwk: Mapping[str, Json]) -> bool:
    _expect_type(jwk, "OKP")
    curve = _text(jwk, "crv")
    if curve not in {"Ed25519", "X25519"}:
        raise Malformed("a curve that is neither Ed25519 nor X25519")
    return curve == "Ed25519"


def _expect_ed(key: object) -> EdPublic:
    if not isinstance(key, EdPublic):
        raise Malformed("not an Ed25519 or X25519 key")
    return key


# Fields


@contextmanager
def _making(failure: str = "the numbers make no key") -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise Malformed(failure) from error


def _expect_type(jwk: Mapping[str, Json], kind: str) -> None:
    if jwk.get("kty") != kind:
        raise Malformed(f"a JWK of another type than {kind}")


def _text(jwk: Mapping[str, Json], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise Malformed(f"Missing required field '{name}' in object")
    return value


def _bytes(jwk: Mapping[str, Json], name: str) -> bytes:
    return decode_key_field(_text(jwk, name))


def _number(jwk: Mapping[str, Json], name: str) -> int:
    return int.from_bytes(_bytes(jwk, name), "big")


def _fixed(number: int, width: int) -> str:
    return encode_base64url(number.to_bytes(width, "big"))


def _shortest(number: int) -> str:
    return _fixed(number, (number.bit_length() + 7) // 8)


CONVERSIONS: Mapping[str, Conversion] = {
    "pub": Conversion(_ec_public_jwk, _ec_public_pem),
    "": Conversion(_ec_private_jwk, _ec_private_pem),
    "pubRsa": Conversion(_rsa_public_jwk, _rsa_public_pem),
    "rsa": Conversion(_rsa_private_jwk, _rsa_private_pem),
    "pubEddsa": Conversion(_ed_public_jwk, _ed_public_pem),
    "eddsa": Conversion(_ed_private_jwk, _ed_private_pem),
}
"""By what distinguishes the names of the functions: ``pubRsaPemToJwk``."""
