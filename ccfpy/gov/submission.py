"""Recording signed proposals and ballots: what both forms of the API share.

Each form has its own order of checks, its own words, and its own form of responses.

Refusing a signed proposal that was sent before.

Recent proposals are remembered twice: by the digest of the signature, as CCF does
(``src/node/gov/handlers/proposals.h``), and by the digest of the signed content
together with the signer. The second identifies a proposal. Anybody can turn a signature
into another valid one, and a signer can make any number of signatures. The first is
written for nodes and tools that know only CCF's table, and read for what such nodes
wrote.

Each member has a window of recent requests, whose rules are in `ccfpy.service.recent`.
The times in requests are from the members' clocks. The times of one member are compared
with each other, and with the node's clock.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import ProposalId
from ccfpy.base.limits import CREATED_AT_MAX_S, RECENT_COSE_PROPOSALS
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.auth.cose import GOV_CREATED_AT
from ccfpy.endpoints.context import Context
from ccfpy.gov import proposals
from ccfpy.gov.evaluation import Evaluator
from ccfpy.gov.operations import GovernanceNode
from ccfpy.gov.proposals import Proposal
from ccfpy.gov.requests import SignedRequest, signed_request
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.kv.tx import Tx
from ccfpy.service.recent import RecentRequests, key_of, moment
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import (
    COSE_HISTORY,
    COSE_RECENT_PROPOSALS,
    COSE_RECENT_REQUESTS,
    ProposalInfo,
    ProposalState,
    RecentRequest,
)
from ccfpy.service.tables.service import CONFIGURATION

if TYPE_CHECKING:
    from ccfpy.base.ids import MemberId


@dataclass(frozen=True, slots=True)
class ReplayProtection:
    """The rules for one proposal.

    Attributes:
        tx: the proposal's transaction.
        signed: the request that carries the proposal.
        latest_s: the latest time that a request may have now, seconds since 1970.
    """

    tx: Tx
    signed: SignedRequest
    latest_s: int

    def admit(self, proposal_id: ProposalId) -> None:
        """Remember the proposal's request, unless it is a replay.

        Raises:
            ApiError: 400: the time has more than ten digits or is ahead of the clock,
                or the request was seen before, or it is too old.
        """
        self._refuse_future()
        tx, signed = self.tx, self.signed
        proposals = COSE_RECENT_PROPOSALS.of(tx)
        requests = COSE_RECENT_REQUESTS.of(tx)
        created_at = signed.created_at
        form, other = signed.message.signature_forms
        key = key_of(created_at, sha256(form))
        by_content = key_of(created_at, signed.message.signed_digest)
        known = dict(requests.items())
        recorded = known.get(by_content)
        seen = (
            (recorded.proposal_id if recorded is not None else None)
            or proposals.get(key)
            or proposals.get(key_of(created_at, sha256(other)))
        )
        if seen is not None:
            raise _refusal(
                ErrorCode.ProposalReplay,
                f"Proposal submission replay, already exists as proposal {seen}",
            )
        member_id = signed.member_id
        authored = {each.proposal_id for each in known.values()}
        window = RecentRequests.of(
            (each for each, by in known.items() if by.proposer_id == member_id),
            former=(each for each, by in proposals.items() if by not in authored),
            latest_s=self.latest_s,
        )
        self._refuse_past(window)
        taken = RecentRequest(proposal_id=proposal_id, proposer_id=member_id)
        known[by_content] = taken
        requests.put(by_content, taken)
        proposals.put(key, proposal_id)
        surplus = window.surplus(by_content, _window_size(tx))
        forgotten = {known[each].proposal_id for each in surplus}
        for each in surplus:
            requests.remove(each)
        for each, proposal in list(proposals.items()):
            if proposal in forgotten:
                proposals.remove(each)

    def _refuse_future(self) -> None:
        if self.signed.created_at > CREATED_AT_MAX_S:
            raise _refusal(
                ErrorCode.InvalidCreatedAt,
                "Header parameter created_at value is too large",
            )
        if self.signed.created_at > self.latest_s:
            raise _refusal(
                ErrorCode.InvalidCreatedAt,
                "Header parameter created_at value is too far ahead of the node's "
                f"clock, created_at must not be greater than {moment(self.latest_s)}",
            )

    def _refuse_past(self, window: RecentRequests) -> None:
        time = moment(self.signed.created_at)
        oldest = window.oldest_allowed
        if oldest is not None and time < oldest:
            raise _too_long_ago(oldest)
        if window.is_full_at(time):
            raise _too_long_ago(time)
        if window.is_displaced:
            # A request that was pushed out of the window looks like one that never was
            # there. The ledger has the last request of each member; a request that was
            # pushed out is not later than that.
            last = _last_request_s(self.tx, self.signed)
            if last is not None and self.signed.created_at <= last:
                raise _too_long_ago(moment(last))


def _last_request_s(tx: Tx, signed: SignedRequest) -> int | None:
    envelope = COSE_HISTORY.of(tx).get(signed.member_id)
    if envelope is None:
        return None
    try:
        last = cose.parse(envelope).protected.get(GOV_CREATED_AT)
    except Malformed:
        last = None
    return last if isinstance(last, int) else CREATED_AT_MAX_S


def _window_size(tx: Tx) -> int:
    configuration = CONFIGURATION.of(tx).get()
    if configuration is None:
        return RECENT_COSE_PROPOSALS
    size = configuration.recent_cose_proposals_window_size
    return RECENT_COSE_PROPOSALS if size is None else size


def _too_long_ago(oldest_allowed: str) -> ApiError:
    return _refusal(
        ErrorCode.ProposalCreatedTooLongAgo,
        "Proposal created too long ago, created_at must be greater than "
        f"{oldest_allowed}",
    )


def _refusal(code: ErrorCode, message: str) -> ApiError:
    return ApiError(400, code, message)


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
