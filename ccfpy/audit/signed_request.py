"""A request that a member signed, checked long after it was served.

Members sign a COSE_Sign1 that is the request's body. Before that they signed headers of
an HTTP request, among them its target and the digest of its body, with their curve's
own hash; the service kept these headers and the body.
"""

import base64
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.json import Json
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger import record

TYPE = "ccf.gov.msg.type"
CREATED_AT = "ccf.gov.msg.created_at"
PROPOSAL_ID = "ccf.gov.msg.proposal_id"

_TARGETS = {
    "proposal": "post /gov/proposals",
    "ballot": "post /gov/proposals/{}/ballots",
    "withdrawal": "post /gov/proposals/{}/withdraw",
    "ack": "post /gov/ack",
}
"""What a signed HTTP request asked for, by what a COSE_Sign1 would name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The content of a request, and its fault, if it has one.

    Attributes:
        payload: what was signed.
        created_at: when, by the member's clock, in seconds since 1970.
        flaw: why the request proves nothing; nothing if it is a proof.
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
        key_id = (message.key_id or b"").decode(errors="replace")
        message.verify(_key(key_id, member, certificate))
    except CcfpyError as error:
        return Signed(flaw=str(error))
    flaw = None
    if message.protected.get(TYPE) != kind:
        flaw = f"the request signed is no {kind}"
    elif message.protected.get(PROPOSAL_ID) != proposal_id:
        flaw = "the request signed is about another proposal"
    return Signed(payload=payload, created_at=created_at, flaw=flaw)


def check_http(
    kept: Json,
    member: MemberId,
    certificate: str | None,
    kind: str,
    proposal_id: ProposalId | None = None,
) -> Signed:
    """Check that a member signed an HTTP request; arguments as of ``check``.

    Args:
        kept: the record that the service kept of it.
        member: who must have signed it.
        certificate: the one that the service held of the member then, PEM.
        kind: what it must ask for.
        proposal_id: what it must be about, if about a proposal.
    """
    try:
        if not isinstance(kept, dict):
            raise Malformed("not a signed request")
        headers, body = record.blob(kept, "req"), record.blob(kept, "request_body")
        key = _key(record.text(kept, "key_id"), member, certificate)
        key.verify(record.blob(kept, "sig"), headers)
    except CcfpyError as error:
        return Signed(flaw=str(error))
    lines = headers.decode(errors="replace").splitlines()
    digest = base64.b64encode(sha256(body)).decode()
    target = _TARGETS[kind].format(proposal_id)
    flaw = None
    if f"(request-target): {target}" not in lines:
        flaw = f"the request signed is no {kind}, or about another proposal"
    elif f"digest: SHA-256={digest}" not in lines:
        flaw = "what was signed is not what was kept"
    return Signed(payload=body, flaw=flaw)


def _key(key_id: str, member: MemberId, certificate: str | None) -> PublicKey:
    """Return the key that a member signs with.

    Raises:
        CcfpyError: the request names another, or the service knew none.
    """
    if key_id != member:
        raise Malformed("signed by another than the member")
    if certificate is None:
        raise Malformed("signed by a member whom the service did not know")
    known = Certificate.from_pem(certificate)
    if known.digest_hex != member:
        raise Malformed("the member's certificate has another id")
    return known.public_key
