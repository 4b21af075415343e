"""Keys as COSE and JSON write them."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from apps.scitt.cose_key import CoseKey, ServiceKey
from ccfpy.app import Malformed, encode_cbor, sha256, sha256_hex
from tests.apps.scitt_kit import key_for

X, Y = bytes(31) + b"\1", bytes(31) + b"\2"


def _ec(name: str) -> ec.EllipticCurvePublicKey:
    key = key_for(name).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


@pytest.mark.parametrize(("name", "curve"), [("ES256", 1), ("ES384", 2), ("ES512", 3)])
def test_a_key_of_elliptic_curves_is_made(name: str, curve: int) -> None:
    key = _ec(name)
    point, width = key.public_numbers(), (key.key_size + 7) // 8
    x, y = (each.to_bytes(width, "big") for each in (point.x, point.y))
    parsed = CoseKey.parse({1: 2, -1: curve, -2: x, -3: y, 4: "ignored"})

    assert parsed.key() == key
    assert parsed.thumbprint == sha256(encode_cbor({1: 2, -1: curve, -2: x, -3: y}))


def test_a_key_of_rsa_is_made() -> None:
    key = key_for("PS256").public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    n, e = key.public_numbers().n.to_bytes(256, "big"), b"\1\0\1"
    parsed = CoseKey.parse({1: 3, -1: n, -2: e})

    assert parsed.key() == key
    assert parsed.thumbprint == sha256(encode_cbor({1: 3, -1: n, -2: e}))


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {1: 1, -1: 6, -2: X},
        {1: 2, -1: 1, -2: X},
        {1: 2, -1: b"1", -2: X, -3: Y},
        {1: 2, -1: 1, -2: b"", -3: Y},
        {1: 2, -1: 1, -2: X, -3: True},
        {1: 3, -1: 1, -2: X},
        {1: 3, -1: b"", -2: X},
        {1: True, -1: 1, -2: X, -3: Y},
    ],
)
def test_what_is_no_key_is_refused(parts: dict[int | str, Any]) -> None:
    with pytest.raises(Malformed):
        CoseKey.parse(parts)


@pytest.mark.parametrize(
    "parts",
    [
        {1: 2, -1: 1, -2: X, -3: Y},
        {1: 2, -1: 8, -2: X, -3: Y},
        {1: 3, -1: b"\3", -2: b"\2"},
    ],
)
def test_parts_that_make_no_key_are_refused(parts: dict[int | str, Any]) -> None:
    with pytest.raises(Malformed):
        CoseKey.parse(parts).key()


@pytest.mark.parametrize("name", ["ES256", "ES384", "ES512"])
def test_a_key_of_the_service_is_written_in_both_forms(name: str) -> None:
    key = _ec(name)
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    written = ServiceKey.of(der)

    assert written.kid == sha256_hex(der)
    assert written.to_cose()[2] == written.kid.encode()
    assert CoseKey.parse(written.to_cose()).key() == key
    jwk = written.to_jwk()
    assert (jwk["kty"], jwk["kid"]) == ("EC", written.kid)
    assert jwk["crv"] == {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[name]
