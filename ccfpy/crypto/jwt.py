"""JSON Web Tokens: taken apart, and verified under a key that the service knows.

RS256 and ES256 alone, and the algorithm is the key's: a token that names another is
refused, so no sender chooses how its signature is checked. Whether a token is in date
and from whom it may come is for the caller to judge. The refusals' texts are those of
``src/http/http_jwt.h``.
"""

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from ccfpy.base import json
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.base.schema import schema_of
from ccfpy.crypto.ec import Curve, PublicKey
from ccfpy.crypto.encodings import check_affordable, load_public_der
from ccfpy.crypto.jwk import RSA_BITS_MIN, decode_base64url

RS256 = "RS256"
ES256 = "ES256"
_PARTS = 3

T = TypeVar("T")
_Key: TypeAlias = "rsa.RSAPublicKey | PublicKey"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """What a token's header must say."""

    alg: Literal["RS256", "ES256"]
    kid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claims:
    """The claims of a token that are looked at here; times in seconds since 1970."""

    iss: str
    exp: float
    nbf: float | None = None
    tid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, taken apart; nothing in it is verified.

    Attributes:
        signed: what the signature covers.
        issuer: the ``iss`` claim.
        expires_at: the ``exp`` claim, seconds since 1970.
        not_before: the ``nbf`` claim.
        tenant: the ``tid`` claim, by which Microsoft Entra tells tenants apart.
    """

    header: JsonObject
    payload: JsonObject
    signature: bytes
    signed: bytes
    algorithm: str
    key_id: str
    issuer: str
    expires_at: int
    not_before: int | None
    tenant: str | None


def parse(text: str) -> Token:
    """Parse a token.

    Raises:
        Malformed: it is none, or lacks ``alg``, ``kid``, ``exp`` or ``iss``.
    """
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise Malformed("Malformed JWT: must contain exactly 3 parts")
    try:
        raw_header, raw_payload, signature = map(decode_base64url, parts)
    except Malformed as error:
        raise Malformed(f"Malformed JWT: {error}") from error
    header, payload = _objects(raw_header, raw_payload)
    how = _read(_Header, header, "JWT header does not follow schema")
    if "crit" in header:
        raise Malformed("JWT header does not follow schema: At #/crit: not supported")
    claims = _read(_Claims, payload, "JWT payload is missing required field")
    return Token(
        header=header,
        payload=payload,
        signature=signature,
        signed=text.rpartition(".")[0].encode(),
        algorithm=how.alg,
        key_id=how.kid,
        issuer=claims.iss,
        expires_at=int(claims.exp),
        not_before=None if claims.nbf is None else int(claims.nbf),
        tenant=claims.tid,
    )


class TokenKey:
    """A key that signs tokens, with the one algorithm that belongs to it."""

    __slots__ = ("_key", "algorithm")

    def __init__(self, key: _Key) -> None:
        self._key = key
        self.algorithm = ES256 if isinstance(key, PublicKey) else RS256

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Read DER SubjectPublicKeyInfo of an RSA or P-256 key.

        Raises:
            Malformed: it is none.
        """
        key = load_public_der(der)
        if isinstance(key, rsa.RSAPublicKey):
            if key.key_size < RSA_BITS_MIN:
                raise Malformed(f"an RSA key of {key.key_size} bits is out of range")
            check_affordable(key)
            return cls(key)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise Malformed(f"a {type(key).__name__} signs no tokens")
        public = PublicKey(key)
        if public.curve is not Curve.SECP256R1:
            raise Malformed(f"a key on {public.curve} signs no tokens")
        return cls(public)

    def verify(self, token: Token) -> None:
        """Check a token's signature.

        Raises:
            VerificationFailed: it does not hold, or its algorithm is not the key's.
        """
        if token.algorithm != self.algorithm:
            raise VerificationFailed(
                f"JWT algorithm {token.algorithm} is not that of the key, "
                f"{self.algorithm}"
            )
        if isinstance(self._key, PublicKey):
            self._key.verify_raw(token.signature, token.signed)
            return
        try:
            self._key.verify(
                token.signature, token.signed, padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError) as error:
            raise VerificationFailed("RSA signature does not match") from error


def _objects(*texts: bytes) -> list[JsonObject]:
    try:
        values = [json.loads(text) for text in texts]
    except Malformed as error:
        raise Malformed(f"JWT header or payload is not valid JSON: {error}") from error
    objects = [value for value in values if isinstance(value, dict)]
    if len(objects) != len(texts):
        raise Malformed("JWT header or payload is not an object")
    return objects


def _read(kind: type[T], fields: JsonObject, refusal: str) -> T:
    try:
        found: T = schema_of(kind).read(fields)
    except Malformed as error:
        raise Malformed(f"{refusal}: {error}") from error
    return found
