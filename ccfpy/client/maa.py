"""Tokens of Microsoft Azure Attestation: a verifier's word for evidence it has seen.

A token is a JWT, signed under RS256. A reader of the token believes its issuer in place
of the hardware's maker, so the caller passes both the issuer's name and its keys: no
address in a token is followed (Azure Attestation, "claim sets").
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.attestation.steps import Took, untold
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.json import Json, JsonObject
from ccfpy.base.limits import KIB
from ccfpy.crypto import jwk, jwt
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.jwt import RS256, TokenKey

TOKEN_BYTES_MAX = 64 * KIB
KEYS_MAX = 64

ATTESTATION_TYPE = "x-ms-attestation-type"
RUNTIME = "x-ms-runtime"
_GUEST_REPORT = "x-ms-isolation-tee"
"""Where a token for a virtual machine says what its processor reported."""


class AttestationType(StrEnum):
    """What was attested, as tokens name it."""

    SGX = "sgx"
    SNP = "sevsnpvm"


_CLAIMS: Mapping[AttestationType, Mapping[str, str]] = {
    AttestationType.SGX: {
        "debugged": "x-ms-sgx-is-debuggable",
        "measurement": "x-ms-sgx-mrenclave",
        "signer": "x-ms-sgx-mrsigner",
        "product": "x-ms-sgx-product-id",
        "svn": "x-ms-sgx-svn",
        "report_data": "x-ms-sgx-report-data",
    },
    AttestationType.SNP: {
        "debugged": "x-ms-sevsnpvm-is-debuggable",
        "measurement": "x-ms-sevsnpvm-launchmeasurement",
        "host_data": "x-ms-sevsnpvm-hostdata",
        "svn": "x-ms-sevsnpvm-guestsvn",
        "report_data": "x-ms-sevsnpvm-reportdata",
    },
}
"""Under which names each kind of token says what."""


class MaaStep(StrEnum):
    """What is checked, in this order."""

    FORM = "form"
    ISSUER = "issuer"
    KEY = "key"
    SIGNATURE = "signature"
    TIME = "time"
    KIND = "kind"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaaToken:
    """A verified token.

    Attributes:
        kind: the kind of the attested platform.
        issuer: the token's issuer.
        key_id: the id of the issuer's key.
        not_before: the start of validity, in seconds since 1970.
        expires_at: the end of validity, in seconds since 1970.
        claims: all claims of the token.
        evidence: the claims about the evidence.
    """

    kind: AttestationType
    issuer: str
    key_id: str
    not_before: int
    expires_at: int
    claims: JsonObject
    evidence: JsonObject

    def said(self, name: str) -> Json:
        """Return a claim by its short name, such as ``measurement``."""
        claim = _CLAIMS[self.kind].get(name)
        return None if claim is None else self.evidence.get(claim)


def keys_of(jwks: bytes) -> dict[str, TokenKey]:
    """Read an issuer's key set, as it publishes it (``/certs``), by key id.

    Raises:
        Malformed: it is none, or holds a key that signs no such tokens.
    """
    listed = json.loads_object(jwks).get("keys")
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise Malformed("not a set of keys")
    keys: dict[str, TokenKey] = {}
    for entry in listed:
        key_id = entry.get("kid") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(key_id, str):
            raise Malformed("a key without its id")
        keys[key_id] = TokenKey.from_der(_public_key(entry))
    return keys


def verify_maa_token(
    text: str,
    *,
    issuer: str,
    keys: Mapping[str, TokenKey],
    unix_time_s: int,
    takes_debugged: bool = False,
    took: Took = untold,
) -> MaaToken:
    """Check a token.

    Args:
        text: the token.
        issuer: the trusted issuer.
        keys: its keys, by id.
        unix_time_s: when the token must be good.
        takes_debugged: whether enclaves and guests are taken whose memory the host may
            read.
        took: told each `MaaStep` that was taken.

    Raises:
        Malformed: it is no token.
        VerificationFailed: it is not to be believed; the text says why.
    """
    if len(text) > TOKEN_BYTES_MAX:
        raise Malformed(f"a token of {len(text)} bytes is too long")
    token = jwt.parse(text)
    took(MaaStep.FORM)
    if token.issuer != issuer:
        raise VerificationFailed(f"the token is by {token.issuer!r}, not {issuer!r}")
    took(MaaStep.ISSUER)
    key = keys.get(token.key_id)
    if key is None or key.algorithm != RS256:
        raise VerificationFailed(f"the issuer has no RSA key {token.key_id!r}")
    took(MaaStep.KEY)
    key.verify(token)
    took(MaaStep.SIGNATURE)
    begins = token.not_before
    if begins is None:
        raise VerificationFailed("the token does not say from when on it is good")
    if not begins <= unix_time_s < token.expires_at:
        raise VerificationFailed(
            f"the token is good from {begins} to {token.expires_at}, not at "
            f"{unix_time_s}"
        )
    took(MaaStep.TIME)
    kind, evidence = _kind(token.payload)
    took(MaaStep.KIND)
    debugged = evidence.get(_CLAIMS[kind]["debugged"])
    if debugged is not False and not (debugged is True and takes_debugged):
        raise VerificationFailed("debugging must not be enabled")
    took(MaaStep.DEBUG)
    return MaaToken(
        kind=kind,
        issuer=token.issuer,
        key_id=token.key_id,
        not_before=begins,
        expires_at=token.expires_at,
        claims=token.payload,
        evidence=evidence,
    )


def _kind(claims: JsonObject) -> tuple[AttestationType, JsonObject]:
    """Return what was attested, and which claims describe it."""
    inner = claims.get(_GUEST_REPORT)
    evidence = inner if isinstance(inner, dict) else claims
    kind = evidence.get(ATTESTATION_TYPE)
    for known in AttestationType:
        if kind == known.value:
            return known, evidence
    raise VerificationFailed(f"the token is for evidence of the kind {kind!r}")


def _public_key(entry: Mapping[str, Json]) -> bytes:
    chain = entry.get("x5c")
    if chain is None:
        return jwk.public_key_der(entry)
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        raise Malformed("a key whose certificate is none")
    try:
        der = base64.b64decode(chain[0], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("a key whose certificate is not base64") from error
    try:
        return Certificate.from_der(der).public_key_der
    except CcfpyError as error:
        raise Malformed(f"a key whose certificate cannot be read: {error}") from error
