"""COSE_Sign1 (RFC 9052): members' requests, the ledger's roots, receipts, endorsements.

Only ECDSA is supported, and the key decides the algorithm: a header that names another
algorithm is refused, so no sender chooses how its signature is checked.

No signature covers the unprotected header. Any holder of a message may add data to this
header, such as a proof that turns a signature into a receipt, or remove the data again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto import cbor
from ccfpy.crypto.ec import Curve, KeyPair, PublicKey, other_form
from ccfpy.crypto.hashing import sha256

ALG = 1
CRIT = 2
"""Headers the recipient must know the meaning of (RFC 9052 §3.1): we know none."""
CONTENT_TYPE = 3
KID = 4
SIGN1_TAG = 18

Label: TypeAlias = int | str
Header: TypeAlias = Mapping[Label, Any]

ALGORITHMS = {Curve.SECP256R1: -7, Curve.SECP384R1: -35, Curve.SECP521R1: -36}
"""ES256, ES384 and ES512."""
_CURVES = {algorithm: curve for curve, algorithm in ALGORITHMS.items()}
_PARTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign1:
    """A signed message, taken apart.

    Attributes:
        protected_bytes: the protected header as it was signed.
        protected: the same, decoded.
        payload: ``None`` when it is detached: the verifier must bring it.
        signature: ``r || s``.
    """

    protected_bytes: bytes
    protected: Header
    unprotected: Header
    payload: bytes | None
    signature: bytes

    @property
    def key_id(self) -> bytes | None:
        """The protected header's ``kid``."""
        kid = self.protected.get(KID)
        return kid if isinstance(kid, bytes) else None

    def verify(self, key: PublicKey, *, detached_payload: bytes | None = None) -> None:
        """Check the signature.

        Raises:
            VerificationFailed: it does not hold, its algorithm is not the key's, or the
                payload is missing or brought though it is attached.
        """
        algorithm = ALGORITHMS[key.curve]
        named = self.protected.get(ALG)
        if type(named) is not int or named != algorithm:
            raise VerificationFailed(
                f"COSE algorithm {named!r} is not that of the key, {algorithm}"
            )
        if (self.payload is None) == (detached_payload is None):
            raise VerificationFailed("a COSE message needs exactly one payload")
        payload = detached_payload if self.payload is None else self.payload
        assert payload is not None
        key.verify_raw(self.signature, _to_be_signed(self.protected_bytes, payload))

    @property
    def signed_digest(self) -> bytes:
        """SHA-256 of what the signature covers: the protected header and the payload.

        A message is identified by this and never by its signature or its whole bytes.
        A stranger who has the message can change both and the message still verifies:
        see ``signature_forms``, and the unprotected header.
        """
        assert self.payload is not None, "the payload is attached"
        return sha256(_to_be_signed(self.protected_bytes, self.payload))

    @property
    def signature_forms(self) -> tuple[bytes, bytes]:
        """The signature as it came, and the other form that verifies as well.

        Raises:
            VerificationFailed: no key of the named algorithm made the signature.
        """
        named = self.protected[ALG]
        curve = _CURVES.get(named) if isinstance(named, int) else None
        if curve is None:
            raise VerificationFailed(f"COSE algorithm {named!r} is none of ECDSA")
        return self.signature, other_form(curve, self.signature)


def parse(data: bytes) -> Sign1:
    """Parse a tagged COSE_Sign1.

    Raises:
        Malformed: it is none, or its protected header has no ``alg``, or a label
            stands in both headers.
    """
    protected_bytes, unprotected, payload, signature = _parts(data)
    protected = _header(cbor.decode(protected_bytes) if protected_bytes else {})
    unprotected = _header(unprotected)
    if ALG not in protected:
        raise Malformed("a COSE_Sign1 without an algorithm")
    if CRIT in protected or CRIT in unprotected:
        raise Malformed("a COSE_Sign1 that demands to be understood in full")
    if protected.keys() & unprotected.keys():
        raise Malformed("a COSE header label is both protected and unprotected")
    return Sign1(
        protected_bytes=protected_bytes,
        protected=protected,
        unprotected=unprotected,
        payload=payload,
        signature=signature,
    )


