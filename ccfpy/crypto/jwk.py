"""Public keys as JSON Web Keys (RFC 7517), as token issuers publish them."""

import base64
import binascii
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import rsa

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.crypto.ec import Curve, PublicKey
from ccfpy.crypto.encodings import check_rsa_numbers, public_der

_CURVES = {
    "P-256": Curve.SECP256R1,
    "P-384": Curve.SECP384R1,
    "P-521": Curve.SECP521R1,
}
RSA_BITS_MIN = 2048
"""Beyond it a verification takes long enough to be an attack."""


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding, strictly: one text for one value.

    Raises:
        Malformed: it is not that.
    """
    data = decode_key_field(text)
    if encode_base64url(data) != text:
        raise Malformed(f"not canonical base64url: {text[:80]!r}")
    return data


def decode_key_field(text: str) -> bytes:
    """Decode a number or point of a JWK, in either alphabet, padded or not.

    Issuers publish keys in all of these ways and CCF reads them all; nothing rests on
    there being one text for one key.

    Raises:
        Malformed: it is none of them.
    """
    bare = text.replace("+", "-").replace("/", "_").rstrip("=")
    try:
        return base64.b64decode(
            bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"not base64url: {text[:80]!r}") from error


def encode_base64url(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_key_der(jwk: Mapping[str, Json]) -> bytes:
    """Return the public key that a JWK's numbers make, as DER SubjectPublicKeyInfo.

    An RSA key has ``n`` and ``e``, an elliptic-curve key ``x``, ``y`` and ``crv``.

    Raises:
        Malformed: it has neither, or they make no acceptable key.
    """
    if "n" in jwk and "e" in jwk:
        return _rsa(_number(jwk, "n"), _number(jwk, "e"))
    if "x" in jwk and "y" in jwk:
        curve = _CURVES.get(str(jwk.get("crv")))
        if curve is None:
            raise Malformed(f"unsupported curve {jwk.get('crv')!r}")
        x, y = _number(jwk, "x"), _number(jwk, "y")
        return PublicKey.from_coordinates(curve, x, y).der
    raise Malformed("a JWK without the numbers of a public key")


def _rsa(n: int, e: int) -> bytes:
    if n.bit_length() < RSA_BITS_MIN:
        raise Malformed(f"an RSA key of {n.bit_length()} bits is out of range")
    numbers = rsa.RSAPublicNumbers(e, n)
    check_rsa_numbers(numbers)
    try:
        key = numbers.public_key()
    except ValueError as error:
        raise Malformed(f"not an RSA key: {error}") from error
    return public_der(key)


def _number(jwk: Mapping[str, Json], name: str) -> int:
    value = jwk[name]
    if not isinstance(value, str):
        raise Malformed(f"expected text as {name}, found {value!r}")
    return int.from_bytes(decode_key_field(value), "big")
