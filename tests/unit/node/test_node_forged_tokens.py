"""Forged tokens, as a table: an issuer's signature is worth what it was made for."""

from collections.abc import Callable

import pytest

from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.boundary.effects import OpenCall
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.endpoints.auth import POLICIES
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.replies import json_reply
from ccfpy.http.messages import Response
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp

NOW_S = START_UNIX_US // 1_000_000
ISSUER = "https://issuer.example"
MALLORY_KEY = KeyPair.generate(SeededEntropy(b"mallory"), Curve.SECP256R1)
ISSUER_KEY = KeyPair.generate(SeededEntropy(b"issuer"), Curve.SECP256R1)


class TokenApp(NotesApp):
    """Notes, and a door that only tokens open."""

    def registry(self) -> Registry:
        registry = super().registry()
        registry.add(
            Endpoint(
                method="GET",
                path="/door",
                handler=_open_door,
                auth=(POLICIES["jwt"],),
            )
        )
        return registry


def _open_door(_: Context) -> Response:
    return json_reply("come in")


@pytest.fixture(scope="module")
def guarded(members: tuple[Person, ...]) -> InProcessNode:
    """A node that trusts one issuer with one key."""
    node = InProcessNode(TokenApp(), constitution=CONSTITUTION, members=members)
    node.open_service()
    x, y = (
        encode_base64url(number.to_bytes(32, "big"))
        for number in ISSUER_KEY.public_key.coordinates
    )
    key: dict[str, Json] = {"kid": "k", "kty": "EC", "crv": "P-256", "x": x, "y": y}
    key["issuer"] = ISSUER
    args: Json = {"issuer": ISSUER, "jwks": {"keys": [key]}}
    decided = node.propose({"name": "set_jwt_issuer", "args": args})
    assert b"Accepted" in decided.body
    return node


def token(
    header: dict[str, Json] | None = None,
    claims: dict[str, Json] | None = None,
    *,
    sign: Callable[[bytes], bytes] = ISSUER_KEY.sign_raw,
) -> str:
    """Make a token: a good one but for what is given."""
    parts = (
        {"alg": "ES256", "kid": "k", **(header or {})},
        {"iss": ISSUER, "exp": NOW_S + 3600, **(claims or {})},
    )
    signed_part = ".".join(encode_base64url(json.dumps(part)) for part in parts)
    return f"{signed_part}.{encode_base64url(sign(signed_part.encode()))}"


def token_of(header: bytes, claims: bytes) -> str:
    """Sign what no writer of JSON would write."""
    signed_part = f"{encode_base64url(header)}.{encode_base64url(claims)}"
    signature = ISSUER_KEY.sign_raw(signed_part.encode())
    return f"{signed_part}.{encode_base64url(signature)}"


