"""Members' signed requests: proposals, ballots, acknowledgements, recovery shares.

Every request is a COSE Sign1 message in CCF's form. A proposal's ``created_at`` comes
from the clock but never repeats or goes back within a process, because a service
refuses a second proposal of the same second and content, and those older than most it
has seen.

A ballot is a script that says yes or no each time the proposal is counted. A signed
ballot names its proposal by an id, which a member cannot compute from what the member
read. A service that lies may show one proposal under the id of another. A bound ballot
therefore holds the SHA-256 of the text that its member read. The ballot says yes to
that text alone, whatever the service counts it for.
"""

import base64
import binascii
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.base.json import Json, JsonObject, dumps
from ccfpy.client.connection import COMMIT_TIMEOUT_S, Connection
from ccfpy.client.errors import NotActive, ServiceError, UnexpectedReply
from ccfpy.client.keys import ShareDecrypter, Signer, member_id
from ccfpy.client.requests import Reply, text_field
from ccfpy.client.vocabulary import MessageType
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256

ACCEPT = "export function vote (proposal, proposer_id) { return true }"
"""The ballot that says yes to whatever is proposed."""
REJECT = "export function vote (proposal, proposer_id) { return false }"
"""The ballot that says no to whatever is proposed."""

_BOUND = """\
export function vote (proposal, proposer_id) {{
  const digest = ccf.crypto.digest("SHA-256", ccf.strToBuf(proposal));
  const bytes = Array.from(new Uint8Array(digest));
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("") === "{digest}";
}}
"""


def side_of(ballot: str, proposal: bytes) -> bool | None:
    """Return what a ballot says, if the ballot is one that this client makes.

    A ballot is a script, and others may say anything: what those say takes a run of
    the script to find out, which nothing here does.

    Args:
        ballot: the script.
        proposal: the bytes that the ballot is counted for.
    """
    if ballot == REJECT:
        return False
    return True if ballot in (ACCEPT, bound_ballot(proposal)) else None


def text_digest(proposal: bytes) -> str:
    """Return the SHA-256 of a proposal's text, as hex.

    Args:
        proposal: the proposal as its proposer signed it. The constitution gets it as
            text: bytes that are no UTF-8 are replaced there, and so here.
    """
    return sha256(proposal.decode(errors="replace").encode()).hex()


def bound_ballot(proposal: bytes, *, approve: bool = True) -> str:
    """Return a ballot that says yes to one text only.

    The same arguments give the same ballot, so that it can be submitted again.

    Args:
        proposal: the bytes that the member read.
        approve: whether the member agrees. A ballot against a proposal says no to
            every text, and need not be bound.
    """
    return _BOUND.format(digest=text_digest(proposal)) if approve else REJECT


API_VERSION = "2024-07-01"
COSE_TYPE = "application/cose"
_NOT_ACTIVE = "Signer is not an ACTIVE member"
"""CCF's reason for refusing a member who has acknowledged nothing yet."""


class CreatedAt:
    """Seconds since 1970 that strictly increase, though the clock may not."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._last = 0

    def now(self) -> int:
        """Return the time."""
        return int(self._now())

    def next(self) -> int:
        """Return the time, or one more than the last returned if that is later."""
        self._last = max(self.now(), self._last + 1)
        return self._last


_CREATED_AT = CreatedAt()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalStatus:
    """What a service says of a proposal after a request about it.

    Attributes:
        state: ``Open``, ``Accepted``, ``Rejected``, ``Failed``, ``Withdrawn``,
            ``Dropped``.
        txid: the transaction that the request became.
    """

    proposal_id: ProposalId
    proposer_id: MemberId
    state: str
    ballot_count: int
    txid: TxId | None = None

    @property
    def is_open(self) -> bool:
        """Whether votes are still taken."""
        return self.state == "Open"

    @classmethod
    def read(cls, reply: Reply) -> "ProposalStatus":
        """Read a reply.

        Raises:
            UnexpectedReply: it says nothing of a proposal.
        """
        return cls.of(reply.object(), txid=reply.txid)

    @classmethod
    def of(cls, fields: JsonObject, *, txid: TxId | None = None) -> "ProposalStatus":
        """Read what a list of proposals says of one, or a reply.

        Raises:
            UnexpectedReply: it says nothing of a proposal.
        """
        count = fields.get("ballotCount", 0)
        if not isinstance(count, int):
            raise UnexpectedReply(f"expected a number of ballots, found {count!r}")
        return cls(
            proposal_id=ProposalId(text_field(fields, "proposalId")),
            proposer_id=MemberId(text_field(fields, "proposerId")),
            state=text_field(fields, "proposalState"),
            ballot_count=count,
            txid=txid,
        )


def protected_header(
    certificate: Certificate,
    kind: MessageType,
    *,
    created_at: int,
    proposal_id: str | None = None,
) -> dict[cose.Label, object]:
    """Return the header a member signs beside the algorithm, in CCF's order."""
    protected: dict[cose.Label, object] = {
        cose.KID: member_id(certificate).encode(),
        "ccf.gov.msg.type": kind.value,
        "ccf.gov.msg.created_at": created_at,
    }
    if proposal_id is not None:
        protected["ccf.gov.msg.proposal_id"] = proposal_id
    return protected


