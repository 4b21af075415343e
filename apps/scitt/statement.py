"""A signed statement, taken apart: a COSE_Sign1, and the headers that matter in SCITT.

Nothing here is verified. What the ledger keeps is the statement without its unprotected
header, which nobody signed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, TypeAlias

from apps.scitt.cose_key import CoseKey
from apps.scitt.limits import CHAIN_CERTIFICATES_MAX, CRIT_MAX, DID_CHARS_MAX
from ccfpy.app import CborTag, Malformed, decode_cbor, encode_cbor

SIGN1_TAG: Final = 18
EPOCH_TAG: Final = 1
ALG, CRIT, CONTENT_TYPE, KID = 1, 2, 3, 4
CWT_CLAIMS = 15
X5CHAIN = 33
ISSUER, FEED = 391, 392
SVN = "svn"
ATTESTED_SERVICE = "attestedsvc"
CWT_ISS, CWT_SUB, CWT_IAT = 1, 2, 6

Label: TypeAlias = int | str
_Map: TypeAlias = Mapping[Label, Any]
_PARTS = 4
_INTEGERS = range(-(1 << 63), 1 << 63)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the issuer claims of itself and its statement (RFC 8392).

    Attributes:
        iss: who signed, as an identifier.
        sub: what the statement is about.
        iat: when it was signed, in seconds since 1970.
        svn: the security version of what it is about.
    """

    iss: str | None = None
    sub: str | None = None
    iat: int | None = None
    svn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedService:
    """What a service says of the hardware that it runs on; each part may lack."""

    svc_id: str | None = None
    attestation: bytes | None = None
    attestation_type: str | None = None
    cose_key: CoseKey | None = None
    snp_endorsements: bytes | None = None
    uvm_endorsements: bytes | None = None
    ver: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedHeader:
    """The header that is signed; each part may lack."""

    alg: int | None = None
    crit: tuple[Label, ...] | None = None
    content_type: int | str | None = None
    kid: bytes | None = None
    issuer: str | None = None
    feed: str | None = None
    svn: int | None = None
    x5chain: tuple[bytes, ...] | None = None
    claims: Claims = Claims()
    attested: AttestedService = AttestedService()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a header.

        Raises:
            Malformed: it is none, or a part has a wrong type.
        """
        header = _map(decode_cbor(data) if data else {}, "the protected header")
        return cls(
            alg=_integer(header, ALG, "alg"),
            crit=_crit(header.get(CRIT)),
            content_type=_content_type(header.get(CONTENT_TYPE)),
            kid=_bytes(header, KID, "kid"),
            issuer=_text(header, ISSUER, "the issuer"),
            feed=_text(header, FEED, "the feed"),
            svn=_integer(header, SVN, SVN),
            x5chain=_chain(header.get(X5CHAIN)),
            claims=_claims(header.get(CWT_CLAIMS)),
            attested=_attested(header.get(ATTESTED_SERVICE)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedStatement:
    """A signed statement.

    Attributes:
        protected_bytes: the protected header as it was signed.
        header: the same, read.
        unprotected_chain: certificates that nobody signed.
        payload: what is stated.
        signature: over header and payload.
    """

    protected_bytes: bytes
    header: ProtectedHeader
    unprotected_chain: tuple[bytes, ...] | None
    payload: bytes
    signature: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a tagged COSE_Sign1.

        Raises:
            Malformed: it is none, or its payload is empty or elsewhere.
        """
        tagged = decode_cbor(data)
        if not isinstance(tagged, CborTag) or tagged.tag != SIGN1_TAG:
            raise Malformed("not a COSE_Sign1 with its tag")
        parts = tagged.value
        if not isinstance(parts, list | tuple) or len(parts) != _PARTS:
            raise Malformed("a COSE_Sign1 has four parts")
        protected, unprotected, payload, signature = parts
        if not isinstance(protected, bytes) or not isinstance(signature, bytes):
            raise Malformed("the protected header and the signature are bytes")
        if not isinstance(payload, bytes) or not payload:
            raise Malformed("a payload that is empty or detached is not supported")
        loose = _map(unprotected, "the unprotected header")
        return cls(
            protected_bytes=protected,
            header=ProtectedHeader.parse(protected),
            unprotected_chain=_chain(loose.get(X5CHAIN)),
            payload=payload,
            signature=signature,
        )

    @property
    def to_be_signed(self) -> bytes:
        """The bytes that the signature covers (RFC 9052 §4.4)."""
        return encode_cbor(["Signature1", self.protected_bytes, b"", self.payload])

    @property
    def registered(self) -> bytes:
        """The statement as the ledger keeps it, without what nobody signed."""
        parts = [self.protected_bytes, {}, self.payload, self.signature]
        return encode_cbor(CborTag(SIGN1_TAG, parts))


