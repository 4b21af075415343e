"""Signing where there is no network: a digest goes out, a signature comes in.

In CCF's way (``ccf_cose_sign1_prepare`` and ``ccf_cose_sign1_finish`` of its Python
package): of the same content, certificate, type and time, *prepare* makes the digest to
sign and *finish* the message, byte for byte as theirs. The two lines of that package
write the headers of ballots and withdrawals in a different order, and so sign different
digests; services take either. *Finish* finds out by the signature which it was.

One thing is not as theirs. They hash as the certificate was signed; we hash as its key
signs, which is another hash where an authority with another key issued it. Under theirs
such a message would verify nowhere.

Signatures from other tools are checked before they are used. They come as DER or as
``r || s`` (*raw*), each as bytes or in base64. The caller names the form; it is never
guessed, because some bytes are valid in both forms. If the named form does not yield a
signature of the certificate's key, the error names a form that does.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import API_VERSION, COSE_TYPE, protected_header
from ccfpy.client.requests import Reply
from ccfpy.client.vocabulary import Line, MessageType, SignatureForm
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import Curve, PublicKey, der_signature, raw_signature

ABOUT_PROPOSALS = (MessageType.BALLOT, MessageType.WITHDRAWAL)
"""What must say which proposal it is about."""
_TYPE = "ccf.gov.msg.type"
_CREATED_AT = "ccf.gov.msg.created_at"
_PROPOSAL = "ccf.gov.msg.proposal_id"
_PATHS = {
    MessageType.PROPOSAL: "members/proposals:create",
    MessageType.BALLOT: "members/proposals/{proposal}/ballots/{member}:submit",
    MessageType.WITHDRAWAL: "members/proposals/{proposal}:withdraw",
    MessageType.STATE_DIGEST: "members/state-digests/{member}:update",
    MessageType.ACK: "members/state-digests/{member}:ack",
    MessageType.RECOVERY_SHARE: "recovery/members/{member}:recover",
}
"""Where each message goes, below ``/gov``."""


class NoProposalNamed(ClientError):
    """A message about a proposal that does not say which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that is not signed yet.

    Attributes:
        certificate: of the member who is to sign.
        payload: a proposal, a ballot, …, as it is sent.
        created_at: seconds since 1970.
        proposal_id: which proposal a ballot or a withdrawal is about.

    Raises:
        NoProposalNamed: it is about one, and does not say which.
    """

    certificate: Certificate
    kind: MessageType
    payload: bytes
    created_at: int
    proposal_id: str | None = None

    def __post_init__(self) -> None:
        if self.kind in ABOUT_PROPOSALS and not self.proposal_id:
            raise NoProposalNamed(f"a {self.kind} must say which proposal it is about")

    def protected(self, line: Line) -> dict[cose.Label, object]:
        """Return the protected header without the algorithm, in a line's order."""
        header = protected_header(
            self.certificate,
            self.kind,
            created_at=self.created_at,
            proposal_id=self.proposal_id or None,
        )
        if line is Line.CCF6:
            header[_CREATED_AT] = header.pop(_CREATED_AT)
        return header

    def to_be_signed(self, line: Line) -> bytes:
        """Return the bytes that the member's key is to sign."""
        return cose.to_be_signed(
            self.certificate.public_key,
            protected=self.protected(line),
            payload=self.payload,
        )


def prepare(draft: Draft, line: Line = Line.CCF7) -> bytes:
    """Return the digest to sign as JSON, ``{"alg": …, "value": base64}``.

    The algorithm is a name in line 6, which vaults take, and COSE's number in line 7.
    """
    key = draft.certificate.public_key
    is_named = line is Line.CCF6
    fields = {
        "alg": ALGORITHMS[key.curve] if is_named else cose.ALGORITHMS[key.curve],
        "value": base64.b64encode(digest_of(key, draft.to_be_signed(line))).decode(),
    }
    return json.dumps(fields).encode()  # spaced as theirs is


