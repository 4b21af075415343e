"""Keys between PEM and JSON Web Keys; the expected JWKs are of RFC 7517, 8037."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.base.limits import GUEST_RSA_BITS_MAX
from ccfpy.crypto import guest_keys
from ccfpy.crypto.ec import Curve
from ccfpy.crypto.guest_jwk import CONVERSIONS
from ccfpy.crypto.guest_keys import PemPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.testing.entropy import SeededEntropy


def entropy() -> SeededEntropy:
    return SeededEntropy(b"jwk")


PAIRS: Mapping[str, PemPair] = {
    "P-256": guest_keys.ec_pair(entropy(), Curve.SECP256R1),
    "P-384": guest_keys.ec_pair(entropy(), Curve.SECP384R1),
    "RSA": guest_keys.rsa_pair(entropy(), 1024),
    "Ed25519": guest_keys.ed25519_pair(entropy()),
    "X25519": guest_keys.x25519_pair(entropy()),
}
KINDS = {
    "P-256": ("pub", ""),
    "P-384": ("pub", ""),
    "RSA": ("pubRsa", "rsa"),
    "Ed25519": ("pubEddsa", "eddsa"),
    "X25519": ("pubEddsa", "eddsa"),
}
FIELDS = {
    "pub": {"kty", "crv", "x", "y"},
    "": {"kty", "crv", "x", "y", "d"},
    "pubRsa": {"kty", "n", "e"},
    "rsa": {"kty", "n", "e", "d", "p", "q", "dp", "dq", "qi"},
    "pubEddsa": {"kty", "crv", "x"},
    "eddsa": {"kty", "crv", "x", "d"},
}
RFC_7517_EC: Mapping[str, Json] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
}
RFC_8037: Mapping[str, Json] = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_key_comes_back_from_its_other_form(name: str) -> None:
    public, private = KINDS[name]
    for kind, pem in ((public, PAIRS[name].public), (private, PAIRS[name].private)):
        jwk = CONVERSIONS[kind].to_jwk(pem.encode())
        assert jwk.keys() == FIELDS[kind]
        assert CONVERSIONS[kind].to_pem(jwk) == pem


@pytest.mark.parametrize(("kind", "jwk"), [("", RFC_7517_EC), ("eddsa", RFC_8037)])
def test_published_keys_are_read_and_written(
    kind: str, jwk: Mapping[str, Json]
) -> None:
    pem = CONVERSIONS[kind].to_pem(jwk)
    assert CONVERSIONS[kind].to_jwk(pem.encode()) == jwk


@pytest.mark.parametrize("kind", CONVERSIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_a_key_of_another_kind_is_refused(kind: str, name: str) -> None:
    for index, pem in enumerate((PAIRS[name].public, PAIRS[name].private)):
        if KINDS[name][index] != kind:
            with pytest.raises(Malformed):
                CONVERSIONS[kind].to_jwk(pem.encode())


def test_a_curve_that_jwks_here_have_not_is_refused() -> None:
    pair = guest_keys.ec_pair(entropy(), Curve.SECP521R1)
    with pytest.raises(Malformed, match="Unknown curve secp521r1"):
        CONVERSIONS["pub"].to_jwk(pair.public.encode())
    with pytest.raises(Malformed, match="Unknown JWK curve P-521"):
        CONVERSIONS[""].to_pem({**RFC_7517_EC, "crv": "P-521"})


@pytest.mark.parametrize("name", PAIRS)
def test_a_field_that_is_missing_or_wrong_is_refused(name: str) -> None:
    for index, kind in enumerate(KINDS[name]):
        pem = PAIRS[name][1 - index].encode()
        jwk = CONVERSIONS[kind].to_jwk(pem)
        for field in jwk.keys() - ({"x"} if kind == "eddsa" else set()):
            for wrong in ({**jwk, field: None}, {**jwk, field: "*"}):
                with pytest.raises(Malformed):
                    CONVERSIONS[kind].to_pem(wrong)


def test_numbers_that_make_no_key_are_refused() -> None:
    other = CONVERSIONS[""].to_jwk(PAIRS["P-256"].private.encode())
    with pytest.raises(Malformed, match="make no key"):
        CONVERSIONS[""].to_pem({**RFC_7517_EC, "d": other["d"]})
    with pytest.raises(Malformed, match="not a point"):
        CONVERSIONS["pub"].to_pem({**RFC_7517_EC, "y": other["y"]})
    short = encode_base64url(b"short")
    for kind, field in (("pubEddsa", "x"), ("eddsa", "d")):
        for curve in ("Ed25519", "X25519"):
            with pytest.raises(Malformed, match="make no key"):
                CONVERSIONS[kind].to_pem({**RFC_8037, "crv": curve, field: short})
    rsa = CONVERSIONS["rsa"].to_jwk(PAIRS["RSA"].private.encode())
    with pytest.raises(Malformed, match="make no key"):
        CONVERSIONS["rsa"].to_pem({**rsa, "p": rsa["q"]})
    with pytest.raises(Malformed, match="make no key"):
        CONVERSIONS["pubRsa"].to_pem({**rsa, "e": encode_base64url(b"\2")})


def test_an_rsa_key_too_large_is_refused_before_it_is_made() -> None:
    huge = encode_base64url(((1 << GUEST_RSA_BITS_MAX) + 1).to_bytes(600, "big"))
    with pytest.raises(Malformed, match="bits"):
        CONVERSIONS["pubRsa"].to_pem({"kty": "RSA", "n": huge, "e": "AQAB"})


@given(
    st.sampled_from(sorted(CONVERSIONS)),
    st.dictionaries(
        st.sampled_from(sorted(FIELDS["rsa"] | FIELDS["eddsa"] | {"y"})),
        st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "AQAB", "", None]),
    ),
)
def test_whatever_the_fields_nothing_else_is_raised(
    kind: str, jwk: dict[str, Json]
) -> None:
    with suppress(Malformed):
        CONVERSIONS[kind].to_pem(jwk)
