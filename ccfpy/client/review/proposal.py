"""A proposal described for those who vote: its actions, its votes, what it would do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.client.ballots import side_of, text_digest
from ccfpy.client.review import actions
from ccfpy.client.review.access import wider_access
from ccfpy.client.review.changes import changes
from ccfpy.client.review.characters import inline, plain
from ccfpy.client.review.description import (
    Description,
    Fact,
    Section,
    Topic,
    Vote,
)
from ccfpy.client.review.dry_run import MADE_BY_SERVICE, Outcome, dry_run
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.review.reading import document_of, why_not_shown
from ccfpy.client.review.values import as_text, short
from ccfpy.gov.proposals import Proposal
from ccfpy.service.tables import members, proposals
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import ProposalInfo, ProposalState

CANNOT_BE_SHOWN = "It cannot be shown"
"""Of a proposal that a service's engine may read otherwise than what shows it."""


class NoSuchProposal(CcfpyError):
    """The service's tables do not have the proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A proposal in a list.

    Attributes:
        actions: the names of its actions.
        title: what it does, in a line.
        sides: what the ballots say, as far as that is known without running them.
        created_at: when it was proposed, by its proposer's clock, in seconds since
            1970, if the service keeps that.
    """

    proposal_id: ProposalId
    info: ProposalInfo
    actions: tuple[str, ...]
    title: str
    sides: Mapping[MemberId, bool]
    created_at: int | None


def summaries(state: PublicState) -> list[Summary]:
    """Return every proposal that the service remembers, the newest last.

    The service keeps the times of recent proposals only; older proposals come first.
    """
    tx = state.store.begin(read_only=True)
    bodies = proposals.PROPOSALS.of(tx)
    recent = proposals.COSE_RECENT_PROPOSALS.of(tx).items()
    created = {proposal_id: time for time, proposal_id in recent}
    found = proposals.INFO.of(tx).items()

    def summary(proposal_id: ProposalId, info: ProposalInfo) -> Summary:
        body = bodies.get(proposal_id) or b""
        document = document_of(body)
        time = created.get(proposal_id, "").partition(":")[0]
        return Summary(
            proposal_id=proposal_id,
            info=info,
            actions=actions.names(document),
            title=CANNOT_BE_SHOWN if why_not_shown(body) else actions.title(document),
            sides=sides(info, body),
            created_at=int(time) if time.isdecimal() else None,
        )

    ordered = sorted(found, key=lambda it: created.get(it[0], ""))
    return [summary(*each) for each in ordered]


def sides(info: ProposalInfo, body: bytes) -> dict[MemberId, bool]:
    """Return what the ballots say, as far as that is known without running them.

    Args:
        info: the proposal's state and ballots.
        body: the proposal's bytes.
    """
    known = {member: side_of(ballot, body) for member, ballot in info.ballots.items()}
    told = {member: side for member, side in known.items() if side is not None}
    return {**told, **(info.final_votes or {})}


def describe(
    state: PublicState,
    proposal_id: ProposalId,
    names: Mapping[str, str],
    *,
    unknown: str = "",
) -> Description:
    """Describe a proposal.

    Args:
        state: what the service's tables hold.
        proposal_id: which.
        names: members' names, by id, as far as they are known here.
        unknown: why nothing is run to find out what the proposal would do; it is run
            if nothing is given.

    Raises:
        NoSuchProposal: the tables do not have the proposal.
        ApiError: the service has no constitution.
    """
    tx = state.store.begin(read_only=True)
    body = proposals.PROPOSALS.of(tx).get(proposal_id)
    info = proposals.INFO.of(tx).get(proposal_id)
    if body is None or info is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    proposal = Proposal(proposal_id=proposal_id, body=body, info=info)
    told = _Teller(state, proposal, names, unknown)
    return Description(
        title=f"Proposal {proposal_id}",
        sections=tuple(told.sections()),
        votes=tuple(
            Vote(member_id=member_id, in_favour=vote)
            for member_id, vote in told.sides.items()
        ),
    )