def sign(
    key: KeyPair, *, protected: Header, payload: bytes, detached: bool = False
) -> bytes:
    """Sign ``payload``; the key's algorithm is put before the other headers."""
    header = _protected(key.public_key, protected)
    signature = key.sign_raw(_to_be_signed(header, payload))
    return _message(header, {}, None if detached else payload, signature)


def to_be_signed(key: PublicKey, *, protected: Header, payload: bytes) -> bytes:
    """Return the bytes that an external signer must sign, for ``assemble``."""
    return _to_be_signed(_protected(key, protected), payload)


def assemble(
    key: PublicKey, *, protected: Header, payload: bytes, signature: bytes
) -> bytes:
    """Put together a message whose ``r || s`` signature was made elsewhere."""
    return _message(_protected(key, protected), {}, payload, signature)


def set_unprotected(data: bytes, unprotected: Header) -> bytes:
    """Replace the unprotected header; an empty one removes what there is.

    The message need not be one that ``parse`` understands: the signed bytes do not
    change.

    Raises:
        Malformed: ``data`` is no COSE_Sign1.
    """
    protected_bytes, _, payload, signature = _parts(data)
    return _message(protected_bytes, unprotected, payload, signature)


def attach(
    data: bytes, value: bytes, *, label: Label, sublabel: Label | None = None
) -> bytes:
    """Make ``value`` all that the unprotected header holds.

    It stands in a list of one at ``label`` or, if there is a ``sublabel``, at that in a
    map at ``label``: the places of receipts in a statement and of proofs in a receipt.

    Raises:
        Malformed: ``data`` is no COSE_Sign1.
    """
    return set_unprotected(
        data, {label: [value] if sublabel is None else {sublabel: [value]}}
    )


def forms(data: bytes) -> tuple[bytes, ...]:
    """List the other bytes that a message may have come in, and verify as well.

    Each form of the signature, with the unprotected header and without. Any other
    unprotected header would do as well, so this is for messages that nobody changed.

    Raises:
        Malformed: ``data`` is no COSE_Sign1 that ``parse`` understands.
        VerificationFailed: no key of the named algorithm made the signature.
    """
    message = parse(data)
    return tuple(
        _message(message.protected_bytes, unprotected, message.payload, signature)
        for unprotected in (message.unprotected, {})
        for signature in message.signature_forms
    )


def _protected(key: PublicKey, others: Header) -> bytes:
    return cbor.encode({ALG: ALGORITHMS[key.curve], **others})


def _message(
    protected: bytes, unprotected: Header, payload: bytes | None, signature: bytes
) -> bytes:
    parts = [protected, dict(unprotected), payload, signature]
    return cbor.encode(cbor.Tag(SIGN1_TAG, parts))


def _parts(data: bytes) -> tuple[bytes, object, bytes | None, bytes]:
    """Split a tagged COSE_Sign1 without reading its headers."""
    tagged = cbor.decode(data)
    if not isinstance(tagged, cbor.Tag) or tagged.tag != SIGN1_TAG:
        raise Malformed("not a tagged COSE_Sign1")
    parts = tagged.value
    if not isinstance(parts, list | tuple) or len(parts) != _PARTS:
        raise Malformed("a COSE_Sign1 has four parts")
    protected_bytes, unprotected, payload, signature = parts
    if not isinstance(protected_bytes, bytes) or not isinstance(signature, bytes):
        raise Malformed("a COSE_Sign1's protected header and signature are bytes")
    if not isinstance(payload, bytes | None):
        raise Malformed("a COSE_Sign1's payload is bytes or null")
    return protected_bytes, unprotected, payload, signature


def _header(value: object) -> Header:
    """Check a header's form; ``True`` and ``1.0`` are no labels, though equal to 1."""
    if not isinstance(value, Mapping):
        raise Malformed("a COSE header is a map")
    for label in value:
        if type(label) not in {int, str}:
            raise Malformed(f"a COSE header label is a number or text: {label!r}")
    return value


def _to_be_signed(protected: bytes, payload: bytes) -> bytes:
    return cbor.encode(["Signature1", protected, b"", payload])
