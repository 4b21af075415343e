"""Setting and removing the keys of JWT issuers.

A key is kept under its id with every issuer that publishes it. A key set may name, for
a key, the issuer whose tokens it signs; that must be on the same domain as the issuer
who published it, or a parent of it, so that nobody speaks for another
(``src/node/rpc/jwt_management.h``).
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.errors import Malformed
from ccfpy.base.json import Json, JsonObject
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.jwk import public_key_der
from ccfpy.kv.tx import Tx
from ccfpy.service.records import Refused, form_of
from ccfpy.service.tables import jwt
from ccfpy.service.tables.jwt import JWT_ISSUER, SigningKey

_URL = re.compile(
    r"(?:[^:/?#]+:)?(?://([^/?#]*))?[^?#]*(?:\?[^#]*)?(?:#.*)?", re.DOTALL
)


class KeyType(StrEnum):
    """The kinds of key that a set may hold; only RSA and EC keys sign tokens."""

    EC = "EC"
    RSA = "RSA"
    OKP = "OKP"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonWebKey:
    """A key of a key set, as far as it matters here.

    Attributes:
        x5c: a certificate chain, the key's own first, base64 of DER.
        issuer: whose tokens the key signs, if not the publisher's.
        d: set if the key is private.
    """

    kty: KeyType
    kid: str | None = None
    x5c: tuple[str, ...] | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None
    crv: str | None = None
    issuer: str | None = None
    d: str | None = None


_KEYS = form_of(tuple[JsonWebKey, ...])


def key_set(jwks: JsonObject) -> tuple[JsonWebKey, ...]:
    """Read a key set.

    Raises:
        Malformed: it is none.
    """
    if "keys" not in jwks:
        raise Malformed("a key set lacks its field 'keys'")
    return _KEYS.read(jwks["keys"])


def check_metadata(metadata: JsonObject) -> None:
    """Check that an issuer's metadata has the form that its table holds.

    Raises:
        Malformed: it has not.
    """
    JWT_ISSUER.read(metadata)


def set_keys(tx: Tx, issuer: str, keys: Sequence[JsonWebKey]) -> None:
    """Replace an issuer's keys by these.

    Raises:
        Refused: there are none, or one of them cannot be used.
    """
    if not keys:
        raise Refused("JWKS has no keys")
    fresh: dict[str, SigningKey] = {}
    for key in keys:
        kid, signing_key = _signing_key(issuer, key)
        fresh.setdefault(kid, signing_key)
    table = jwt.SIGNING_KEYS.of(tx)
    before = {
        kid for kid, shared in table.items() if any(k.issuer == issuer for k in shared)
    }
    for kid, signing_key in fresh.items():
        shared = table.get(kid) or ()
        if signing_key not in shared:
            table.put(kid, _with(shared, signing_key))
    for kid in sorted(before - fresh.keys()):
        _remove(tx, kid, issuer)


def remove_keys(tx: Tx, issuer: str) -> None:
    """Remove an issuer's keys, also where older services kept them."""
    _remove_legacy(tx, issuer)
    for kid, shared in list(jwt.SIGNING_KEYS.of(tx).items()):
        if any(key.issuer == issuer for key in shared):
            _remove(tx, kid, issuer)


def is_allowed_constraint(issuer: str, constraint: str) -> bool:
    """Return whether an issuer may publish keys for tokens of ``constraint``."""
    domain = _domain(constraint)
    own = _domain(issuer)
    return bool(domain) and (own == domain or own.endswith(f".{domain}"))


def _domain(url: str) -> str:
    match = _URL.fullmatch(url)
    authority = (match[1] if match else None) or ""
    if "]" in authority:
        return authority[: authority.rindex("]") + 1]
    return authority.partition(":")[0]


def _signing_key(issuer: str, key: JsonWebKey) -> tuple[str, SigningKey]:
    if key.kid is None:
        raise Refused("Missing kid for JWT signing key")
    if key.d is not None:
        raise Refused(f"JWKS kid {key.kid} is a private key, which anybody can read")
    public_key = _public_key(key.kid, key)
    if key.issuer is not None and not is_allowed_constraint(issuer, key.issuer):
        raise Refused(
            f"JWKS kid {key.kid} with issuer constraint {key.issuer} fails validation "
            f"against issuer {issuer}"
        )
    signing_key = SigningKey(
        public_key=public_key, issuer=issuer, constraint=key.issuer
    )
    return key.kid, signing_key


def _public_key(kid: str, key: JsonWebKey) -> bytes:
    """Take a key from its numbers, else from its certificate."""
    if key.n and key.e:
        return _from_numbers("RSA", {"kty": "RSA", "n": key.n, "e": key.e})
    if key.x and key.y and key.crv is not None:
        numbers = {"kty": "EC", "crv": key.crv, "x": key.x, "y": key.y}
        return _from_numbers("EC", numbers)
    if key.x5c:
        return _from_certificate(kid, key.x5c[0])
    raise Refused(f"JWKS kid {kid} has neither RSA/EC public key or x5c")


def _from_numbers(kind: str, numbers: Mapping[str, Json]) -> bytes:
    try:
        return public_key_der(numbers)
    except Malformed as error:
        raise Refused(f"Failed to construct {kind} public key: {error}") from error


def _from_certificate(kid: str, encoded: str) -> bytes:
    try:
        der = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise Refused(f"Could not parse x5c of key id {kid}: {error}") from error
    try:
        return Certificate.from_der(der).public_key_der
    except Malformed as error:
        raise Refused(
            f"JWKS kid {kid} has an invalid X.509 certificate: {error}"
        ) from error


def _with(shared: Sequence[SigningKey], key: SigningKey) -> tuple[SigningKey, ...]:
    """Put an issuer's key in place of its earlier one, or behind the others'."""
    if any(other.issuer == key.issuer for other in shared):
        return tuple(key if other.issuer == key.issuer else other for other in shared)
    return (*shared, key)


def _remove(tx: Tx, kid: str, issuer: str) -> None:
    table = jwt.SIGNING_KEYS.of(tx)
    kept = tuple(key for key in table.get(kid) or () if key.issuer != issuer)
    if kept:
        table.put(kid, kept)
    else:
        table.remove(kid)


def _remove_legacy(tx: Tx, issuer: str) -> None:
    owners = jwt.LEGACY_KEY_ISSUER.of(tx)
    certificates = jwt.LEGACY_KEYS.of(tx)
    for kid, owner in list(owners.items()):
        if owner == issuer:
            certificates.remove(kid)
            owners.remove(kid)
    metadata = jwt.LEGACY_METADATA.of(tx)
    for kid, shared in list(metadata.items()):
        if not isinstance(shared, list):
            continue
        kept = [
            key
            for key in shared
            if not (isinstance(key, dict) and key.get("issuer") == issuer)
        ]
        if not kept:
            metadata.remove(kid)
        elif len(kept) < len(shared):
            metadata.put(kid, kept)
