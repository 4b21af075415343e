"""A proposal described for those who vote: its actions, its votes, what it would do."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId, ProposalId
from ccfpy.client.governance import side_of, text_digest
from ccfpy.client.review import actions
from ccfpy.client.review.characters import inline, plain, quoted
from ccfpy.client.review.consequences import consequences
from ccfpy.client.review.description import (
    Description,
    Fact,
    Quote,
    Section,
    Severity,
    Topic,
    Vote,
    warnings,
)
from ccfpy.client.review.dry_run import MADE_BY_SERVICE, Outcome, dry_run, time_of
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.review.reading import document_of, why_not_shown
from ccfpy.client.review.values import as_text, changes, short
from ccfpy.gov.proposals import Proposal
from ccfpy.service.tables import members, proposals
from ccfpy.service.tables.members import MemberStatus
from ccfpy.service.tables.proposals import Failure, ProposalInfo, ProposalState

AGE_US_MAX: Final = 3600 * 1_000_000
"""What somebody read longer ago is found out for another time: scripts may ask for the
time, and say something else by now."""

LISTED_RUNS_MAX: Final = 3
"""The newest open proposals are run for a list; others are when they are opened."""

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


def worth_running(listed: Sequence[Summary]) -> tuple[ProposalId, ...]:
    """Return the newest open proposals that may put much at stake, by their actions.

    Args:
        listed: the newest last.
    """
    return tuple(
        each.proposal_id
        for each in listed
        if each.info.state is ProposalState.OPEN
        and any(actions.severity_of(name) >= Severity.SERIOUS for name in each.actions)
    )[-LISTED_RUNS_MAX:]


def sides(info: ProposalInfo, body: bytes) -> dict[MemberId, bool]:
    """Return what the ballots say that always say the same.

    Other ballots are scripts, which decide each time they are counted. Of a ballot that
    the tables have forgotten, it is how the ballot was counted in the end.

    Args:
        info: the proposal's state and ballots.
        body: the proposal's bytes.
    """
    known = {member: side_of(ballot, body) for member, ballot in info.ballots.items()}
    told = {member: side for member, side in known.items() if side is not None}
    counted = {
        member: vote
        for member, vote in (info.final_votes or {}).items()
        if not info.ballots.get(member)
    }
    return {**counted, **told}


def describe(
    state: PublicState,
    proposal_id: ProposalId,
    names: Mapping[str, str],
    *,
    unknown: str = "",
    shown: str = "",
) -> Description:
    """Describe a proposal.

    Args:
        state: what the service's tables hold.
        proposal_id: which.
        names: members' names, by id, as far as they are known here.
        unknown: why nothing is run to find out what the proposal would do; it is run
            if nothing is given.
        shown: the outcome that somebody read earlier, by its name. It is found out
            once more for the same time, and for now if it is another or old.

    Raises:
        NoSuchProposal: the tables do not have the proposal.
        ApiError: the service has no constitution.
        Malformed: ``shown`` names no outcome.
    """
    tx = state.store.begin(read_only=True)
    body = proposals.PROPOSALS.of(tx).get(proposal_id)
    info = proposals.INFO.of(tx).get(proposal_id)
    if body is None or info is None:
        raise NoSuchProposal(f"the service has no proposal {proposal_id}")
    proposal = Proposal(proposal_id=proposal_id, body=body, info=info)
    told = _Teller(state, proposal, names, unknown, shown)
    description = Description(
        title="",
        sections=tuple(told.sections()),
        votes=tuple(
            Vote(member_id=member_id, in_favour=vote)
            for member_id, vote in told.sides.items()
        ),
        outcome=told.outcome,
        digest=text_digest(body),
    )
    title = f"Proposal {proposal_id}: {title_of(body, description)}"
    return replace(description, title=title)


def title_of(body: bytes, told: Description) -> str:
    """Return what a proposal does, in a line; by what would change if that is known."""
    if why_not_shown(body):
        return CANNOT_BE_SHOWN
    outcome = next((s for s in told.sections if s.topic is Topic.OUTCOME), None)
    worst = dict.fromkeys(fact.headline for fact in warnings(told) if fact.headline)
    return actions.title(
        document_of(body),
        (outcome.diffs or None) if outcome else None,
        worst="; ".join(worst),
    )


class _Teller:
    def __init__(
        self,
        state: PublicState,
        proposal: Proposal,
        names: Mapping[str, str],
        unknown: str,
        shown: str,
    ) -> None:
        self.outcome, self._shown = "", shown
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
        known = tuple(actions.warnings(document_of(self._proposal.body)))
        if info.state is not ProposalState.OPEN:
            yield Section(
                topic=Topic.VOTES, title="Votes", facts=tuple(self._final_votes())
            )
            return
        if self._unknown_outcome:
            yield from self._without_outcome(known)
            return
        outcome, told = self._run()
        self.outcome = outcome.name(told)
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
            facts=(*self._results(outcome), *known, *told),
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
                text="do not vote for it",
                is_warning=True,
                severity=Severity.GRAVE,
                quotes=(Quote(by="why", text=inline(reason)),),
            )
            yield Fact(label="as it was signed", text=plain(as_text(body)), depth=1)
        yield from actions.facts(document_of(body))

    def _run(self) -> tuple[Outcome, Sequence[Fact]]:
        """Find out what would come of it, first as it was found out before.

        Returns:
            What would come of it, and its consequences.
        """

        def at(now_us: int) -> tuple[Outcome, Sequence[Fact]]:
            store, proposal = self._state.store, self._proposal
            outcome = dry_run(store, proposal, order=self._who, now_us=now_us)
            return outcome, tuple(consequences(outcome))

        now_us = time.time_ns() // 1000
        if self._shown and 0 <= now_us - (then := time_of(self._shown)) < AGE_US_MAX:
            again, told = at(then)
            if again.name(told) == self._shown:
                return again, told
        return at(now_us)

    def _without_outcome(self, known: tuple[Fact, ...]) -> Iterator[Section]:
        """Yield what is known of an open proposal that nothing was run for."""
        ballots = self._proposal.info.ballots
        voted = tuple(Fact(label=self._who(each), text="has voted") for each in ballots)
        yield Section(topic=Topic.VOTES, title="Votes", facts=voted)
        reason = Fact(
            label="not found out",
            text="vote only if you know what it does from elsewhere",
            is_warning=True,
            severity=Severity.GRAVE,
            quotes=(Quote(by="why", text=plain(self._unknown_outcome)),),
        )
        yield Section(
            topic=Topic.OUTCOME, title="What would change", facts=(reason, *known)
        )

    def _who(self, member_id: MemberId) -> str:
        name = self._names.get(member_id)
        return f"{name} ({short(member_id)})" if name else short(member_id)

    def _final_votes(self) -> Iterator[Fact]:
        info = self._proposal.info
        for member_id in info.ballots:
            failure = (info.vote_failures or {}).get(member_id)
            if failure is not None:
                yield self._failed(member_id, "the ballot failed", failure)
                continue
            counted = (info.final_votes or {}).get(member_id)
            yield self._ballot(member_id, counted, "it was counted as")
        infos = members.INFO.of(self._state.store.begin(read_only=True)).items()
        for member_id, member in sorted(infos, key=lambda it: self._who(it[0])):
            if member.status is MemberStatus.ACTIVE and member_id not in info.ballots:
                yield Fact(label=self._who(member_id), text="did not vote")
        if info.failure is not None:
            quotes = (Quote(by="the error", text=plain(info.failure.reason)),)
            yield Fact(
                label="failed",
                text="the proposal could not be carried out",
                is_warning=True,
                quotes=quotes,
            )

    def _ballot(self, member_id: MemberId, vote: bool | None, now: str) -> Fact:
        """Describe a ballot: a script is shown, and is neither for nor against.

        Args:
            member_id: whose ballot.
            vote: what the script says, if that is known.
            now: when it says so, in words.
        """
        label, side = self._who(member_id), self.sides.get(member_id)
        if side is not None:
            return Fact(label=label, text="in favour" if side else "against")
        if vote is None:
            return Fact(label=label, text="has voted")
        script = self._proposal.info.ballots.get(member_id, "")
        return Fact(
            label=label,
            text="by a script that decides each time it is counted; "
            f"{now} {'yes' if vote else 'no'}",
            quotes=(Quote(by="the script", text=plain(script)),),
        )

    def _failed(self, member_id: MemberId, text: str, failure: Failure) -> Fact:
        """Describe a ballot that is no vote."""
        script = self._proposal.info.ballots.get(member_id, "")
        return Fact(
            label=self._who(member_id),
            text=f"{text}, and is no vote",
            is_warning=True,
            severity=Severity.NOTABLE,
            quotes=(
                Quote(by="its error", text=plain(failure.reason)),
                Quote(by="the script", text=plain(script)),
            ),
        )

    def _votes(self, outcome: Outcome) -> Iterator[Fact]:
        tx = self._state.store.begin(read_only=True)
        infos = dict(members.INFO.of(tx).items())
        for member_id, vote in sorted(
            outcome.votes.items(), key=lambda it: self._who(it[0])
        ):
            fact = self._ballot(member_id, vote, "now it says")
            if (info := infos.get(member_id)) is None:
                fact = replace(fact, text=f"{fact.text}, but is no member any more")
            elif info.status is not MemberStatus.ACTIVE:
                fact = replace(fact, text=f"{fact.text}, but is not active")
            yield fact
        for member_id, failure in outcome.failures.items():
            yield self._failed(member_id, "the ballot fails", failure)
        for member_id, info in sorted(infos.items(), key=lambda it: self._who(it[0])):
            if (
                info.status is MemberStatus.ACTIVE
                and member_id not in self._proposal.info.ballots
            ):
                yield Fact(label=self._who(member_id), text="has not voted")

    def _results(self, outcome: Outcome) -> Iterator[Fact]:
        for label, text, said in (
            ("invalid today", "the constitution refuses it", outcome.invalid),
            ("it would fail", "it could not be carried out", outcome.failure),
        ):
            if said is not None:
                yield Fact(
                    label=label,
                    text=text,
                    is_warning=True,
                    severity=Severity.NOTABLE,
                    quotes=(Quote(by="its words", text=plain(said)),),
                )
        if outcome.took_random or outcome.unrepeated:
            yield self._made_at_random(outcome)
        for asked in outcome.asked:
            yield Fact(label="the service would", text=asked)
        if not (outcome.writes or outcome.asked or outcome.failure):
            yield Fact(label="changes", text="none")

    @staticmethod
    def _made_at_random(outcome: Outcome) -> Fact:
        """Say what no run on this machine can tell."""
        counts = {table: len(keys) for table, keys in outcome.unrepeated.items()}
        rows = ", ".join(
            f"{count} in {quoted(table)}" for table, count in sorted(counts.items())
        )
        more = (
            f"; rows that were another in a second run ({rows}) are not compared "
            "with what you read"
        )
        return Fact(
            label="made at random",
            text="the scripts take random bytes or keys, so that a node writes others "
            f"than are shown here{more if rows else ''}",
            is_warning=True,
            severity=Severity.NOTABLE,
        )

    def _decision(self, outcome: Outcome) -> Iterator[Fact]:
        """Yield the standing, and which further votes the constitution acts upon."""
        cast = [self.sides[each] for each in outcome.votes if each in self.sides]
        standing = f"{cast.count(False)} against, {cast.count(True)} in favour"
        scripts = [
            vote for each, vote in outcome.votes.items() if each not in self.sides
        ]
        if scripts:
            yes, no = scripts.count(True), scripts.count(False)
            standing += f", and of scripts that decide each time {yes} say yes, {no} no"
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
