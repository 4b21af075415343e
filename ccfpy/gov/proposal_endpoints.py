"""The endpoints for proposals and ballots."""

from typing import TYPE_CHECKING

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.endpoints.auth.cose import ActiveMemberCoseSign1
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import bytes_reply, empty_reply, record_reply, text_reply
from ccfpy.gov import proposals, requests, submission
from ccfpy.gov.definitions import ActionsBody, Ballot, ProposalBody, ProposalsPage
from ccfpy.gov.operations import GovernanceNode, Operations
from ccfpy.gov.proposals import Proposal
from ccfpy.gov.requests import signed_request
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import ProposalState

if TYPE_CHECKING:
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx

OPERATIONS: Operations = Operations()

JAVASCRIPT = "text/javascript"


@OPERATIONS.signed(
    "/members/proposals:create",
    "Proposals_Create",
    ProposalBody,
    ActiveMemberCoseSign1("proposal"),
)
def create(node: GovernanceNode, context: Context) -> "Response":
    """Record a proposal, and ask the constitution to validate and resolve it."""
    submitted = submission.propose(node, context)
    return record_reply(proposals.body_of(*submitted))


@OPERATIONS.signed(
    "/members/proposals/{proposalId}:withdraw",
    "Proposals_Withdraw",
    ProposalBody,
    ActiveMemberCoseSign1("withdrawal"),
    may_be_nothing=True,
)
def withdraw(_: GovernanceNode, context: Context) -> "Response":
    """Withdraw an open proposal at its proposer's request."""
    signed = signed_request(context)
    proposal_id = requests.signed_proposal_id(context, signed)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        # Whether there ever was such a proposal is unknown: nothing is left to do.
        return empty_reply(204)
    submission.require_proposer(proposal_id, info, signed)
    if info.state is ProposalState.OPEN:
        info = submission.withdraw(context.tx, proposal_id, info, signed)
    elif info.state is not ProposalState.WITHDRAWN:
        raise ApiError(
            400,
            ErrorCode.ProposalNotOpen,
            f"Proposal {proposal_id} is currently in state "
            f"{proposals.state_word(info.state)} and cannot be withdrawn.",
        )
    return record_reply(proposals.body_of(proposal_id, info))


@OPERATIONS.signed(
    "/members/proposals/{proposalId}/ballots/{memberId}:submit",
    "Ballots_Submit",
    ProposalBody,
    ActiveMemberCoseSign1("ballot"),
)
def submit_ballot(node: GovernanceNode, context: Context) -> "Response":
    """Record a member's ballot, and let the constitution resolve the proposal."""
    signed = signed_request(context)
    proposal_id = requests.signed_proposal_id(context, signed)
    member_id = requests.signed_member_id(context, signed)
    proposal = _open_proposal(context.tx, proposal_id)
    source = submission.ballot_of(signed)
    constitution = proposals.read_constitution(
        context.tx, otherwise="No constitution is set - ballots cannot be evaluated"
    )
    earlier = proposal.info.ballots.get(member_id)
    if earlier is not None:
        return _same_ballot(proposal, member_id, earlier, source)
    info = submission.vote(node, context, constitution, proposal, signed, source)
    return record_reply(proposals.body_of(proposal_id, info))


@OPERATIONS.read("/members/proposals", "Proposals_List", ProposalsPage)
def list_proposals(context: Context) -> "Response":
    """Return every proposal that is not forgotten yet."""
    return record_reply(
        ProposalsPage(
            value=[
                proposals.body_of(proposal_id, info)
                for proposal_id, info in tables.INFO.of(context.tx).items()
            ]
        )
    )


@OPERATIONS.read("/members/proposals/{proposalId}", "Proposals_Get", ProposalBody)
def read_proposal(context: Context) -> "Response":
    """Describe one proposal."""
    proposal_id = requests.proposal_id(context)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        raise _not_found(proposal_id)
    return record_reply(proposals.body_of(proposal_id, info))


@OPERATIONS.read(
    "/members/proposals/{proposalId}/actions", "Proposals_GetActions", ActionsBody
)
def read_actions(context: Context) -> "Response":
    """Return what a proposer signed, byte for byte."""
    proposal_id = requests.proposal_id(context)
    body = tables.PROPOSALS.of(context.tx).get(proposal_id)
    if body is None:
        raise _not_found(proposal_id)
    return bytes_reply(body, content_type="application/json")


@OPERATIONS.read(
    "/members/proposals/{proposalId}/ballots/{memberId}",
    "Ballots_Get",
    Ballot,
    is_javascript=True,
)
def read_ballot(context: Context) -> "Response":
    """Return a member's ballot."""
    proposal_id = requests.proposal_id(context)
    member_id = requests.member_id(context)
    source = proposals.submitted_ballot(context.tx, proposal_id, member_id)
    return text_reply(source, content_type=JAVASCRIPT)


def _open_proposal(tx: "Tx", proposal_id: ProposalId) -> Proposal:
    info = tables.INFO.of(tx).get(proposal_id)
    if info is None:
        raise _not_found(proposal_id)
    proposals.require_open(proposal_id, info, "can receive votes")
    body = tables.PROPOSALS.of(tx).get(proposal_id)
    if body is None:
        raise _not_found(proposal_id)
    return Proposal(proposal_id=proposal_id, body=body, info=info)


def _same_ballot(
    proposal: Proposal, member_id: MemberId, earlier: str, source: str
) -> "Response":
    """Return the response to a ballot that the member has cast before."""
    if earlier != source:
        raise ApiError(
            400,
            ErrorCode.VoteAlreadyExists,
            f"Different ballot already submitted by m[{member_id}] for "
            f"{proposal.proposal_id}.",
        )
    return record_reply(proposals.body_of(proposal.proposal_id, proposal.info))


def _not_found(proposal_id: ProposalId) -> ApiError:
    message = f"Could not find proposal {proposal_id}."
    return ApiError(404, ErrorCode.ProposalNotFound, message)
