"""Issuers' keys are taken from key sets, shared, replaced and removed."""

import base64
from collections.abc import Mapping

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json
from ccfpy.base.limits import RSA_BITS_MAX
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url, public_key_der
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.service import jwt_keys
from ccfpy.service.jwt_keys import is_allowed_constraint, key_set, set_keys
from ccfpy.service.records import Refused
from ccfpy.service.tables import jwt
from ccfpy.service.tables.jwt import SigningKey
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.service.conftest import Person

ISSUER = "https://login.example.com/tenant"
OTHER = "https://other.org"


def ec_key(kid: str, **more: Json) -> dict[str, Json]:
    pair = KeyPair.generate(SeededEntropy(kid.encode()), Curve.SECP256R1)
    x, y = (
        encode_base64url(number.to_bytes(32, "big"))
        for number in pair.public_key.coordinates
    )
    return {"kty": "EC", "kid": kid, "crv": "P-256", "x": x, "y": y, **more}


RSA_KEY: dict[str, Json] = {
    "kty": "RSA",
    "kid": "rsa",
    "n": encode_base64url((2**2047 + 1).to_bytes(256, "big")),
    "e": "AQAB",
}


def publish(tx: Tx, *keys: Mapping[str, Json], issuer: str = ISSUER) -> None:
    set_keys(tx, issuer, key_set({"keys": [dict(key) for key in keys]}))


def held(tx: Tx) -> dict[str, list[str]]:
    return {
        kid: [key.issuer for key in shared]
        for kid, shared in jwt.SIGNING_KEYS.of(tx).items()
    }


def test_keys_are_taken_from_their_numbers(tx: Tx) -> None:
    publish(tx, ec_key("ec"), RSA_KEY)
    keys = jwt.SIGNING_KEYS.of(tx)
    expected = SigningKey(public_key=public_key_der(ec_key("ec")), issuer=ISSUER)
    assert keys.get("ec") == (expected,)
    assert held(tx) == {"ec": [ISSUER], "rsa": [ISSUER]}


def test_a_certificate_gives_its_key(tx: Tx, people: tuple[Person, ...]) -> None:
    certificate = Certificate.from_pem(people[0].certificate)
    encoded = base64.b64encode(certificate.der).decode()
    publish(tx, {"kty": "RSA", "kid": "k", "x5c": [encoded]})
    shared = jwt.SIGNING_KEYS.of(tx).get("k")
    assert shared is not None
    assert shared[0].public_key == certificate.public_key_der


def test_numbers_are_preferred_to_certificates(tx: Tx) -> None:
    publish(tx, ec_key("k", x5c=["not even base64"]))
    assert held(tx) == {"k": [ISSUER]}


def test_issuers_share_a_key_until_the_last_leaves(tx: Tx) -> None:
    publish(tx, ec_key("k"))
    publish(tx, ec_key("k"), issuer=OTHER)
    assert held(tx) == {"k": [ISSUER, OTHER]}
    jwt_keys.remove_keys(tx, ISSUER)
    assert held(tx) == {"k": [OTHER]}
    jwt_keys.remove_keys(tx, OTHER)
    assert held(tx) == {}


def test_a_new_set_replaces_the_issuers_old_one_alone(tx: Tx) -> None:
    publish(tx, ec_key("a"), ec_key("b"))
    publish(tx, ec_key("b"), issuer=OTHER)
    publish(tx, ec_key("c"))
    assert held(tx) == {"b": [OTHER], "c": [ISSUER]}


def test_a_changed_key_takes_the_place_of_the_old(tx: Tx) -> None:
    publish(tx, ec_key("k"))
    publish(tx, ec_key("k"), issuer=OTHER)
    publish(tx, {**ec_key("different"), "kid": "k"})
    shared = jwt.SIGNING_KEYS.of(tx).get("k")
    assert shared is not None
    assert [key.issuer for key in shared] == [ISSUER, OTHER]
    assert shared[0].public_key == public_key_der(ec_key("different"))


def test_an_unchanged_key_is_not_written_again(store: Store) -> None:
    tx = store.begin()
    publish(tx, ec_key("k"))
    store.commit(tx)
    tx = store.begin()
    publish(tx, ec_key("k"), ec_key("k"))
    assert not tx.writes


def test_a_constraint_is_kept_with_its_key(tx: Tx) -> None:
    publish(tx, ec_key("k", issuer="https://example.com/{tenantid}"))
    shared = jwt.SIGNING_KEYS.of(tx).get("k")
    assert shared is not None
    assert shared[0].constraint == "https://example.com/{tenantid}"


@attack("jwt: an issuer that speaks for another")
@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        ("https://login.example.com/x", True),
        ("https://example.com", True),
        ("https://example.com:8443/x", True),
        ("https://ample.com", False),
        ("https://evil.login.example.com", False),
        ("login.example.com", False),
        ("", False),
    ],
)
def test_a_constraint_is_on_the_issuers_domain_or_a_parent(
    constraint: str, allowed: bool
) -> None:
    assert is_allowed_constraint(ISSUER, constraint) is allowed


