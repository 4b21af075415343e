import base64
from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.endpoints.auth.jwt import CHALLENGE, Jwt, JwtCaller, is_issuer_allowed
from ccfpy.endpoints.auth.policy import Unauthenticated
from ccfpy.service.tables import jwt
from ccfpy.service.tables.jwt import SigningKey
from tests.attacks import attack
from tests.unit.endpoints.auth.people import KEY, OTHER_KEY, certificate
from tests.unit.endpoints.world import NOW_S, StoreNode, context_of

ISSUER = "https://issuer.example"
SIGNING_KEY = SigningKey(public_key=KEY.public_key.der, issuer=ISSUER)
ENTRA = "https://login.microsoftonline.com"


def token(key: KeyPair = KEY, **changes: Json) -> str:
    header: Json = {"alg": "ES256", "kid": "k"}
    claims: dict[str, Json] = {"iss": ISSUER, "exp": NOW_S, **changes}
    parts = [encode_base64url(json.dumps(part)) for part in (header, claims)]
    signed = ".".join(parts)
    return f"{signed}.{encode_base64url(key.sign_raw(signed.encode()))}"


def _node(*keys: SigningKey) -> StoreNode:
    node = StoreNode()
    tx = node.begin(read_only=False)
    jwt.SIGNING_KEYS.of(tx).put("k", keys)
    node.commit(tx, None)
    return node


def _authenticate(node: StoreNode, header: str | None) -> JwtCaller:
    headers = {} if header is None else {"authorization": header}
    return Jwt().authenticate(context_of(node, headers=headers))


def _refusal(node: StoreNode, header: str | None) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        _authenticate(node, header)
    assert refusal.value.challenge == CHALLENGE
    return str(refusal.value)


def test_a_token_in_date_from_a_known_key_is_accepted() -> None:
    caller = _authenticate(_node(SIGNING_KEY), f"Bearer {token(nbf=NOW_S, sub='me')}")
    assert caller.key_issuer == ISSUER
    assert caller.header == {"alg": "ES256", "kid": "k"}
    assert caller.payload["sub"] == "me"
    assert caller.policy == "jwt"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing authorization header"),
        ("Bearer", "Authorization header only contains one field"),
        ("Basic abc", "Authorization header does not have Bearer scheme"),
        ("Bearer a.b", "Malformed JWT: must contain exactly 3 parts"),
        (
            f"Bearer {token(nbf=NOW_S + 1)}",
            (
                f"Current time {NOW_S} is before token's Not Before (nbf) claim "
                f"{NOW_S + 1}"
            ),
        ),
        (
            f"Bearer {token(exp=NOW_S - 1)}",
            (
                f"Current time {NOW_S} is after token's Expiration Time (exp) claim "
                f"{NOW_S - 1}"
            ),
        ),
        (f"Bearer {token()[:-4]}AAAA", "Signature verification failed"),
    ],
)
def test_a_bad_token_is_refused_with_the_reason(
    header: str | None, message: str
) -> None:
    assert _refusal(_node(SIGNING_KEY), header) == message


def test_a_key_that_nobody_registered_is_not_found() -> None:
    for node in (StoreNode(), _node()):
        assert _refusal(node, f"Bearer {token()}") == (
            "JWT signing key not found for kid k"
        )


def test_a_key_that_signs_no_tokens_accepts_none() -> None:
    node = _node(replace(SIGNING_KEY, public_key=OTHER_KEY.public_key.der))
    assert _refusal(node, f"Bearer {token()}") == "Signature verification failed"


@attack("jwt: another issuer's key of the same id")
def test_the_key_that_holds_decides_who_vouched() -> None:
    strange = SigningKey(public_key=OTHER_KEY.public_key.der, issuer="strange")
    bound = replace(SIGNING_KEY, issuer="bound", constraint="https://elsewhere")
    node = _node(strange, bound, SIGNING_KEY)
    assert _authenticate(node, f"Bearer {token()}").key_issuer == ISSUER
    assert _refusal(_node(strange, bound), f"Bearer {token()}") == (
        "Kid k failed issuer constraint validation https://elsewhere"
    )