def finish(draft: Draft, signature: bytes, form: SignatureForm) -> bytes:
    """Put the message together once its digest has been signed elsewhere.

    Raises:
        VerificationFailed: it was not, or by another key, or another draft's was.
    """
    refusal: VerificationFailed | None = None
    for line in (Line.CCF7, Line.CCF6):
        try:
            raw = read_signature(
                signature,
                form,
                certificate=draft.certificate,
                to_be_signed=draft.to_be_signed(line),
            )
        except VerificationFailed as error:
            refusal = refusal or error
            continue
        return cose.assemble(
            draft.certificate.public_key,
            protected=draft.protected(line),
            payload=draft.payload,
            signature=raw,
        )
    assert refusal is not None, "it was refused in each line"
    raise refusal


async def send(
    connection: Connection, message: bytes, *, api_version: str = API_VERSION
) -> Reply:
    """Hand a signed message in where its headers say that it belongs.

    Raises:
        Malformed: it is no message of a member's.
        NoProposalNamed: it does not say which proposal it is about.
        ServiceError: it is refused.
    """
    reply = await connection.request(
        "POST",
        f"/gov/{destination(cose.parse(message))}?api-version={quote(api_version)}",
        body=message,
        headers={"content-type": COSE_TYPE},
    )
    return reply.raise_for_error()


def destination(message: cose.Sign1) -> str:
    """Find the path, below ``/gov``, to which a message belongs; raises as ``send``."""
    said = message.protected.get(_TYPE)
    member = message.key_id
    proposal = message.protected.get(_PROPOSAL)
    kind = next((kind for kind in _PATHS if kind == said), None)
    if kind is None or member is None or not member.isalnum():
        raise Malformed(f"not a member's signed message: its type is {said!r}")
    if kind in ABOUT_PROPOSALS and not isinstance(proposal, str):
        raise NoProposalNamed(f"a {kind} must say which proposal it is about")
    return _PATHS[kind].format(member=member.decode(), proposal=quote(str(proposal)))


ALGORITHMS = {
    Curve.SECP256R1: "ES256",
    Curve.SECP384R1: "ES384",
    Curve.SECP521R1: "ES512",
}
"""The curves' algorithms by the names that JOSE and most vaults have for them."""


def hash_name(key: PublicKey) -> str:
    """Name the hash under which a key signs, as ``hashlib`` and OpenSSL do."""
    return key.curve.hash.name


def digest_of(key: PublicKey, to_be_signed: bytes) -> bytes:
    """Return the digest that a key signs."""
    return hashlib.new(hash_name(key), to_be_signed).digest()


def read_base64(text: bytes) -> bytes:
    """Read base64 of either alphabet, in lines or not, with its padding or without.

    Raises:
        Malformed: it is none.
    """
    joined = b"".join(text.split()).rstrip(b"=")
    plain = joined.translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise Malformed(f"not base64: {error}") from error


def read_signature(
    given: bytes,
    form: SignatureForm,
    *,
    certificate: Certificate,
    to_be_signed: bytes,
) -> bytes:
    """Read a signature and check it; give ``r || s``.

    Raises:
        VerificationFailed: it is none of the certificate's key over these bytes, or of
            another form; the text says which.
    """
    key = certificate.public_key
    try:
        return _checked(given, form, key, to_be_signed)
    except (Malformed, VerificationFailed) as error:
        fitting = next(_forms_that_fit(given, key, to_be_signed), None)
        if fitting is not None:
            raise VerificationFailed(
                f"the signature is not {form}: it is {fitting}, so say "
                f"--signature-format {fitting}"
            ) from error
        raise VerificationFailed(
            f"not a signature of the key of the certificate {certificate.subject}: "
            f"another key made it, or it is not over the {hash_name(key)} digest that "
            f"was given ({error})"
        ) from error


def _forms_that_fit(
    given: bytes, key: PublicKey, to_be_signed: bytes
) -> Iterator[SignatureForm]:
    for form in SignatureForm:
        try:
            _checked(given, form, key, to_be_signed)
        except (Malformed, VerificationFailed):
            continue
        yield form


def _checked(
    given: bytes, form: SignatureForm, key: PublicKey, to_be_signed: bytes
) -> bytes:
    signature = read_base64(given) if form.is_text else given
    der = der_signature(key.curve, signature) if form.is_raw else signature
    key.verify(der, to_be_signed)
    return raw_signature(key.curve, der)
