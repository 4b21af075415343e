"""Members' decisions from the ledger: who proposed, who voted, and the outcome.

The changes in the governance tables say what kind of act a transaction is. Each act of
a member must come with the request that the member signed. The request's signature,
kind and content are checked; a failed check is the event's ``flaw``.

Members sign a COSE_Sign1 that is the request's body. Before that they signed headers of
an HTTP request, among them its target and the digest of its body, with their curve's
own hash; the service kept these headers and the body.

The caller must have verified the ledger.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from ccfpy.audit.chunks import ChunkPath
from ccfpy.base import json
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.base.json import Json
from ccfpy.crypto import cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import Map
from ccfpy.ledger import record
from ccfpy.ledger.chunk import Chunk
from ccfpy.ledger.entry import Transaction
from ccfpy.service.tables import members, proposals
from ccfpy.service.tables.members import MemberAck, MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

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


TABLES = frozenset(
    table.name
    for table in (
        proposals.PROPOSALS,
        proposals.INFO,
        proposals.COSE_HISTORY,
        proposals.HISTORY,
        members.CERTS,
        members.INFO,
        members.ACKS,
    )
)
_MARK = b"public:ccf.gov."

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A member made a proposal.

    Attributes:
        txid: the transaction.
        proposal_id: the proposal.
        member_id: who made it.
        created_at: when, by the member's clock, in seconds since 1970.
        actions: the names of its actions, in order.
        flaw: why the member's signature does not prove it; nothing if it does.
    """

    txid: TxId
    proposal_id: ProposalId
    member_id: MemberId
    created_at: int | None
    actions: tuple[str, ...]
    flaw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voted:
    """A member submitted a ballot; attributes as of ``Proposed``.

    Attributes:
        ballot: JavaScript that says yes or no when it is run.
    """

    txid: TxId
    proposal_id: ProposalId
    member_id: MemberId
    created_at: int | None
    ballot: str
    flaw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A member withdrew a proposal; attributes as of ``Proposed``."""

    txid: TxId
    proposal_id: ProposalId
    member_id: MemberId
    created_at: int | None
    flaw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The constitution decided on a proposal.

    Attributes:
        txid: the transaction.
        proposal_id: the proposal.
        state: what became of it.
        votes: what each ballot said then.
        failure: why it, or a ballot, did not evaluate.
    """

    txid: TxId
    proposal_id: ProposalId
    state: ProposalState
    votes: Mapping[MemberId, bool]
    failure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """A member signed the state that it joins; attributes as of ``Proposed``."""

    txid: TxId
    member_id: MemberId
    created_at: int | None
    flaw: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSeen:
    """A member came, became active, or went.

    Attributes:
        txid: the transaction.
        member_id: the member.
        status: its status from then on; nothing if it was removed.
    """

    txid: TxId
    member_id: MemberId
    status: MemberStatus | None


Event: TypeAlias = Proposed | Voted | Withdrawn | Decided | Acknowledged | MemberSeen

GovernanceWrites: TypeAlias = list[tuple[TxId, WriteSet]]


def read_governance(chunk: ChunkPath) -> GovernanceWrites:
    """Find what a chunk's transactions wrote to the tables that matter here.

    Raises:
        Malformed: the chunk is damaged.
        OSError: it cannot be read.
    """
    found: GovernanceWrites = []
    try:
        for _, _, data in Chunk.parse(chunk.name, chunk.path.read_bytes()).entries():
            if _MARK not in data:
                continue
            transaction = Transaction.parse(data)
            writes = transaction.domain.write_set
            kept = {name: writes[name] for name in writes if name in TABLES}
            if kept:
                found.append((transaction.txid, kept))
    except Malformed as error:
        raise Malformed(f"{chunk.name} is damaged: {error}") from error
    return found


