"""A proposal whole: what it asks for, what would come of it, who has voted."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.client.ballots import text_digest
from ccfpy.client.review import actions
from ccfpy.client.review.characters import plain
from ccfpy.client.review.description import Description, warnings
from ccfpy.client.review.proposal import NoSuchProposal, describe, title_of
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.review.reading import document_of, why_not_shown
from ccfpy.client.review.values import as_text, short
from ccfpy.console.answers import Moment, OwnVote, ProposalPage
from ccfpy.console.timeline import first_signed_at, side, vote_of
from ccfpy.gov.definitions import ProposalStory
from ccfpy.service.tables import members, proposals
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState


class DryRunner(Protocol):
    """Runs proposals to describe them."""

    def warm(self) -> None:
        """Get ready for the first proposal."""

    def describe(
        self,
        state: PublicState,
        proposal_id: ProposalId,
        names: Mapping[str, str],
        shown: str = "",
        /,
    ) -> Description:
        """Describe a proposal, by the service's tables and members' names.

        What somebody read earlier (``shown``) is found out once more, as it was found
        out then.
        """

    def close(self) -> None:
        """Forget what was kept for the next proposal."""


Describe = Callable[[PublicState, ProposalId, Mapping[str, str]], Description]
"""Describes a proposal, by the service's tables and members' names."""
Timeline = Callable[[Mapping[str, bool]], Sequence[Moment]]
"""Returns what happened to a proposal, by what the votes say."""


def nothing_happened(_: Mapping[str, bool]) -> Sequence[Moment]:
    """Return no moment: nothing is told of the proposal."""
    return ()


def page_of(  # noqa: PLR0913  # all that is known of one
    state: PublicState,
    proposal_id: ProposalId,
    *,
    names: Mapping[str, str],
    signer_id: MemberId | None,
    story: ProposalStory | None = None,
    moments: Timeline = nothing_happened,
    not_known: str = "",
    described: Describe = describe,
) -> ProposalPage:
    """Describe a proposal, and say whether the signer can vote on it.

    Args:
        state: what the service's tables hold.
        proposal_id: which.
        names: members' names, by id, as far as they are known here.
        signer_id: who reads, if that is a member.
        story: what the service tells of what happened to it, if it tells that.
        moments: makes the timeline.
        not_known: why there is no timeline, if there is none.
        described: describes the proposal.

    Raises:
        NoSuchProposal: the service does not remember it.
        ApiError: the service has no constitution.
    """
    body = body_of(state, proposal_id)
    tx = state.store.begin(read_only=True)
    info = proposals.INFO.of(tx).get(proposal_id)
    if info is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    told = described(state, proposal_id, names)
    sides = {vote.member_id: vote.in_favour for vote in told.votes}
    not_shown = why_not_shown(body)
    why_not = not_shown or _why_not(state, info, signer_id)
    return ProposalPage(
        id=proposal_id,
        state=info.state.value,
        title=title_of(body, told),
        actions=actions.names(document_of(body)),
        proposer=names.get(info.proposer_id, short(info.proposer_id)),
        at=None if story is None else first_signed_at(story),
        own_vote=_own_vote(info, sides, story, signer_id),
        warnings=tuple(warnings(told)),
        sections=told.sections,
        timeline=tuple(moments(sides)),
        not_known=not_known,
        digest=text_digest(body),
        outcome=told.outcome,
        text=body.decode(errors="replace"),
        shown_text=plain(as_text(body)),
        not_shown=not_shown,
        may_vote=not why_not,
        why_not=why_not,
        may_withdraw=info.state is ProposalState.OPEN and info.proposer_id == signer_id,
    )


def body_of(state: PublicState, proposal_id: ProposalId) -> bytes:
    """Return a proposal's bytes, as its proposer signed them.

    Raises:
        NoSuchProposal: the service does not remember it.
    """
    tx = state.store.begin(read_only=True)
    body = proposals.PROPOSALS.of(tx).get(proposal_id)
    if body is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    return body


def _own_vote(
    info: ProposalInfo,
    sides: Mapping[str, bool],
    story: ProposalStory | None,
    signer_id: MemberId | None,
) -> OwnVote | None:
    if signer_id is None or signer_id not in info.ballots:
        return None
    txid = None if story is None else vote_of(story, signer_id)
    return OwnVote(side=side(sides.get(signer_id)), txid=txid)


def _why_not(state: PublicState, info: ProposalInfo, signer_id: MemberId | None) -> str:
    """Return why the signer cannot vote; nothing if the signer can."""
    if signer_id is None:
        return "nobody votes here: choose a key, or start the console with --as MEMBER"
    if info.state is not ProposalState.OPEN:
        return f"the proposal is {info.state.value}: votes no longer count"
    if signer_id in info.ballots:
        return "you have voted, and a vote is final"
    known = dict(members.INFO.of(state.store.begin(read_only=True)).items())
    if signer_id not in known:
        return "your key is no member's of this service"
    if known[signer_id].status is not MemberStatus.ACTIVE:
        return "you are not active yet: acknowledge first, under Your key"
    return ""
