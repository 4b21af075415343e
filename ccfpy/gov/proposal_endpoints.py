"""The endpoints for proposals and ballots."""

from dataclasses import replace
from typing import TYPE_CHECKING

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.crypto.hashing import sha256
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.replies import bytes_reply, empty_reply, json_reply, text_reply
from ccfpy.gov import proposals, replay, requests
from ccfpy.gov.evaluation import Evaluator
from ccfpy.gov.ports import GovernanceHost
from ccfpy.gov.proposals import Proposal
from ccfpy.gov.requests import SignedRequest, signed_request
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.service.tables import proposals as tables
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.http.messages import Response
    from ccfpy.kv.tx import Tx

JAVASCRIPT = "text/javascript"


class ProposalEndpoints:
    """Handlers that run on a node's governance host."""

    def __init__(self, host: GovernanceHost) -> None:
        self._host = host

    def create(self, context: Context) -> "Response":
        """Take a proposal, check it, and let the constitution decide at once."""
        signed = signed_request(context)
        tx = context.tx
        signature_digest = sha256(signed.signature)
        proposal_id = self._bind(tx, signature_digest)
        law = proposals.constitution(
            tx, otherwise="No constitution is set - proposals cannot be evaluated"
        )
        info = ProposalInfo(proposer_id=signed.member_id)
        proposal = Proposal(proposal_id=proposal_id, body=signed.payload, info=info)
        evaluator = self._evaluator(context)
        with _ScriptErrors():
            proposals.validate(evaluator, law, proposal.text)
        _store(tx, proposal, signed)
        replay.admit(
            tx,
            created_at=signed.created_at,
            signature_digest=signature_digest,
            proposal_id=proposal_id,
        )
        return _resolve(evaluator, law, proposal)

    def withdraw(self, context: Context) -> "Response":
        """Let a proposer take back a proposal that is still open."""
        signed = signed_request(context)
        proposal_id = requests.signed_proposal_id(context, signed)
        tx = context.tx
        infos = tables.INFO.of(tx)
        info = infos.get(proposal_id)
        if info is None:
            # Nobody knows whether it ever was; saying so again does no harm.
            return empty_reply(204)
        if info.proposer_id != signed.member_id:
            raise ApiError(
                403,
                ErrorCode.AuthorizationFailed,
                f"Proposal {proposal_id} can only be withdrawn by proposer "
                f"m[{info.proposer_id}], not caller m[{signed.member_id}].",
            )
        if info.state is ProposalState.OPEN:
            info = proposals.move(info, ProposalState.WITHDRAWN)
            infos.put(proposal_id, info)
            proposals.forget_closed(tx, keep=proposal_id)
            tables.COSE_HISTORY.of(tx).put(signed.member_id, signed.envelope)
        elif info.state is not ProposalState.WITHDRAWN:
            raise ApiError(
                400,
                ErrorCode.ProposalNotOpen,
                f"Proposal {proposal_id} is currently in state "
                f"{proposals.state_word(info.state)} and cannot be withdrawn.",
            )
        return json_reply(proposals.to_json(proposal_id, info))

    def submit_ballot(self, context: Context) -> "Response":
        """Take a member's ballot, then let the constitution decide."""
        signed = signed_request(context)
        proposal_id = requests.signed_proposal_id(context, signed)
        member_id = requests.signed_member_id(context, signed)
        tx = context.tx
        proposal = _open_proposal(tx, proposal_id)
        source = _ballot_of(signed)
        law = proposals.constitution(
            tx, otherwise="No constitution is set - ballots cannot be evaluated"
        )
        earlier = proposal.info.ballots.get(member_id)
        if earlier is not None:
            return _same_ballot(proposal, member_id, earlier, source)
        ballots = {**proposal.info.ballots, member_id: source}
        proposal = replace(proposal, info=replace(proposal.info, ballots=ballots))
        tables.COSE_HISTORY.of(tx).put(member_id, signed.envelope)
        return _resolve(self._evaluator(context), law, proposal, voter=member_id)

    def _evaluator(self, context: Context) -> Evaluator:
        return Evaluator.of(self._host, context.tx, context.node.unix_time_us)

    def _bind(self, tx: "Tx", signature_digest: bytes) -> ProposalId:
        """Name a proposal after its request and the state the request met."""
        version = tx.read_version
        root = None if version is None else self._host.root_at(version)
        if root is None:
            raise ApiError(
                500, ErrorCode.InternalError, "Proposal failed to bind to state."
            )
        return ProposalId(sha256(root + signature_digest).hex())