# Parts, each of its type


def _map(value: object, what: str) -> _Map:
    """Check a map's form; ``True`` and ``1.0`` are no labels, though equal to 1."""
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} is not a map")
    if not all(type(label) in {int, str} for label in value):
        raise Malformed(f"{what} has a label that is neither a number nor text")
    return value


def _integer(of: _Map, label: Label, what: str) -> int | None:
    value = of.get(label)
    if value is None:
        return None
    if type(value) is not int or value not in _INTEGERS:
        raise Malformed(f"{what} is not an integer of 64 bits")
    return value


def _text(of: _Map, label: Label, what: str) -> str | None:
    value = of.get(label)
    if value is None or isinstance(value, str):
        return value
    raise Malformed(f"{what} is not text")


def _bytes(of: _Map, label: Label, what: str) -> bytes | None:
    value = of.get(label)
    if value is None or isinstance(value, bytes):
        return value
    raise Malformed(f"{what} is not bytes")


def _crit(value: object) -> tuple[Label, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 0 < len(value) <= CRIT_MAX:
        raise Malformed(f"crit is not a list of 1 to {CRIT_MAX} labels")
    if not all(type(label) in {int, str} for label in value):
        raise Malformed("crit has a label that is neither a number nor text")
    return tuple(value)


def _content_type(value: object) -> int | str | None:
    if value is None or isinstance(value, str) or type(value) is int:
        return value
    raise Malformed("the content type is neither a number nor text")


def _chain(value: object) -> tuple[bytes, ...] | None:
    """Read certificates: a list, or one alone."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return (value,)
    if not isinstance(value, list | tuple) or not value:
        raise Malformed("x5chain is neither a certificate nor a list of some")
    if len(value) > CHAIN_CERTIFICATES_MAX:
        raise Malformed(f"x5chain has more than {CHAIN_CERTIFICATES_MAX} certificates")
    if not all(isinstance(der, bytes) for der in value):
        raise Malformed("a certificate in x5chain is not bytes")
    return tuple(value)


def _claims(value: object) -> Claims:
    if value is None:
        return Claims()
    claims = _map(value, "the map of CWT claims")
    iss = _text(claims, CWT_ISS, "iss")
    if iss is not None and len(iss) > DID_CHARS_MAX:
        raise Malformed(f"iss has more than {DID_CHARS_MAX} characters")
    issued_at = claims.get(CWT_IAT)
    if isinstance(issued_at, CborTag) and issued_at.tag == EPOCH_TAG:
        # RFC 8392 wants no tag here; some signers write one.
        issued_at = issued_at.value
    if isinstance(issued_at, float) and issued_at.is_integer():
        issued_at = int(issued_at)
    return Claims(
        iss=iss,
        sub=_text(claims, CWT_SUB, "sub"),
        iat=_integer({CWT_IAT: issued_at}, CWT_IAT, "iat"),
        svn=_integer(claims, SVN, SVN),
    )


def _attested(value: object) -> AttestedService:
    if value is None:
        return AttestedService()
    parts = _map(value, f"the map {ATTESTED_SERVICE}")
    key = parts.get("cose_key")
    return AttestedService(
        svc_id=_text(parts, "svc_id", "svc_id"),
        attestation=_bytes(parts, "attestation", "the attestation"),
        attestation_type=_text(parts, "attestation_type", "attestation_type"),
        cose_key=None if key is None else CoseKey.parse(_map(key, "cose_key")),
        snp_endorsements=_bytes(parts, "snp_endorsements", "snp_endorsements"),
        uvm_endorsements=_bytes(parts, "uvm_endorsements", "uvm_endorsements"),
        ver=_integer(parts, "ver", "ver"),
    )
