"""Signing where there is no network: a digest goes out, a signature comes in.

In CCF's way (``ccf_cose_sign1_prepare`` and ``ccf_cose_sign1_finish`` of its Python
package): of the same content, certificate, type and time, *prepare* makes the digest to
sign and *finish* the message, byte for byte as theirs. The two lines of that package
write the headers of ballots and withdrawals in a different order, and so sign different
digests; services take either. *Finish* finds out by the signature which it was.

One thing is not as theirs. They hash as the certificate was signed; we hash as its key
signs, which is another hash where an authority with another key issued it. Under theirs
such a message would verify nowhere.
"""

import base64
import json
from dataclasses import dataclass
from urllib.parse import quote

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ClientError
from ccfpy.client.governance import API_VERSION, COSE_TYPE, protected_header
from ccfpy.client.reply import Reply
from ccfpy.client.signers.signature import ALGORITHMS, digest_of, read_signature
from ccfpy.client.vocabulary import Line, MessageType, SignatureForm
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate

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