def test_a_port_or_an_ipv6_address_does_not_confuse_domains() -> None:
    assert is_allowed_constraint("https://[::1]:80/a", "https://[::1]/b")
    assert not is_allowed_constraint("https://[::1]:80/a", "https://[::2]/b")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"kty": "EC"}, "Missing kid for JWT signing key"),
        ({"kty": "EC", "kid": "k"}, "JWKS kid k has neither RSA/EC public key or x5c"),
        (
            {"kty": "EC", "kid": "k", "x5c": ["!"]},
            "Could not parse x5c of key id k: ",
        ),
        (
            {"kty": "EC", "kid": "k", "x5c": ["AAAA"]},
            "JWKS kid k has an invalid X.509 certificate: ",
        ),
        (
            {"kty": "RSA", "kid": "k", "n": "AQ", "e": "AQAB"},
            "Failed to construct RSA public key: ",
        ),
        (
            {"kty": "EC", "kid": "k", "crv": "P-256", "x": "AQ", "y": "AQ"},
            "Failed to construct EC public key: ",
        ),
        (
            ec_key("k", issuer=OTHER),
            (
                f"JWKS kid k with issuer constraint {OTHER} fails validation against "
                f"issuer {ISSUER}"
            ),
        ),
        (
            ec_key("k", issuer=""),
            (
                "JWKS kid k with issuer constraint  fails validation against issuer "
                f"{ISSUER}"
            ),
        ),
    ],
)
def test_a_key_that_cannot_be_used_changes_nothing(
    tx: Tx, key: dict[str, Json], message: str
) -> None:
    with pytest.raises(Refused) as refused:
        publish(tx, ec_key("good"), key)
    assert str(refused.value).startswith(message)
    assert held(tx) == {}


@attack("jwt: a private key in a key set")
@pytest.mark.parametrize("key", [ec_key("private", d="AA"), RSA_KEY | {"d": "AA"}])
def test_a_private_key_in_a_key_set(tx: Tx, key: dict[str, Json]) -> None:
    publish(tx, ec_key("before"))
    with pytest.raises(Refused, match=f"JWKS kid {key['kid']} is a private key"):
        publish(tx, ec_key("good"), key)
    assert held(tx) == {"before": [ISSUER]}


def rsa_key(bits: int) -> dict[str, Json]:
    return RSA_KEY | {"n": encode_base64url((2**bits - 1).to_bytes(bits // 8, "big"))}


@attack("jwt: an oversized or tiny key")
@pytest.mark.parametrize("bits", [512, 1024, 2040, RSA_BITS_MAX + 8, 65_536])
def test_an_oversized_or_tiny_key(tx: Tx, bits: int) -> None:
    with pytest.raises(Refused, match=f"an RSA key of {bits} bits is out of range"):
        publish(tx, rsa_key(bits))
    for at_the_edge in (2048, RSA_BITS_MAX):
        publish(tx, rsa_key(at_the_edge))
    assert held(tx) == {"rsa": [ISSUER]}


def test_an_empty_set_is_refused(tx: Tx) -> None:
    with pytest.raises(Refused, match="JWKS has no keys"):
        publish(tx)


@pytest.mark.parametrize(
    "jwks",
    [
        {},
        {"keys": 1},
        {"keys": [1]},
        {"keys": [{}]},
        {"keys": [ec_key("k", kty="oct")]},
        {"keys": [ec_key("k", kty="ec")]},
    ],
)
def test_what_is_no_key_set_is_malformed(jwks: dict[str, Json]) -> None:
    with pytest.raises(Malformed):
        key_set(jwks)


def test_metadata_must_have_the_form_of_its_table() -> None:
    jwt_keys.check_metadata({"issuer": ISSUER, "auto_refresh": True})
    with pytest.raises(Malformed):
        jwt_keys.check_metadata({"auto_refresh": 1})


def test_older_tables_are_cleared_of_the_issuer_too(tx: Tx) -> None:
    jwt.LEGACY_KEYS.of(tx).put("k", b"DER")
    jwt.LEGACY_KEY_ISSUER.of(tx).put("k", ISSUER)
    jwt.LEGACY_KEY_ISSUER.of(tx).put("other", OTHER)
    metadata = jwt.LEGACY_METADATA.of(tx)
    mine: Json = {"issuer": ISSUER, "cert": ""}
    theirs: Json = {"issuer": OTHER, "cert": ""}
    metadata.put("shared", [mine, theirs])
    metadata.put("mine", [mine])
    metadata.put("theirs", [theirs])
    metadata.put("odd", "text")
    jwt_keys.remove_keys(tx, ISSUER)
    assert not list(jwt.LEGACY_KEYS.of(tx).keys())
    assert dict(jwt.LEGACY_KEY_ISSUER.of(tx).items()) == {"other": OTHER}
    assert dict(metadata.items()) == {
        "shared": [theirs],
        "theirs": [theirs],
        "odd": "text",
    }
