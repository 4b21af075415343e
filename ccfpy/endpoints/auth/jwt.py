"""Callers who bring a bearer token from an issuer that the service trusts.

A key id leads to the keys that governance allowed, each with its issuer. The first key
that verifies the token decides which issuer vouched. Keys from services of earlier
releases lie in three older tables, as certificates. Rules and texts are those of
``src/endpoints/authentication/jwt_auth.cpp``.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.json import JsonObject
from ccfpy.base.limits import JWT_KEYS_CACHED_MAX
from ccfpy.base.schema import schema_of
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.jwt import Token, TokenKey, parse
from ccfpy.endpoints.auth.policy import SecurityScheme, Unauthenticated
from ccfpy.service.tables import jwt
from ccfpy.service.tables.jwt import SigningKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.base.json import Json
    from ccfpy.endpoints.context import Context
    from ccfpy.kv.tx import Tx

NAME: Final = "jwt"
CHALLENGE: Final = 'Bearer realm="JWT bearer token access", error="invalid_token"'
SCHEME = "Bearer"
_HEADER: Final = "authorization"

_ENTRA_HOST = "login.microsoftonline.com"
_TENANT_PLACE = "{tenantid}"
_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JwtCaller:
    """Somebody an issuer vouches for.

    Attributes:
        key_issuer: the issuer under which governance registered the key.
        header: the token's header.
        payload: the token's claims.
    """

    key_issuer: str
    header: JsonObject
    payload: JsonObject
    policy: str = NAME


class Jwt:
    """Accepts a valid token in the ``authorization`` header."""

    name = NAME
    security_scheme = SecurityScheme(
        NAME, {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )

    def authenticate(self, context: "Context") -> JwtCaller:
        """Return the token's claims."""
        header = context.request.headers.get(_HEADER)
        if header is None:
            raise Unauthenticated("Missing authorization header", challenge=CHALLENGE)
        try:
            token = parse(_bearer(header))
            keys = _keys(context.tx, token.key_id)
        except Malformed as error:
            raise _refusal(str(error)) from error
        refusal = _refusal(f"JWT signing key not found for kid {token.key_id}")
        for key in keys:
            reason = _reason_against(context, token, key)
            if reason is None:
                return JwtCaller(
                    key_issuer=key.issuer, header=token.header, payload=token.payload
                )
            refusal = _refusal(reason)
        raise refusal


def _refusal(message: str) -> Unauthenticated:
    return Unauthenticated(message, challenge=CHALLENGE)


def _bearer(header: str) -> str:
    scheme, space, token = header.partition(" ")
    if not space:
        raise _refusal("Authorization header only contains one field")
    if scheme != SCHEME:
        raise _refusal(f"Authorization header does not have {SCHEME} scheme")
    return token


def _reason_against(context: "Context", token: Token, key: SigningKey) -> str | None:
    """Return why a token is not accepted under a key."""
    try:
        _token_key(key.public_key).verify(token)
    except (Malformed, VerificationFailed):
        return "Signature verification failed"
    now = context.node.unix_time_us // _US_PER_S
    if token.not_before is not None and now < token.not_before:
        return (
            f"Current time {now} is before token's Not Before (nbf) claim "
            f"{token.not_before}"
        )
    if now > token.expires_at:
        return (
            f"Current time {now} is after token's Expiration Time (exp) claim "
            f"{token.expires_at}"
        )
    constraint = key.constraint
    if constraint is not None and not is_issuer_allowed(
        token.issuer, token.tenant, constraint
    ):
        return f"Kid {token.key_id} failed issuer constraint validation {constraint}"
    return None


def is_issuer_allowed(issuer: str, tenant: str | None, constraint: str) -> bool:
    """Return whether a key bound to ``constraint`` may sign for this issuer and tenant.

    Microsoft Entra publishes one key for all tenants: there the constraint may leave a
    place for the tenant, whom the token's issuer must name as its first path part.
    Elsewhere a tenant has no meaning and is refused.
    """
    if _host(constraint) != _ENTRA_HOST:
        return issuer == constraint and tenant is None
    if tenant is None:
        return False
    if issuer != constraint.replace(_TENANT_PLACE, tenant, 1):
        return False
    path = urlsplit(issuer).path
    return next(filter(None, path.split("/")), None) == tenant


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


@lru_cache(maxsize=JWT_KEYS_CACHED_MAX)
def _token_key(der: bytes) -> TokenKey:
    return TokenKey.from_der(der)


def _keys(tx: "Tx", key_id: str) -> "Sequence[SigningKey]":
    """List the keys of this id, from the newest table that has any."""
    keys = jwt.SIGNING_KEYS.of(tx).get(key_id)
    if keys is not None:
        return keys
    metadata = jwt.LEGACY_METADATA.of(tx).get(key_id)
    if isinstance(metadata, list) and metadata:
        return [_legacy_key(item) for item in metadata]
    certificate = jwt.LEGACY_KEYS.of(tx).get(key_id)
    if certificate is None:
        return ()
    issuer = jwt.LEGACY_KEY_ISSUER.of(tx).get(key_id)
    if issuer is None:
        raise _refusal(f"JWT signing key fallback issuers not found for kid {key_id}")
    public_key = Certificate.from_der(certificate).public_key_der
    return (SigningKey(public_key=public_key, issuer=issuer),)


def _legacy_key(record: "Json") -> SigningKey:
    """Read an item of the table that held certificates.

    Raises:
        Malformed: governance wrote something else there.
    """
    if not isinstance(record, dict):
        raise Malformed(f"not a legacy JWT key: {record!r}")
    constraint = record.get("constraint")
    return SigningKey(
        public_key=_certificate(record.get("cert")).public_key_der,
        issuer=str(record.get("issuer")),
        constraint=None if constraint is None else str(constraint),
    )


def _certificate(text: "Json") -> Certificate:
    """Read a certificate as base64 of DER, which is how JSON carries bytes."""
    return Certificate.from_der(schema_of(bytes).read(text))