HEADER = b'{"alg":"ES256","kid":"k"}'
CLAIMS = json.dumps({"iss": ISSUER, "exp": NOW_S + 3600})
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256."""


def with_numbers(r: int | None, s: int | None) -> str:
    """Make a good token, and put other numbers in its signature."""

    def sign(data: bytes) -> bytes:
        good = ISSUER_KEY.sign_raw(data)
        halves = good[:32], good[32:]
        return b"".join(
            half if number is None else number.to_bytes(32, "big")
            for half, number in zip(halves, (r, s), strict=True)
        )

    return token(sign=sign)


def _in_two_parts(text: str) -> str:
    return text.rpartition(".")[0]


TOKENS = {
    "no algorithm": token({"alg": "none"}, sign=lambda _: b""),
    "a secret's algorithm": token({"alg": "HS256"}),
    "another key's algorithm": token({"alg": "RS256"}),
    "an unknown key": token({"kid": "other"}),
    "a key of its own": token({"jwk": {"kty": "EC"}}, sign=MALLORY_KEY.sign_raw),
    "a demand to be understood": token({"crit": ["b64"], "b64": False}),
    "out of date": token(claims={"exp": NOW_S - 1}),
    "not yet valid": token(claims={"nbf": NOW_S + 3600}),
    "another issuer": token(claims={"iss": f"{ISSUER}.evil"}),
    "a tenant where there are none": token(claims={"tid": "t"}),
    "a time that is no number": token(claims={"exp": "never"}),
    "an algorithm said twice": token_of(
        b'{"alg":"ES256","kid":"k","alg":"none"}', CLAIMS
    ),
    "a key id said twice": token_of(b'{"alg":"ES256","kid":"k","kid":"other"}', CLAIMS),
    "an expiry said twice": token_of(HEADER, CLAIMS[:-1] + b',"exp":1}'),
    "an issuer said twice": token_of(HEADER, CLAIMS[:-1] + b',"iss":"https://evil"}'),
    "no key id": token_of(b'{"alg":"ES256"}', CLAIMS),
    "no expiry": token_of(HEADER, json.dumps({"iss": ISSUER})),
    "no issuer": token_of(HEADER, json.dumps({"exp": NOW_S + 3600})),
    "r of zero": with_numbers(0, None),
    "s of zero": with_numbers(None, 0),
    "r of the order": with_numbers(ORDER, None),
    "s of the order": with_numbers(None, ORDER),
    "numbers beyond the order": with_numbers(2**256 - 1, 2**256 - 1),
    "a signature of one byte more": token(
        sign=lambda data: ISSUER_KEY.sign_raw(data) + b"\0"
    ),
    "a signature in DER": token(sign=ISSUER_KEY.sign),
    "a signature of zeros": token(sign=lambda _: bytes(64)),
    "no signature": token(sign=lambda _: b""),
    "two parts": _in_two_parts(token()),
    "four parts": token() + ".",
    "padding": token() + "=",
    "a space": token().replace(".", ". ", 1),
    "other last bits": token()[:-1] + chr(ord(token()[-1]) + 1),
    "nesting": _in_two_parts(
        encode_base64url(b'{"alg":"ES256","a":' + b"[" * 500 + b"]" * 500 + b"}")
        + ".e30.AA"
    )
    + ".AA",
}


@attack("jwt: nesting without end", "nesting")
@attack("jwt: another tenant", "a tenant where there are none")
@attack("jwt: another issuer's key of the same id", "another issuer")
@attack(
    "jwt: a token out of date",
    "out of date",
    "not yet valid",
    "a time that is no number",
)
@attack(
    "jwt: numbers outside their range",
    "r of zero",
    "s of zero",
    "r of the order",
    "s of the order",
    "numbers beyond the order",
)
@attack("jwt: a signature of zeros", "a signature of zeros", "no signature")
@attack("jwt: a signature in DER", "a signature in DER", "a signature of one byte more")
@attack("jwt: a missing header or claim", "no key id", "no expiry", "no issuer")
@attack("jwt: too few or too many parts", "two parts", "four parts")
@attack("jwt: another spelling of its base64", "padding", "a space", "other last bits")
@attack(
    "jwt: a member twice",
    "an algorithm said twice",
    "a key id said twice",
    "an expiry said twice",
    "an issuer said twice",
)
@attack("jwt: a critical header", "a demand to be understood")
@attack("jwt: a key that the token brings", "a key of its own", "an unknown key")
@attack("jwt: an algorithm that is not the key's", "another key's algorithm")
@attack("jwt: an HMAC under the public key", "a secret's algorithm")
@attack("jwt: no algorithm", "no algorithm")
@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_is_not_right_in_all_opens_nothing(
    guarded: InProcessNode, name: str
) -> None:
    headers = {"authorization": f"Bearer {TOKENS[name]}"}
    refused = guarded.request("GET", "/app/door", headers=headers)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")


@attack("jwt: a place to fetch keys from")
@pytest.mark.parametrize("name", ["jku", "x5u"])
def test_a_place_to_fetch_keys_from_is_not_asked(
    guarded: InProcessNode, name: str
) -> None:
    header: dict[str, Json] = {name: "https://127.0.0.1:1/keys", "kid": "theirs"}
    told = {"authorization": f"Bearer {token(header, sign=MALLORY_KEY.sign_raw)}"}
    before = len(guarded.host.effects)
    assert guarded.request("GET", "/app/door", headers=told).status == 401
    guarded.advance(1000)
    asked = guarded.host.effects[before:]
    assert not any(isinstance(effect, OpenCall) for effect in asked)


def test_the_right_token_opens(guarded: InProcessNode) -> None:
    headers = {"authorization": f"Bearer {token()}"}
    assert guarded.request("GET", "/app/door", headers=headers).status == 200


def test_the_right_token_of_bytes_opens(guarded: InProcessNode) -> None:
    """So the bytes in the table are refused for what is wrong with them."""
    for text in (token_of(HEADER, CLAIMS), with_numbers(None, None)):
        headers = {"authorization": f"Bearer {text}"}
        assert guarded.request("GET", "/app/door", headers=headers).status == 200
