"""A proposal's life: created, voted on, resolved, applied.

A proposal is Open until the constitution's ``resolve`` says otherwise. ``resolve`` runs
when the proposal is created and after every ballot. Once the proposal is Accepted,
``apply`` runs in the same transaction. A proposal that Fails leaves no trace: its whole
transaction is dropped, including the ballot that decided it. When one proposal leaves
Open, all others that are not Open are forgotten
(``src/node/gov/handlers/proposals.h``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.gov.definitions import ProposalBody
from ccfpy.gov.evaluation import EvaluationFailed, Evaluator
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.js.engine import JsModuleFailed, Program
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import Failure, ProposalInfo, ProposalState
from ccfpy.service.tables.service import CONSTITUTION

if TYPE_CHECKING:
    from ccfpy.base.json import Json

MOVES: Mapping[ProposalState, frozenset[ProposalState]] = {
    ProposalState.OPEN: frozenset(
        {
            ProposalState.OPEN,
            ProposalState.ACCEPTED,
            ProposalState.REJECTED,
            ProposalState.FAILED,
            ProposalState.WITHDRAWN,
            ProposalState.DROPPED,
        }
    ),
    ProposalState.ACCEPTED: frozenset({ProposalState.FAILED}),
    ProposalState.WITHDRAWN: frozenset(),
    ProposalState.REJECTED: frozenset(),
    ProposalState.FAILED: frozenset(),
    ProposalState.DROPPED: frozenset(),
}
"""The states that may follow each state.

Only constitutions drop proposals, mostly by writing the table: CCF's own drops all open
proposals when a proposal is accepted that changes the rules.
"""

_RESOLUTIONS = {
    "Open": ProposalState.OPEN,
    "Accepted": ProposalState.ACCEPTED,
    "Rejected": ProposalState.REJECTED,
    "Dropped": ProposalState.DROPPED,
}
"""What ``resolve`` may return.

In CCF, only ballots of the classic API could lead to Dropped. Here a proposal is
decided in the same way whichever API the last ballot used."""


def state_word(state: ProposalState) -> str:
    """Return a state's name in CCF's error messages; it has none for Failed."""
    return "UNKNOWN" if state is ProposalState.FAILED else state.lower()


def require_open(proposal_id: ProposalId, info: ProposalInfo, purpose: str) -> None:
    """Raise an error unless a proposal is open.

    Args:
        proposal_id: the proposal.
        info: what is known of the proposal.
        purpose: the end of CCF's message: what only open proposals can do.

    Raises:
        ApiError: 400.
    """
    if info.state is not ProposalState.OPEN:
        raise ApiError(
            400,
            ErrorCode.ProposalNotOpen,
            f"Proposal {proposal_id} is currently in state {state_word(info.state)} - "
            f"only open proposals {purpose}",
        )


def unknown(proposal_id: ProposalId, *, status: int = 404) -> ApiError:
    """Return the error for a proposal that does not exist."""
    message = f"Proposal {proposal_id} does not exist."
    return ApiError(status, ErrorCode.ProposalNotFound, message)


def submitted_ballot(tx: Tx, proposal_id: ProposalId, member_id: MemberId) -> str:
    """Return the ballot that a member submitted.

    Raises:
        ApiError: 404: there is no such proposal, or the member has not voted for it.
    """
    info = proposals.INFO.of(tx).get(proposal_id)
    if info is None:
        raise unknown(proposal_id)
    if member_id not in info.ballots:
        raise ApiError(
            404,
            ErrorCode.VoteNotFound,
            f"Member m[{member_id}] has not voted for proposal {proposal_id}.",
        )
    return info.ballots[member_id]


def move(info: ProposalInfo, state: ProposalState) -> ProposalInfo:
    """Move a proposal to another state, which ``MOVES`` must allow."""
    assert state in MOVES[info.state], (info.state, state)
    return replace(info, state=state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposal.

    Attributes:
        body: what the proposer signed; JSON text if the constitution found it valid.
    """

    proposal_id: ProposalId
    body: bytes
    info: ProposalInfo

    @property
    def text(self) -> str:
        """The body as scripts get it."""
        return self.body.decode(errors="replace")


def read_constitution(tx: Tx, *, otherwise: str) -> Program:
    """Return the constitution.

    Raises:
        ApiError: 500 with the message ``otherwise`` if there is none.
    """
    source = CONSTITUTION.of(tx).get()
    if source is None:
        raise internal_error(otherwise)
    return Program(name=f"{CONSTITUTION.name}[0]", source=source)


def validate(evaluator: Evaluator, constitution: Program, body: str) -> None:
    """Ask the constitution whether a proposal is valid.

    Raises:
        ApiError: 400 if it is not valid, 500 if ``validate`` fails.
    """
    try:
        result = evaluator.evaluate(constitution, "validate", [body])
    except EvaluationFailed as error:
        failure = error.failure
        raise internal_error(
            f"Failed to execute validation: {failure.reason} {failure.trace or ''}"
        ) from error
    verdict = None if result is None else json.loads(result)
    if not isinstance(verdict, dict | list):
        raise internal_error("Validation failed to return an object")
    fields = verdict if isinstance(verdict, dict) else {}
    if fields.get("valid") is True:
        return
    description = fields.get("description")
    raise ApiError(
        400,
        ErrorCode.ProposalFailedToValidate,
        "Proposal failed to validate: "
        f"{description if isinstance(description, str) else ''}",
    )