@attack("jwt: a member twice")
def test_of_a_member_twice_the_last_counts_for_all() -> None:
    """For our checks and for the application; RFC 7515 lets that be or a refusal."""
    header = encode_base64url(b'{"alg":"none","kid":"x","kid":"k","alg":"ES256"}')
    claims = b'{"iss":"%b","exp":1,"sub":"a","exp":%d,"sub":"b"}'
    said = encode_base64url(claims % (ISSUER.encode(), NOW_S))
    signature = encode_base64url(KEY.sign_raw(f"{header}.{said}".encode()))
    caller = _authenticate(_node(SIGNING_KEY), f"Bearer {header}.{said}.{signature}")
    assert caller.payload == {"iss": ISSUER, "exp": NOW_S, "sub": "b"}
    assert caller.header == {"alg": "ES256", "kid": "k"}


@attack("jwt: another tenant")
@pytest.mark.parametrize(
    ("issuer", "tenant", "constraint", "is_allowed"),
    [
        (ISSUER, None, ISSUER, True),
        (ISSUER, "t", ISSUER, False),
        ("https://other", None, ISSUER, False),
        (f"{ENTRA}/t/v2.0", "t", f"{ENTRA}/{{tenantid}}/v2.0", True),
        (f"{ENTRA}/t/v2.0", "t", f"{ENTRA}/t/v2.0", True),
        (f"{ENTRA}/t/v2.0", "u", f"{ENTRA}/{{tenantid}}/v2.0", False),
        (f"{ENTRA}/t/v2.0", "u", f"{ENTRA}/t/v2.0", False),
        (f"{ENTRA}/t/v2.0", None, f"{ENTRA}/t/v2.0", False),
        (f"{ENTRA}", "", f"{ENTRA}", False),
        ("https://[", None, "https://[", True),
    ],
)
def test_a_keys_constraint_binds_its_tokens_issuer(
    issuer: str, tenant: str | None, constraint: str, is_allowed: bool
) -> None:
    assert is_issuer_allowed(issuer, tenant, constraint) is is_allowed


def _legacy(metadata: Json) -> StoreNode:
    node = StoreNode()
    tx = node.begin(read_only=False)
    jwt.LEGACY_METADATA.of(tx).put("k", metadata)
    node.commit(tx, None)
    return node


def test_keys_of_an_earlier_release_still_hold() -> None:
    cert = base64.b64encode(certificate().der).decode()
    plain: Json = {"cert": cert, "issuer": ISSUER}
    assert _authenticate(_legacy([plain]), f"Bearer {token()}").key_issuer == ISSUER
    bound: Json = {"cert": cert, "issuer": ISSUER, "constraint": "x"}
    assert _refusal(_legacy([bound]), f"Bearer {token()}") == (
        "Kid k failed issuer constraint validation x"
    )


@pytest.mark.parametrize("item", ["text", {"issuer": ISSUER}, {"cert": "AAAA"}])
def test_a_broken_legacy_key_refuses_and_stops_nothing(item: Json) -> None:
    assert _refusal(_legacy([item]), f"Bearer {token()}")


def test_keys_of_the_earliest_release_still_hold() -> None:
    node = _legacy([])
    tx = node.begin(read_only=False)
    jwt.LEGACY_KEYS.of(tx).put("k", certificate().der)
    node.commit(tx, None)
    assert _refusal(node, f"Bearer {token()}") == (
        "JWT signing key fallback issuers not found for kid k"
    )
    tx = node.begin(read_only=False)
    jwt.LEGACY_KEY_ISSUER.of(tx).put("k", ISSUER)
    node.commit(tx, None)
    assert _authenticate(node, f"Bearer {token()}").key_issuer == ISSUER
