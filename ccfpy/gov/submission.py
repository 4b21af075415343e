"""Recording signed proposals and ballots: what both forms of the API share.

Each form has its own order of checks, its own words, and its own form of responses.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.base.ids import ProposalId
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.context import Context
from ccfpy.gov import proposals
from ccfpy.gov.evaluation import Evaluator
from ccfpy.gov.ports import GovernanceNode
from ccfpy.gov.proposals import Proposal
from ccfpy.gov.replay_protection import ReplayProtection
from ccfpy.gov.requests import SignedRequest, signed_request
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

if TYPE_CHECKING:
    from ccfpy.base.ids import MemberId
    from ccfpy.kv.tx import Tx


class Submitted(NamedTuple):
    """The state of a proposal after it was created."""

    proposal_id: ProposalId
    info: ProposalInfo


def propose(node: GovernanceNode, context: Context) -> Submitted:
    """Record a proposal, and ask the constitution to validate and resolve it."""
    signed = signed_request(context)
    tx = context.tx
    proposal_id = _bind(node, tx, signed)
    constitution = proposals.read_constitution(
        tx, otherwise="No constitution is set - proposals cannot be evaluated"
    )
    info = ProposalInfo(proposer_id=signed.member_id)
    proposal = Proposal(proposal_id=proposal_id, body=signed.payload, info=info)
    evaluator = _evaluator(node, context)
    with _ScriptErrors():
        proposals.validate(evaluator, constitution, proposal.text)
    _store(tx, proposal)
    latest_s = context.node.created_at_latest_s
    ReplayProtection(tx, signed, latest_s).admit(proposal_id)
    tables.COSE_HISTORY.of(tx).put(signed.member_id, signed.envelope)
    return Submitted(proposal_id, _resolve(evaluator, constitution, proposal))


def vote(
    node: GovernanceNode,
    context: Context,
    constitution: Program,
    proposal: Proposal,
    signed: SignedRequest,
    ballot: str,
) -> ProposalInfo:
    """Record a ballot, and ask the constitution to resolve the proposal.

    Args:
        node: runs the scripts.
        context: the member's request.
        constitution: the constitution in force.
        proposal: the open proposal, for which the member has no ballot yet.
        signed: the member's signed request.
        ballot: the ballot's script.
    """
    member_id = signed.member_id
    ballots = {**proposal.info.ballots, member_id: ballot}
    proposal = replace(proposal, info=replace(proposal.info, ballots=ballots))
    tables.COSE_HISTORY.of(context.tx).put(member_id, signed.envelope)
    return _resolve(_evaluator(node, context), constitution, proposal, voter=member_id)


def _evaluator(node: GovernanceNode, context: Context) -> Evaluator:
    return Evaluator.of(node, context.tx, context.node.unix_time_us)


def _bind(node: GovernanceNode, tx: "Tx", signed: SignedRequest) -> ProposalId:
    """Return a proposal's id: a digest of its request and the service's state.

    CCF makes the same id, which auditors compute again from the signature as it was
    sent. The same proposal with another form of its signature would have another
    id: ``ReplayProtection`` refuses the second.
    """
    version = tx.read_version
    root = None if version is None else node.root_at(version)
    if root is None:
        raise internal_error("Proposal failed to bind to state.")
    return ProposalId(sha256(root + sha256(signed.message.signature)).hex())


def withdraw(
    tx: "Tx", proposal_id: ProposalId, info: ProposalInfo, signed: SignedRequest
) -> ProposalInfo:
    """Withdraw an open proposal, as its proposer asked."""
    info = proposals.move(info, ProposalState.WITHDRAWN)
    tables.INFO.of(tx).put(proposal_id, info)
    proposals.forget_closed(tx, keep=proposal_id)
    tables.COSE_HISTORY.of(tx).put(signed.member_id, signed.envelope)
    return info


def require_proposer(
    proposal_id: ProposalId, info: ProposalInfo, signed: SignedRequest
) -> None:
    """Raise if anybody but the proposer asks for the withdrawal."""
    if info.proposer_id != signed.member_id:
        raise ApiError(
            403,
            ErrorCode.AuthorizationFailed,
            f"Proposal {proposal_id} can only be withdrawn by proposer "
            f"m[{info.proposer_id}], not caller m[{signed.member_id}].",
        )


def ballot_of(signed: SignedRequest) -> str:
    """Return a ballot's script."""
    fields = signed.json()
    source = fields.get("ballot") if isinstance(fields, dict) else None
    if not isinstance(source, str):
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            "Signed request body is not a JSON object containing required string "
            'field "ballot"',
        )
    return source


class _ScriptErrors:
    """Turns a script without its function into an error 500 for the caller."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, JsModuleFailed):
            raise internal_error(str(error)) from error


def _store(tx: "Tx", proposal: Proposal) -> None:
    bodies = tables.PROPOSALS.of(tx)
    # Reading the key makes two creations that saw the same state conflict.
    if bodies.has(proposal.proposal_id):
        raise internal_error("Proposal ID collision.")
    bodies.put(proposal.proposal_id, proposal.body)
    tables.INFO.of(tx).put(proposal.proposal_id, proposal.info)


def _resolve(
    evaluator: Evaluator,
    constitution: Program,
    proposal: Proposal,
    *,
    voter: "MemberId | None" = None,
) -> ProposalInfo:
    with _ScriptErrors():
        info = proposals.resolve(evaluator, constitution, proposal, voter=voter)
    if info.state is ProposalState.FAILED:
        # An error answer drops every write, so no half-applied proposal remains.
        raise internal_error(str(info.failure))
    return info