def list_proposals(context: Context) -> "Response":
    """List every proposal that is not forgotten yet."""
    found: list[Json] = [
        proposals.to_json(proposal_id, info)
        for proposal_id, info in tables.INFO.of(context.tx).items()
    ]
    return json_reply({"value": found})


def read_proposal(context: Context) -> "Response":
    """Describe one proposal."""
    proposal_id = requests.proposal_id(context)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        raise _not_found(proposal_id)
    return json_reply(proposals.to_json(proposal_id, info))


def read_actions(context: Context) -> "Response":
    """Give what a proposer signed, byte for byte."""
    proposal_id = requests.proposal_id(context)
    body = tables.PROPOSALS.of(context.tx).get(proposal_id)
    if body is None:
        raise _not_found(proposal_id)
    return bytes_reply(body, content_type="application/json")


def read_ballot(context: Context) -> "Response":
    """Give a member's ballot."""
    proposal_id = requests.proposal_id(context)
    member_id = requests.member_id(context)
    info = tables.INFO.of(context.tx).get(proposal_id)
    if info is None:
        raise ApiError(
            404,
            ErrorCode.ProposalNotFound,
            f"Proposal {proposal_id} does not exist.",
        )
    source = info.ballots.get(member_id)
    if source is None:
        raise ApiError(
            404,
            ErrorCode.VoteNotFound,
            f"Member m[{member_id}] has not voted for proposal {proposal_id}.",
        )
    return text_reply(source, content_type=JAVASCRIPT)


class _ScriptErrors:
    """Answers 500 for a script that lacks its function, as the caller's to mend."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, JsModuleFailed):
            raise ApiError(500, ErrorCode.InternalError, str(error)) from error


def _store(tx: "Tx", proposal: Proposal, signed: SignedRequest) -> None:
    bodies = tables.PROPOSALS.of(tx)
    # Reading the key makes two creations that saw the same state conflict.
    if bodies.has(proposal.proposal_id):
        raise ApiError(500, ErrorCode.InternalError, "Proposal ID collision.")
    bodies.put(proposal.proposal_id, proposal.body)
    tables.INFO.of(tx).put(proposal.proposal_id, proposal.info)
    tables.COSE_HISTORY.of(tx).put(signed.member_id, signed.envelope)


def _resolve(
    evaluator: Evaluator,
    law: Program,
    proposal: Proposal,
    *,
    voter: MemberId | None = None,
) -> "Response":
    with _ScriptErrors():
        info = proposals.resolve(evaluator, law, proposal, voter=voter)
    if info.state is ProposalState.FAILED:
        # An error answer drops every write, so no half-applied proposal remains.
        raise ApiError(500, ErrorCode.InternalError, str(info.failure))
    return json_reply(proposals.to_json(proposal.proposal_id, info))


def _open_proposal(tx: "Tx", proposal_id: ProposalId) -> Proposal:
    info = tables.INFO.of(tx).get(proposal_id)
    if info is None:
        raise _not_found(proposal_id)
    if info.state is not ProposalState.OPEN:
        raise ApiError(
            400,
            ErrorCode.ProposalNotOpen,
            f"Proposal {proposal_id} is currently in state "
            f"{proposals.state_word(info.state)} - only "
            f"{proposals.state_word(ProposalState.OPEN)} proposals can receive votes",
        )
    body = tables.PROPOSALS.of(tx).get(proposal_id)
    if body is None:
        raise _not_found(proposal_id)
    return Proposal(proposal_id=proposal_id, body=body, info=info)


def _ballot_of(signed: SignedRequest) -> str:
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


def _same_ballot(
    proposal: Proposal, member_id: MemberId, earlier: str, source: str
) -> "Response":
    """Answer a ballot that was cast before as it was answered then."""
    if earlier != source:
        raise ApiError(
            400,
            ErrorCode.VoteAlreadyExists,
            f"Different ballot already submitted by m[{member_id}] for "
            f"{proposal.proposal_id}.",
        )
    return json_reply(proposals.to_json(proposal.proposal_id, proposal.info))


def _not_found(proposal_id: ProposalId) -> ApiError:
    return ApiError(
        404,
        ErrorCode.ProposalNotFound,
        f"Could not find proposal {proposal_id}.",
    )