def resolve(
    evaluator: Evaluator,
    constitution: Program,
    proposal: Proposal,
    *,
    voter: MemberId | None = None,
) -> ProposalInfo:
    """Evaluate the ballots, call ``resolve``, and call ``apply`` if it accepts.

    The outcome is written. The caller must drop the transaction if the proposal Failed.

    Args:
        evaluator: runs the scripts, in the request's transaction.
        constitution: the constitution in force.
        proposal: the proposal with all ballots, including the new one.
        voter: the member who cast the new ballot.

    Raises:
        JsModuleFailed: the voter's ballot or the constitution lacks its function.
    """
    votes, vote_failures = count_ballots(evaluator, proposal, voter)
    info = decide(evaluator, constitution, proposal, votes)
    table = proposals.INFO.of(evaluator.tx)
    table.put(proposal.proposal_id, info)
    if info.state is ProposalState.OPEN:
        return info
    forget_closed(evaluator.tx, keep=proposal.proposal_id)
    info = replace(info, final_votes=votes, vote_failures=vote_failures)
    table.put(proposal.proposal_id, info)
    if info.state is ProposalState.ACCEPTED:
        info = _apply(evaluator, constitution, proposal, info)
        if info.state is not ProposalState.ACCEPTED:
            table.put(proposal.proposal_id, info)
    return info


def count_ballots(
    evaluator: Evaluator, proposal: Proposal, voter: MemberId | None
) -> tuple[dict[MemberId, bool], dict[MemberId, Failure]]:
    """Evaluate every ballot; a ballot that fails is no vote.

    The voter is told if the new ballot exports no vote. An earlier ballot exported a
    vote when it was cast: if it no longer does, it must not block later ballots.
    """
    votes: dict[MemberId, bool] = {}
    failures: dict[MemberId, Failure] = {}
    for member_id, source in proposal.info.ballots.items():
        name = f"{proposals.INFO.name}[{proposal.proposal_id}].ballots[m[{member_id}]]"
        ballot = Program(name=name, source=source)
        arguments = [
            proposal.text,
            str(proposal.info.proposer_id),
            str(proposal.proposal_id),
        ]
        try:
            vote = evaluator.evaluate(ballot, "vote", arguments)
        except EvaluationFailed as error:
            failures[member_id] = error.failure
        except JsModuleFailed as error:
            if member_id == voter:
                raise
            failures[member_id] = Failure(reason=str(error))
        else:
            votes[member_id] = vote == "true"
    return votes, failures


def decide(
    evaluator: Evaluator,
    constitution: Program,
    proposal: Proposal,
    votes: Mapping[MemberId, bool],
) -> ProposalInfo:
    """Ask the constitution what becomes of an open proposal, by these votes."""
    counted: Json = [
        {"member_id": member_id, "vote": vote} for member_id, vote in votes.items()
    ]
    info = proposal.info
    arguments = [
        proposal.text,
        str(info.proposer_id),
        counted,
        str(proposal.proposal_id),
    ]
    try:
        answer = _as_text(evaluator.evaluate(constitution, "resolve", arguments))
    except EvaluationFailed as error:
        return _failed(info, error.failure, during="resolve")
    state = _RESOLUTIONS.get(answer)
    if state is None:
        reason = f'resolve() returned invalid status value: "{answer}"'
        return replace(move(info, ProposalState.FAILED), failure=Failure(reason=reason))
    return move(info, state)


def _apply(
    evaluator: Evaluator, constitution: Program, proposal: Proposal, info: ProposalInfo
) -> ProposalInfo:
    try:
        evaluator.apply(
            constitution, "apply", [proposal.text, str(proposal.proposal_id)]
        )
    except EvaluationFailed as error:
        return _failed(info, error.failure, during="apply")
    return info


def _failed(info: ProposalInfo, failure: Failure, *, during: str) -> ProposalInfo:
    told = replace(failure, reason=f"Failed to {during}(): {failure.reason}")
    return replace(move(info, ProposalState.FAILED), failure=told)


def _as_text(result: str | None) -> str:
    """Return a script's result as JavaScript's ``String`` would write it."""
    if result is None:
        return "undefined"
    try:
        value = json.loads(result)
    except Malformed:
        return result
    return value if isinstance(value, str) else result


def forget_closed(tx: Tx, *, keep: ProposalId) -> None:
    """Remove every proposal that is not Open, except ``keep``."""
    infos = proposals.INFO.of(tx)
    bodies = proposals.PROPOSALS.of(tx)
    closed = [
        proposal_id
        for proposal_id, info in infos.items()
        if proposal_id != keep and info.state is not ProposalState.OPEN
    ]
    for proposal_id in closed:
        bodies.remove(proposal_id)
        infos.remove(proposal_id)


def body_of(proposal_id: ProposalId, info: ProposalInfo) -> ProposalBody:
    """Return a proposal as the API describes it."""
    return ProposalBody(
        proposalId=proposal_id,
        proposerId=info.proposer_id,
        proposalState=info.state,
        ballotCount=len(info.ballots),
        finalVotes=info.final_votes,
        voteFailures=info.vote_failures,
        failure=info.failure,
    )
