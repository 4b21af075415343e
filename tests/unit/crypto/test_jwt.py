import re

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import Json
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.crypto.jwk import encode_base64url
from ccfpy.crypto.jwt import TokenKey, parse
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack

EC_KEY = KeyPair.generate(SeededEntropy(b"ec"), Curve.SECP256R1)
RSA_KEY = RsaKeyPair.generate(SeededEntropy(b"rsa"))
CLAIMS: dict[str, Json] = {"iss": "me", "exp": 10}


def _der(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


EC = TokenKey.from_der(EC_KEY.public_key.der)
RSA = TokenKey.from_der(_der(RSA_KEY.library_key.public_key()))


def _token(header: Json, claims: Json = None, signature: bytes = b"") -> str:
    parts = [json.dumps(header), json.dumps(claims or CLAIMS), signature]
    return ".".join(map(encode_base64url, parts))


def _ec_signed(algorithm: str = "ES256") -> str:
    text = _token({"alg": algorithm, "kid": "k"})[:-1]
    return f"{text}.{encode_base64url(EC_KEY.sign_raw(text.encode()))}"


def _rsa_signed(algorithm: str = "RS256") -> str:
    text = _token({"alg": algorithm, "kid": "k"})[:-1]
    signature = RSA_KEY.library_key.sign(
        text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return f"{text}.{encode_base64url(signature)}"


def test_a_token_is_taken_apart() -> None:
    claims: Json = {"iss": "me", "exp": 10.7, "nbf": 3, "tid": "t", "x": [1]}
    token = parse(_token({"alg": "RS256", "kid": "k", "typ": "JWT"}, claims, b"sig"))
    assert token.payload == claims
    assert (token.algorithm, token.key_id, token.issuer) == ("RS256", "k", "me")
    assert (token.expires_at, token.not_before, token.tenant) == (10, 3, "t")
    assert token.signature == b"sig"
    assert token.signed.count(b".") == 1


def test_optional_claims_may_be_missing_or_null() -> None:
    null: Json = {"iss": "me", "exp": 1, "nbf": None, "tid": None}
    for claims in (CLAIMS, null):
        token = parse(_token({"alg": "ES256", "kid": "k"}, claims))
        assert (token.not_before, token.tenant) == (None, None)


GOOD: Json = {"alg": "ES256", "kid": "k"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must contain exactly 3 parts"),
        ("a.b.c.d", "must contain exactly 3 parts"),
        ("$.$.$", "Malformed JWT: not base64url"),
        ("AA.AA.AA", "JWT header or payload is not valid JSON"),
        (_token([1]), "JWT header or payload is not an object"),
        (_token(GOOD, [1]), "JWT header or payload is not an object"),
        (_token({"kid": "k"}), "JWT header does not follow schema: At #/: Missing"),
        (_token({"alg": "ES256"}), "Missing required field 'kid' in object"),
        (
            _token({"alg": "none", "kid": "k"}),
            'At #/alg: expected one of "RS256", "ES256", found "none"',
        ),
        (
            _token({"alg": "HS256", "kid": "k"}),
            'At #/alg: expected one of "RS256", "ES256", found "HS256"',
        ),
        (_token({"alg": 1, "kid": "k"}), "At #/alg: expected one of"),
        (
            _token({"alg": "ES256", "kid": "k", "crit": ["x"]}),
            "JWT header does not follow schema: At #/crit: not supported",
        ),
        (_token(GOOD, {"exp": 1}), "JWT payload is missing required field"),
        (_token(GOOD, {"iss": "me"}), "Missing required field 'exp' in object"),
        (_token(GOOD, {"iss": "me", "exp": True}), "At #/exp: expected a number"),
        (_token(GOOD, {"iss": "me", "exp": "1"}), "At #/exp: expected a number"),
        (_token(GOOD, {"iss": "me", "exp": 1, "nbf": "1"}), "At #/nbf"),
        (_token(GOOD, {"iss": "me", "exp": 1, "tid": 4}), "At #/tid"),
    ],
)
def test_what_is_no_token_is_refused_with_the_reason(text: str, message: str) -> None:
    with pytest.raises(Malformed, match=re.escape(message)):
        parse(text)


def test_each_kind_of_key_verifies_its_own_signature() -> None:
    EC.verify(parse(_ec_signed()))
    RSA.verify(parse(_rsa_signed()))


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        (EC, _ec_signed("RS256"), "is not that of the key, ES256"),
        (RSA, _rsa_signed("ES256"), "is not that of the key, RS256"),
        (EC, _token(GOOD, signature=b"\0" * 64), "does not match"),
        (EC, _token(GOOD, signature=b"short"), "a signature of 5 bytes"),
        (RSA, _token({"alg": "RS256", "kid": "k"}, signature=b"x"), "does not match"),
    ],
)
def test_a_signature_that_does_not_hold_is_refused(
    key: TokenKey, text: str, message: str
) -> None:
    with pytest.raises(VerificationFailed, match=message):
        key.verify(parse(text))


def test_a_token_changed_after_signing_is_refused() -> None:
    header, _, signature = _ec_signed().split(".")
    forged = encode_base64url(json.dumps({"iss": "you", "exp": 10}))
    with pytest.raises(VerificationFailed):
        EC.verify(parse(f"{header}.{forged}.{signature}"))


SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


@attack("jwt: a key of another kind")
@attack("jwt: an oversized or tiny key")
@pytest.mark.parametrize(
    ("der", "message"),
    [
        (b"junk", "not a public key"),
        (_der(SMALL_RSA.public_key()), "an RSA key of 1024 bits is out of range"),
        (_der(ED25519.public_key()), "Ed25519PublicKey signs no tokens"),
        (
            KeyPair.generate(SeededEntropy(1), Curve.SECP384R1).public_key.der,
            "a key on Secp384R1 signs no tokens",
        ),
    ],
)
def test_keys_that_sign_no_tokens_are_refused(der: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        TokenKey.from_der(der)


@pytest.mark.parametrize("member", ["a", "kid", "alg"])
def test_a_token_nested_deeper_than_we_write_is_refused_like_any_other(
    member: str,
) -> None:
    deep = b'{"alg":"RS256","%b":%b%b}' % (member.encode(), b"[" * 900, b"]" * 900)
    text = f"{encode_base64url(deep)}.{encode_base64url(b'{}')}.AA"
    with pytest.raises(Malformed, match="JWT header does not follow schema"):
        parse(text)
