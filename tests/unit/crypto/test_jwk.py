"""Public keys as JSON Web Keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.ec import Curve, KeyPair, PublicKey
from ccfpy.crypto.jwk import (
    decode_base64url,
    decode_key_field,
    encode_base64url,
    public_key_der,
)
from ccfpy.crypto.jwt import TokenKey
from ccfpy.crypto.rsa import RsaKeyPair, RsaPublicKey

NAMES = {
    Curve.SECP256R1: "P-256",
    Curve.SECP384R1: "P-384",
    Curve.SECP521R1: "P-521",
}
RFC_7515: JsonObject = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
"""The key of appendix A.3."""


def number(value: int) -> str:
    return encode_base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@pytest.mark.slow
@given(st.binary(max_size=40))
def test_base64url_is_read_as_it_is_written(data: bytes) -> None:
    text = encode_base64url(data)
    assert decode_base64url(text) == data
    assert not set("+/=") & set(text)


@pytest.mark.parametrize(
    "text", ["A", "AB", "AA==", "AA=", "A A", "AA\n", "+A", "/A", "é", "AAAAA"]
)
def test_only_one_text_stands_for_a_value(text: str) -> None:
    """``AB`` would decode to the byte of ``AA``, whose spare bits are zero."""
    with pytest.raises(Malformed, match="base64url"):
        decode_base64url(text)


@pytest.mark.parametrize("text", ["-_8", "-_8=", "+/8", "+/8=", "+_9"])
def test_a_field_of_a_key_may_be_written_in_many_ways(text: str) -> None:
    assert decode_key_field(text) == b"\xfb\xff"


@pytest.mark.parametrize("text", ["A", "A A=", "é", "AA\n", "=A"])
def test_a_field_of_a_key_is_base64_at_least(text: str) -> None:
    with pytest.raises(Malformed, match="base64url"):
        decode_key_field(text)


def test_an_elliptic_curve_key_is_built_from_its_point(key: KeyPair) -> None:
    public = key.public_key
    x, y = public.coordinates
    jwk: JsonObject = {"crv": NAMES[public.curve], "x": number(x), "y": number(y)}
    assert public_key_der(jwk) == public.der


def test_an_rsa_key_is_built_from_its_numbers(rsa_key: RsaKeyPair) -> None:
    numbers = rsa_key.public_key.library_key.public_numbers()
    der = public_key_der({"n": number(numbers.n), "e": number(numbers.e)})
    TokenKey.from_der(der)
    pem = rsa_key.public_key.pem
    assert RsaPublicKey.from_pem(pem).pem == pem
    assert encode_base64url(der)[:100] in pem.replace("\n", "").replace(
        "+", "-"
    ).replace("/", "_")


def test_the_key_of_rfc_7515_is_on_its_curve() -> None:
    assert PublicKey.from_der(public_key_der(RFC_7515)).curve is Curve.SECP256R1


@pytest.mark.parametrize(
    "changes",
    [
        {"crv": "P-257"},
        {"crv": None},
        {"crv": ["P-256"]},
        {"x": "AA"},
        {"x": 7},
        {"y": None},
        {"x": RFC_7515["y"], "y": RFC_7515["x"]},
        {"x": "not base64url!"},
    ],
)
def test_what_makes_no_elliptic_curve_key_is_malformed(changes: JsonObject) -> None:
    with pytest.raises(Malformed):
        public_key_der(RFC_7515 | changes)


@pytest.mark.parametrize(
    ("bits", "e"),
    [
        (1024, 65537),
        (8193, 65537),
        (2048, (1 << 64) + 1),
        (2048, 1),
        (2048, 65536),
        (1, 65537),
    ],
)
def test_what_makes_no_rsa_key_is_malformed(bits: int, e: int) -> None:
    with pytest.raises(Malformed):
        public_key_der({"n": number(1 << (bits - 1) | 1), "e": number(e)})


@pytest.mark.parametrize("jwk", [{}, {"n": "AQAB"}, {"kty": "oct", "k": "AQAB"}])
def test_a_jwk_without_a_public_key_is_malformed(jwk: dict[str, Json]) -> None:
    with pytest.raises(Malformed, match="without the numbers"):
        public_key_der(jwk)