async def signed_message(
    signer: Signer,
    kind: MessageType,
    payload: bytes,
    *,
    created_at: int,
    proposal_id: str | None = None,
) -> bytes:
    """Make a COSE Sign1 message as CCF's governance takes it."""
    protected = protected_header(
        signer.certificate, kind, created_at=created_at, proposal_id=proposal_id
    )
    key = signer.certificate.public_key
    signed = cose.to_be_signed(key, protected=protected, payload=payload)
    return cose.assemble(
        key,
        protected=protected,
        payload=payload,
        signature=await signer.sign(signed),
    )


class Governance:
    """One member's part in governing a service.

    Args:
        connection: to the service, as anybody: the signature says who speaks.
        signer: the member's key.
        created_at: where times come from; the process's own by default.
    """

    def __init__(
        self,
        connection: Connection,
        signer: Signer,
        *,
        api_version: str = API_VERSION,
        created_at: CreatedAt = _CREATED_AT,
    ) -> None:
        self._connection = connection
        self._signer = signer
        self._api_version = api_version
        self._created_at = created_at
        self.member_id = member_id(signer.certificate)

    async def propose(self, actions: Sequence[Mapping[str, Json]]) -> ProposalStatus:
        """Propose actions; raises ``ServiceError`` as the rest of this class."""
        return await self.propose_document(dumps({"actions": list(actions)}))

    async def propose_document(self, document: bytes) -> ProposalStatus:
        """Propose what is JSON text already, byte for byte."""
        path = "/gov/members/proposals:create"
        reply = await self._send(path, MessageType.PROPOSAL, document)
        return ProposalStatus.read(reply)

    async def vote(self, proposal_id: str, ballot: str = ACCEPT) -> ProposalStatus:
        """Submit a ballot, a script that exports a function ``vote``."""
        path = (
            f"/gov/members/proposals/{quote(proposal_id)}"
            f"/ballots/{self.member_id}:submit"
        )
        reply = await self._send(
            path,
            MessageType.BALLOT,
            dumps({"ballot": ballot}),
            proposal_id=proposal_id,
        )
        return ProposalStatus.read(reply)

    async def withdraw(self, proposal_id: str) -> ProposalStatus | None:
        """Withdraw a proposal of this member's; nothing if there is none such."""
        path = f"/gov/members/proposals/{quote(proposal_id)}:withdraw"
        reply = await self._send(
            path, MessageType.WITHDRAWAL, b"", proposal_id=proposal_id
        )
        return ProposalStatus.read(reply) if reply.body else None

    async def acknowledge(self) -> str:
        """Sign the state of the service, which makes the member active; give it."""
        path = f"/gov/members/state-digests/{self.member_id}"
        reply = await self._send(f"{path}:update", MessageType.STATE_DIGEST, b"")
        digest = text_field(reply.object(), "stateDigest")
        payload = dumps({"memberId": self.member_id, "stateDigest": digest})
        await self._send(f"{path}:ack", MessageType.ACK, payload)
        return digest

    async def submit_share(self, decrypter: ShareDecrypter) -> JsonObject:
        """Hand in this member's recovery share; give what the service says.

        Raises:
            UnexpectedReply: the service gives no share.
            VerificationFailed: the share is not for this key.
            KeyUnusable: the key is not there, or refuses.
        """
        path = f"/gov/recovery/encrypted-shares/{self.member_id}"
        reply = await self._connection.get(self._versioned(path))
        wrapped = text_field(reply.object(), "encryptedShare")
        try:
            encrypted = base64.b64decode(wrapped, validate=True)
        except binascii.Error as error:
            raise UnexpectedReply(f"not an encrypted share: {error}") from error
        share = await decrypter.decrypt(encrypted)
        payload = dumps({"share": base64.b64encode(share).decode()})
        path = f"/gov/recovery/members/{self.member_id}:recover"
        return (await self._send(path, MessageType.RECOVERY_SHARE, payload)).object()

    def _versioned(self, path: str) -> str:
        return f"{path}?api-version={quote(self._api_version)}"

    async def _send(
        self,
        path: str,
        kind: MessageType,
        payload: bytes,
        *,
        proposal_id: str | None = None,
    ) -> Reply:
        clock = self._created_at
        body = await signed_message(
            self._signer,
            kind,
            payload,
            # Only proposals must differ; the others need not run ahead of the clock.
            created_at=clock.next() if kind is MessageType.PROPOSAL else clock.now(),
            proposal_id=proposal_id,
        )
        reply = await self._connection.request(
            "POST",
            self._versioned(path),
            body=body,
            headers={"content-type": COSE_TYPE},
        )
        try:
            return reply.raise_for_error()
        except ServiceError as error:
            if _NOT_ACTIVE in str(error.details):
                raise NotActive(self.member_id, error) from error
            raise


