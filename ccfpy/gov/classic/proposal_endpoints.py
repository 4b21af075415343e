"""Proposals and ballots in the classic API.

This API refuses a member's second ballot whatever it says. A withdrawal of a proposal
that does not exist or is not open is an error here, and a success in the versioned API.

The bodies of the classic API as types: their schemas have the names of CCF 6.

Where CCF 6's document differs from what CCF 6's nodes returned, these types describe
what they returned: a table by hashes is an object by their hex, and texts are JSON.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ccfpy.base.annotations import U64, OrAbsent, described
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.base.json import Json
from ccfpy.endpoints.auth.cose import MemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import bytes_reply, json_reply, record_reply
from ccfpy.gov import proposals, requests, submission
from ccfpy.gov.classic.endpoints import Rows, require_active
from ccfpy.gov.operations import GovernanceNode
from ccfpy.gov.proposals import Proposal
from ccfpy.gov.requests import SignedRequest, signed_request
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.service.records import PemText, form_of
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import (
    Failure,
    MemberIdText,
    ProposalInfo,
    ProposalState,
)

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx


@described("Action")
class ClassicAction:
    """One action of a proposal."""

    name: str
    args: Json


@described("Proposal")
class ClassicProposal:
    """What a proposer signs."""

    actions: list[ClassicAction]


@described("Ballot")
class ClassicBallot:
    """A member's ballot."""

    ballot: str


@described("ProposalInfoSummary")
class ClassicProposalSummary:
    """A proposal, to the member who has just changed it."""

    proposal_id: str
    proposer_id: MemberIdText
    state: ProposalState
    ballot_count: U64
    votes: OrAbsent[Mapping[MemberId, bool]] = None
    vote_failures: OrAbsent[Mapping[MemberId, Failure]] = None
    failure: OrAbsent[Failure] = None


@described("FullMemberDetails")
class ClassicMember:
    """A member, to a reader."""

    status: MemberStatus
    member_data: Json
    cert: PemText
    public_encryption_key: PemText | None


@described("KeyIdInfo")
class ClassicTokenKey:
    """A key that may sign tokens."""

    issuer: str
    cert: PemText
    public_key: OrAbsent[bytes] = None


@described("StateDigest")
class ClassicStateDigest:
    """The root that a member signs."""

    state_digest: str


@described("GetRecoveryShare__Out")
class ClassicShare:
    """A recovery share, encrypted to its member."""

    encrypted_share: str


@described("SubmitRecoveryShare__In")
class ClassicShareSubmission:
    """A recovery share, decrypted by its member."""

    share: str


@described("SubmitRecoveryShare__Out")
class ClassicShareReceived:
    """How far the recovery has come."""

    message: str


# Rows of tables that the service does not read as records


ROWS = Rows()

_DETAILS = form_of(ProposalInfo)


@ROWS.add(
    "/proposals",
    ClassicProposalSummary,
    takes=ClassicProposal,
    auth=(MemberCoseSign1("proposal"),),
    writes=True,
)
def create(node: GovernanceNode, context: Context) -> "Response":
    """Record a proposal, and ask the constitution to validate and resolve it."""
    require_active(context)
    return record_reply(summary(*submission.propose(node, context)))


@ROWS.add(
    "/proposals/{proposal_id}/ballots",
    ClassicProposalSummary,
    takes=ClassicBallot,
    auth=(MemberCoseSign1("ballot"),),
    writes=True,
)
def submit_ballot(node: GovernanceNode, context: Context) -> "Response":
    """Record a member's ballot, and let the constitution resolve the proposal."""
    member_id = require_active(context)
    signed = signed_request(context)
    proposal_id = _signed_proposal_id(context, signed)
    constitution = proposals.read_constitution(
        context.tx,
        otherwise="No constitution is set - proposals cannot be evaluated",
    )
    proposal = _open_proposal(context.tx, proposal_id)
    if member_id in proposal.info.ballots:
        raise ApiError(400, ErrorCode.VoteAlreadyExists, "Vote already submitted.")
    source = submission.ballot_of(signed)
    info = submission.vote(node, context, constitution, proposal, signed, source)
    return record_reply(summary(proposal_id, info))


