"""A request that a member signed, checked long after it was served."""

from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate

TYPE = "ccf.gov.msg.type"
CREATED_AT = "ccf.gov.msg.created_at"
PROPOSAL_ID = "ccf.gov.msg.proposal_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a request says, and what is wrong with it.

    Attributes:
        payload: what was signed.
        created_at: when, by the member's clock, in seconds since 1970.
        flaw: why it proves nothing; nothing if it does.
    """

    payload: bytes = b""
    created_at: int | None = None
    flaw: str | None = None


def check(
    envelope: bytes,
    member: MemberId,
    certificate: str | None,
    kind: str,
    proposal_id: ProposalId | None = None,
) -> Signed:
    """Check that a member signed a request of some kind.

    Args:
        envelope: the COSE_Sign1 that was the request's body.
        member: who must have signed it.
        certificate: the one that the service held of the member then, PEM.
        kind: what it must ask for, in the words of its header.
        proposal_id: what it must be about, if about a proposal.
    """
    try:
        message = cose.parse(envelope)
        payload = message.payload or b""
        stated = message.protected.get(CREATED_AT)
        created_at = stated if isinstance(stated, int) else None
        flaw = _flaw(message, member, certificate)
    except CcfpyError as error:
        return Signed(flaw=str(error))
    if flaw is None and message.protected.get(TYPE) != kind:
        flaw = f"the request signed is no {kind}"
    if flaw is None and message.protected.get(PROPOSAL_ID) != proposal_id:
        flaw = "the request signed is about another proposal"
    return Signed(payload=payload, created_at=created_at, flaw=flaw)


def _flaw(message: cose.Sign1, member: MemberId, certificate: str | None) -> str | None:
    """Say why a message is not the member's.

    Raises:
        CcfpyError: its signature does not verify, or the certificate is none.
    """
    if message.key_id != member.encode():
        return "signed by another than the member"
    if certificate is None:
        return "signed by a member whom the service did not know"
    known = Certificate.from_pem(certificate)
    if known.digest_hex != member:
        return "the member's certificate has another id"
    message.verify(known.public_key)
    return None