async def read_governance(
    connection: Connection, path: str, *, api_version: str = API_VERSION
) -> Json:
    """Read one of the public lists of ``/gov``, such as ``members/proposals``.

    Raises:
        ServiceError: there is no such thing.
    """
    reply = await connection.get(f"/gov/{path}?api-version={quote(api_version)}")
    return reply.json()


async def read_actions(
    connection: Connection, proposal_id: str, *, api_version: str = API_VERSION
) -> bytes:
    """Read what a proposer signed, byte for byte.

    Raises:
        ServiceError: there is no such proposal.
    """
    path = f"/gov/members/proposals/{quote(proposal_id)}/actions"
    reply = await connection.get(f"{path}?api-version={quote(api_version)}")
    return reply.body


ALREADY_PROPOSED = "ProposalReplay"
PROPOSALS_MAX = 5
"""Of one deployment, where others propose the same at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What became of a proposal to install an application.

    Attributes:
        status: of the proposal, after these members' ballots.
    """

    status: ProposalStatus

    @property
    def is_installed(self) -> bool:
        """Whether the application is in force, and committed."""
        return self.status.state == "Accepted"


async def deploy(
    connection: Connection,
    members: Sequence[Signer],
    action: Mapping[str, Json],
    *,
    timeout_s: float = COMMIT_TIMEOUT_S,
) -> Deployment:
    """Propose as the first member, let all of these vote, wait until it is committed.

    Where it takes more votes than theirs, the proposal stays open for others.

    Raises:
        ServiceError: the service refuses it, such as for want of a module.
        NotCommitted: it is not committed in time.
    """
    governed = [Governance(connection, signer) for signer in members]
    status = await _proposed(governed[0], action)
    for member in governed:
        if not status.is_open:
            break
        status = await member.vote(status.proposal_id)
    if status.txid is not None:
        await connection.wait_committed(status.txid, timeout_s=timeout_s)
    return Deployment(status=status)


async def _proposed(member: Governance, action: Mapping[str, Json]) -> ProposalStatus:
    """Propose; again if somebody proposed the very same within this second.

    Each attempt of a process bears a later time than the one before.
    """
    for _ in range(PROPOSALS_MAX - 1):
        try:
            return await member.propose([action])
        except ServiceError as error:
            if error.code != ALREADY_PROPOSED:
                raise
    return await member.propose([action])