@ROWS.add(
    "/proposals/{proposal_id}/withdraw",
    ProposalInfo,
    auth=(MemberCoseSign1("withdrawal"),),
    writes=True,
)
def withdraw(_: GovernanceNode, context: Context) -> "Response":
    """Withdraw an open proposal at its proposer's request."""
    require_active(context)
    signed = signed_request(context)
    proposal_id = _signed_proposal_id(context, signed)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        raise proposals.unknown(proposal_id, status=400)
    submission.require_proposer(proposal_id, info, signed)
    proposals.require_open(proposal_id, info, "can be withdrawn.")
    withdrawn = submission.withdraw(context.tx, proposal_id, info, signed)
    return record_reply(details(withdrawn))


@ROWS.add("/proposals", dict[str, ProposalInfo])
def list_open(context: Context) -> "Response":
    """Describe every proposal that is still open, by its id."""
    found: JsonObject = {
        proposal_id: _DETAILS.write(details(info))
        for proposal_id, info in tables.INFO.of(context.tx).items()
        if info.state is ProposalState.OPEN
    }
    return json_reply(found)


@ROWS.add("/proposals/{proposal_id}", ProposalInfo)
def read_proposal(context: Context) -> "Response":
    """Describe one proposal."""
    proposal_id = _proposal_id(context)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        raise proposals.unknown(proposal_id)
    return record_reply(details(info))


@ROWS.add("/proposals/{proposal_id}/actions", ClassicProposal)
def read_actions(context: Context) -> "Response":
    """Return what a proposer signed, byte for byte."""
    proposal_id = _proposal_id(context)
    body = tables.PROPOSALS.of(context.tx).get(proposal_id)
    if body is None:
        raise proposals.unknown(proposal_id)
    return bytes_reply(body, content_type="application/json")


@ROWS.add("/proposals/{proposal_id}/ballots/{member_id}", ClassicBallot)
def read_ballot(context: Context) -> "Response":
    """Return a member's ballot."""
    member_id = MemberId(context.params["member_id"])
    proposal_id = _proposal_id(context)
    source = proposals.submitted_ballot(context.tx, proposal_id, member_id)
    return json_reply({"ballot": source})


def summary(proposal_id: ProposalId, info: ProposalInfo) -> ClassicProposalSummary:
    """Describe a proposal to the member who has just changed it."""
    return ClassicProposalSummary(
        proposal_id=proposal_id,
        proposer_id=info.proposer_id,
        state=info.state,
        ballot_count=len(info.ballots),
        votes=info.final_votes,
        vote_failures=info.vote_failures or None,
        failure=info.failure,
    )


def details(info: ProposalInfo) -> ProposalInfo:
    """Describe a proposal to a reader: as it is stored, without empty failures."""
    return replace(info, vote_failures=info.vote_failures or None)


def _proposal_id(context: Context) -> ProposalId:
    return ProposalId(context.params["proposal_id"])


def _signed_proposal_id(context: Context, signed: SignedRequest) -> ProposalId:
    """Return the proposal id in the path, which the signature must name too."""
    named = _proposal_id(context)
    if signed.proposal_id != named:
        raise requests.invalid_name("Authenticated proposal id does not match URL")
    return named


def _open_proposal(tx: "Tx", proposal_id: ProposalId) -> Proposal:
    info = tables.INFO.of(tx).get(proposal_id)
    body = tables.PROPOSALS.of(tx).get(proposal_id)
    if info is None or body is None:
        message = f"Could not find proposal {proposal_id}."
        raise ApiError(404, ErrorCode.ProposalNotFound, message)
    proposals.require_open(proposal_id, info, "can receive votes.")
    return Proposal(proposal_id=proposal_id, body=body, info=info)