class _Teller:
    def __init__(
        self,
        state: PublicState,
        proposal: Proposal,
        names: Mapping[str, str],
        unknown: str,
    ) -> None:
        self._state, self._proposal, self._names = state, proposal, names
        self._unknown_outcome = unknown
        self.sides = sides(proposal.info, proposal.body)

    def sections(self) -> Iterator[Section]:
        info = self._proposal.info
        yield Section(
            topic=Topic.SUMMARY,
            title="",
            facts=(
                Fact(label="state", text=info.state.value),
                Fact(label="proposed by", text=self._who(info.proposer_id)),
                Fact(label="SHA-256", text=text_digest(self._proposal.body)),
            ),
        )
        yield Section(
            topic=Topic.ACTIONS, title="Actions", facts=tuple(self._actions())
        )
        if info.state is not ProposalState.OPEN:
            yield Section(
                topic=Topic.VOTES, title="Votes", facts=tuple(self._final_votes())
            )
            return
        if self._unknown_outcome:
            yield from self._without_outcome()
            return
        outcome = dry_run(self._state.store, self._proposal, order=self._who)
        self.sides = outcome.votes
        yield Section(
            topic=Topic.VOTES, title="Votes", facts=tuple(self._votes(outcome))
        )
        yield Section(
            topic=Topic.DECISION,
            title="What decides it",
            facts=tuple(self._decision(outcome)),
        )
        yield Section(
            topic=Topic.OUTCOME,
            title="What would change",
            facts=(
                *self._consequences(outcome),
                *wider_access(outcome.before, outcome.writes),
            ),
            diffs=tuple(changes(outcome.before, outcome.writes)),
        )
        yield Section(
            topic=Topic.UNKNOWN,
            title="Not known here",
            facts=tuple(self._unknown(outcome)),
        )

    def _actions(self) -> Iterator[Fact]:
        body = self._proposal.body
        if reason := why_not_shown(body):
            yield Fact(
                label=CANNOT_BE_SHOWN.lower(),
                text=f"{inline(reason)}. Do not vote for it",
                is_warning=True,
            )
            yield Fact(label="as it was signed", text=plain(as_text(body)), depth=1)
        yield from actions.facts(document_of(body))

    def _without_outcome(self) -> Iterator[Section]:
        """Yield what is known of an open proposal that nothing was run for."""
        ballots = self._proposal.info.ballots
        voted = tuple(Fact(label=self._who(each), text="has voted") for each in ballots)
        yield Section(topic=Topic.VOTES, title="Votes", facts=voted)
        reason = Fact(
            label="not found out", text=plain(self._unknown_outcome), is_warning=True
        )
        yield Section(topic=Topic.OUTCOME, title="What would change", facts=(reason,))

    def _who(self, member_id: MemberId) -> str:
        name = self._names.get(member_id)
        return f"{name} ({short(member_id)})" if name else short(member_id)

    def _final_votes(self) -> Iterator[Fact]:
        info = self._proposal.info
        for member_id in info.ballots:
            vote = self.sides.get(member_id)
            failure = (info.vote_failures or {}).get(member_id)
            text = "has voted" if vote is None else "in favour" if vote else "against"
            if failure is not None:
                text = f"the ballot failed: {plain(failure.reason)}"
            yield Fact(label=self._who(member_id), text=text)
        infos = members.INFO.of(self._state.store.begin(read_only=True)).items()
        for member_id, member in sorted(infos, key=lambda it: self._who(it[0])):
            if member.status is MemberStatus.ACTIVE and member_id not in info.ballots:
                yield Fact(label=self._who(member_id), text="did not vote")
        if info.failure is not None:
            yield Fact(label="failed", text=plain(info.failure.reason), is_warning=True)

    def _votes(self, outcome: Outcome) -> Iterator[Fact]:
        tx = self._state.store.begin(read_only=True)
        infos = dict(members.INFO.of(tx).items())
        for member_id, vote in sorted(
            outcome.votes.items(), key=lambda it: self._who(it[0])
        ):
            text = "in favour" if vote else "against"
            if (info := infos.get(member_id)) is None:
                text += ", but is no member any more"
            elif info.status is not MemberStatus.ACTIVE:
                text += ", but is not active"
            yield Fact(label=self._who(member_id), text=text)
        for member_id, failure in outcome.failures.items():
            reason = plain(failure.reason)
            yield Fact(
                label=self._who(member_id),
                text=f"the ballot fails: {reason}",
                is_warning=True,
            )
        for member_id, info in sorted(infos.items(), key=lambda it: self._who(it[0])):
            if (
                info.status is MemberStatus.ACTIVE
                and member_id not in self._proposal.info.ballots
            ):
                yield Fact(label=self._who(member_id), text="has not voted")

    def _consequences(self, outcome: Outcome) -> Iterator[Fact]:
        if outcome.invalid is not None:
            yield Fact(
                label="invalid today", text=plain(outcome.invalid), is_warning=True
            )
        if outcome.failure is not None:
            yield Fact(
                label="it would fail", text=plain(outcome.failure), is_warning=True
            )
        for asked in outcome.asked:
            yield Fact(label="the service would", text=plain(asked))
        if not (outcome.writes or outcome.asked or outcome.failure):
            yield Fact(label="changes", text="none")

    def _decision(self, outcome: Outcome) -> Iterator[Fact]:
        """Yield the standing, and which further votes the constitution acts upon."""
        cast = list(outcome.votes.values())
        standing = f"{cast.count(False)} against, {cast.count(True)} in favour"
        if outcome.failures:
            standing += f", {len(outcome.failures)} whose ballot fails"
        waiting = len(outcome.waiting)
        have = "member has" if waiting == 1 else "members have"
        yield Fact(label="now", text=f"{standing}; {waiting} {have} not voted")
        if outcome.state is not ProposalState.OPEN:
            text = f"the constitution says {outcome.state} at the next vote"
            yield Fact(label="decided", text=text)
            return
        yield Fact(
            label="to pass",
            text=self._enough(outcome, outcome.more, "in favour", "accepted"),
        )
        yield Fact(
            label="to reject",
            text=self._enough(outcome, outcome.fewer, "against", "rejected"),
        )

    def _enough(
        self,
        outcome: Outcome,
        suffice: tuple[MemberId, ...] | None,
        side: str,
        end: str,
    ) -> str:
        """Return whose votes would suffice: the constitution said so when it ran."""
        if suffice is None:
            return f"not {end} even if every other active member votes {side}"
        count = len(suffice)
        votes = "1 more vote" if count == 1 else f"{count} more votes"
        who = " and ".join(map(self._who, suffice))
        all_of_them = suffice == outcome.waiting
        such = f"of {who}" if all_of_them else f"for example of {who}"
        return f"{votes} {side}, {such}"

    def _unknown(self, outcome: Outcome) -> Iterator[Fact]:
        yield Fact(
            label="later changes",
            text="what commits before the last vote may change any of this",
        )
        yield Fact(
            label="the framework's own tables",
            text="no node serves them, such as the one of the last signature: where "
            "the constitution reads one, the run on this machine found it empty",
        )
        if outcome.asked:
            yield Fact(
                label="what the service does itself",
                text="whether the service can do what it would be asked to do is not "
                "known here; where a certificate is to be made, a difference has "
                f"{MADE_BY_SERVICE}",
            )
        if self._state.has_moved:
            yield Fact(
                label="what changed meanwhile",
                text="the tables changed while they were read, twice: this may mix two "
                "states, so show the proposal once more",
                is_warning=True,
            )
        if self._state.not_served:
            yield Fact(
                label="tables that are not served",
                text="this service does not tell what these tables hold, so they were "
                f"empty in the run here: {', '.join(self._state.not_served)}",
            )