@dataclass(slots=True)
class Chronicle:
    """What is known of members and proposals after the transactions taken so far."""

    _certificates: dict[MemberId, str] = field(default_factory=dict)
    _statuses: dict[MemberId, MemberStatus] = field(default_factory=dict)
    _acks: dict[MemberId, MemberAck] = field(default_factory=dict)
    _proposals: dict[ProposalId, ProposalInfo] = field(default_factory=dict)

    def take(self, txid: TxId, write_set: WriteSet) -> Iterator[Event]:
        """Yield what the next transaction did.

        Raises:
            Malformed: a record has not its form.
        """
        try:
            yield from self._proposal_events(txid, write_set)
            yield from self._acknowledgements(txid, write_set)
            yield from self._member_events(txid, write_set)
        except Malformed as error:
            raise Malformed(f"transaction {txid}: {error}") from error

    def _proposal_events(self, txid: TxId, write_set: WriteSet) -> Iterator[Event]:
        bodies = _records(proposals.PROPOSALS, write_set)
        for proposal_id, info in _records(proposals.INFO, write_set).items():
            before = self._proposals.get(proposal_id)
            if info is None:
                self._proposals.pop(proposal_id, None)
                continue
            if before is None:
                yield self._proposed(txid, write_set, proposal_id, info, bodies)
            earlier = before.ballots if before is not None else {}
            for member, ballot in info.ballots.items():
                if earlier.get(member) != ballot:
                    yield self._voted(txid, write_set, proposal_id, (member, ballot))
            if before is None or before.state is not info.state:
                yield from self._moved(txid, write_set, proposal_id, info)
            self._proposals[proposal_id] = info

    def _proposed(
        self,
        txid: TxId,
        write_set: WriteSet,
        proposal_id: ProposalId,
        info: ProposalInfo,
        bodies: Mapping[ProposalId, bytes | None],
    ) -> Proposed:
        body = bodies.get(proposal_id)
        signed = self._signed(write_set, info.proposer_id, "proposal")
        flaw = signed.flaw
        if flaw is None and signed.payload != body:
            flaw = "what was signed is not what was proposed"
        return Proposed(
            txid=txid,
            proposal_id=proposal_id,
            member_id=info.proposer_id,
            created_at=signed.created_at,
            actions=_actions(body or b""),
            flaw=flaw,
        )

    def _voted(
        self,
        txid: TxId,
        write_set: WriteSet,
        proposal_id: ProposalId,
        vote: tuple[MemberId, str],
    ) -> Voted:
        member, ballot = vote
        signed = self._signed(write_set, member, "ballot", proposal_id)
        flaw = signed.flaw
        if flaw is None and _text(signed.payload, "ballot") != ballot:
            flaw = "what was signed is not the ballot that was counted"
        return Voted(
            txid=txid,
            proposal_id=proposal_id,
            member_id=member,
            created_at=signed.created_at,
            ballot=ballot,
            flaw=flaw,
        )

    def _moved(
        self,
        txid: TxId,
        write_set: WriteSet,
        proposal_id: ProposalId,
        info: ProposalInfo,
    ) -> Iterator[Event]:
        if info.state is ProposalState.WITHDRAWN:
            member = info.proposer_id
            signed = self._signed(write_set, member, "withdrawal", proposal_id)
            yield Withdrawn(
                txid=txid,
                proposal_id=proposal_id,
                member_id=member,
                created_at=signed.created_at,
                flaw=signed.flaw,
            )
        elif info.state is not ProposalState.OPEN:
            failures = [f"{k}: {v}" for k, v in (info.vote_failures or {}).items()]
            if info.failure is not None:
                failures.insert(0, str(info.failure))
            yield Decided(
                txid=txid,
                proposal_id=proposal_id,
                state=info.state,
                votes=info.final_votes or {},
                failure="\n".join(failures) or None,
            )

    def _signed(
        self,
        write_set: WriteSet,
        member: MemberId,
        kind: str,
        proposal_id: ProposalId | None = None,
    ) -> Signed:
        """Look for the request by which a member did something, and check it."""
        certificate = self._certificates.get(member)
        envelope = _records(proposals.COSE_HISTORY, write_set).get(member)
        if envelope is not None:
            return check(envelope, member, certificate, kind, proposal_id)
        kept = _records(proposals.HISTORY, write_set).get(member)
        if kept is not None:
            return check_http(kept, member, certificate, kind, proposal_id)
        return Signed(flaw="no signed request beside it")

    def _acknowledgements(
        self, txid: TxId, write_set: WriteSet
    ) -> Iterator[Acknowledged]:
        for member, ack in _records(members.ACKS, write_set).items():
            before = self._acks.pop(member, None) or MemberAck()
            if ack is None:
                continue
            # What a member is asked to sign changes beside what it last signed.
            self._acks[member] = ack
            certificate = self._certificates.get(member)
            cose, http = ack.cose_sign1_req, ack.signed_req
            if cose is not None and cose != before.cose_sign1_req:
                signed = check(cose, member, certificate, "ack")
            elif http is not None and http != before.signed_req:
                signed = check_http(http, member, certificate, "ack")
            else:
                continue
            flaw = signed.flaw
            # CCF 1 and 2 could move the digest on as they took the answer to it.
            asked = (before.state_digest, ack.state_digest)
            if flaw is None and _digest(signed.payload) not in asked:
                flaw = "what was signed is not the state that was to be"
            yield Acknowledged(
                txid=txid, member_id=member, created_at=signed.created_at, flaw=flaw
            )

    def _member_events(self, txid: TxId, write_set: WriteSet) -> Iterator[MemberSeen]:
        for member, pem in _records(members.CERTS, write_set).items():
            if pem is None:
                self._certificates.pop(member, None)
            else:
                self._certificates[member] = pem
        for member, info in _records(members.INFO, write_set).items():
            status = None if info is None else info.status
            if self._statuses.get(member) == status:
                continue
            if status is None:
                del self._statuses[member]
            else:
                self._statuses[member] = status
            yield MemberSeen(txid=txid, member_id=member, status=status)


def _records(table: Map[Key, Value], write_set: WriteSet) -> dict[Key, Value | None]:
    return table.decode_writes(write_set.get(table.name, {}))


def _actions(body: bytes) -> tuple[str, ...]:
    """Return the names of a proposal's actions; a malformed proposal has none."""
    try:
        actions = json.loads_object(body).get("actions")
    except CcfpyError:
        return ()
    if not isinstance(actions, list):
        return ()
    named = (each.get("name") for each in actions if isinstance(each, dict))
    return tuple(name for name in named if isinstance(name, str))


def _text(payload: bytes, name: str) -> str | None:
    try:
        value = json.loads_object(payload).get(name)
    except CcfpyError:
        return None
    return value if isinstance(value, str) else None


def _digest(payload: bytes) -> str | None:
    """Return the digest in an acknowledgement, in either API's words."""
    return _text(payload, "stateDigest") or _text(payload, "state_digest")
