"""The proposals of a service in a list, for a member: which of them wait for a vote.

Only a run of the constitution tells what an open proposal would do. The list is read
every few seconds, so a proposal is run once, and again when something changed that
outcomes rest on. A process of its own runs one after the other, behind what a reader
waits for.
"""

import asyncio
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import MemberId
from ccfpy.base.json import dumps
from ccfpy.client.review.proposal import (
    NoSuchProposal,
    Summary,
    summaries,
    title_of,
    worth_running,
)
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.client.review.values import short
from ccfpy.console.answers import Inbox, OlderProposals, ProposalRow
from ccfpy.console.proposal import (
    Stories,
    body_of,
    ended,
    first_signed_at,
    last_signed_at,
    side,
)
from ccfpy.console.service import Remembered
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.gov.definitions import Act, ProposalStory
from ccfpy.http.errors import ApiError
from ccfpy.service.tables import jwt, members, nodes, service
from ccfpy.service.tables.proposals import (
    COSE_RECENT_PROPOSALS,
    INFO,
    PROPOSALS,
    ProposalState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ccfpy.base.ids import ProposalId
    from ccfpy.client.connection import Connection
    from ccfpy.console.proposal import DryRunner
    from ccfpy.console.service import Service


UNVOTED: Final = (
    members.INFO,
    members.ACKS,
    nodes.INFO,
    service.INFO,
    jwt.ISSUERS,
    jwt.SIGNING_KEYS,
)
"""Tables that outcomes of proposals rest on and that change without a vote: a member
acknowledges, a node asks to join. All others change when a proposal is accepted."""
TABLES = (INFO, PROPOSALS, COSE_RECENT_PROPOSALS, *UNVOTED)
"""What must be read."""
YOURS = "yours to decide"
OPEN = "open"
DECIDED = "decided"
NO_TITLES: Final[Mapping[str, str]] = {}
GROUPS = (YOURS, OPEN, DECIDED)


def inbox_of(
    state: PublicState,
    *,
    names: Mapping[str, str],
    signer_id: MemberId | None,
    now: datetime,
    remembered: Remembered | None = None,
    titles: Mapping[str, str] = NO_TITLES,
) -> Inbox:
    """List what the service remembers, and what its ledger has besides.

    Args:
        state: what ``TABLES`` hold.
        names: members' names, by id, as far as they are known here.
        signer_id: who looks, if that is a member.
        now: the time.
        remembered: what the service tells of proposals that its tables forgot.
        titles: what proposals would do, of those that were run.
    """
    known = remembered or Remembered()
    stories = known.stories
    rows = [
        _with_end(_row(summary, names, signer_id), stories)
        for summary in reversed(summaries(state))
    ]
    rows = [replace(row, title=titles.get(row.id, row.title)) for row in rows]
    listed = {row.id for row in rows}
    rows += [
        _closed(story, known, names, stories)
        for story in stories.told
        if story.proposalId not in listed
        and story.proposalState is not ProposalState.OPEN
    ]
    order = {str(story.proposalId): place for place, story in enumerate(stories.told)}
    rows.sort(key=lambda row: (GROUPS.index(row.group), order.get(row.id, -1)))
    return Inbox(
        headline=_headline(rows, is_member=signer_id is not None),
        trouble="",
        not_known=stories.why_not,
        proposals=tuple(rows),
        older=stories.older,
        outcomes=outcomes_of(state),
        seen_at=round(now.timestamp() * 1000),
    )


def outcomes_of(state: PublicState) -> str:
    """Return a digest of what outcomes of proposals rest on, as far as it changes."""
    tx = state.store.begin(read_only=True)
    closed = sorted(
        [str(proposal_id), info.state.value]
        for proposal_id, info in INFO.of(tx).items()
        if info.state is not ProposalState.OPEN
    )
    rows = [
        [table.name, key.hex(), sha256_hex(value)]
        for table in UNVOTED
        for key, value in tx.raw(table.name).range()
    ]
    return sha256_hex(dumps([closed, rows]))


def unread(reason: str, *, now: datetime) -> Inbox:
    """Describe the proposals of a service that could not be read."""
    return Inbox(
        headline="the service's proposals could not be read",
        trouble=reason,
        not_known="",
        outcomes="",
        proposals=(),
        older=None,
        seen_at=round(now.timestamp() * 1000),
    )


def older_of(
    page: Stories, remembered: Remembered, names: Mapping[str, str]
) -> OlderProposals:
    """List closed proposals that are older than those of the inbox.

    Args:
        page: what the service tells of them.
        remembered: what it tells of the latest ones, and what older ones are.
        names: members' names, by id, as far as they are known here.
    """
    stories = Stories(told=(*remembered.stories.told, *page.told))
    rows = (
        _closed(story, remembered, names, stories)
        for story in page.told
        if story.proposalState is not ProposalState.OPEN
    )
    return OlderProposals(
        proposals=tuple(rows), older=page.older, not_known=page.why_not
    )


def _row(
    summary: Summary, names: Mapping[str, str], signer_id: MemberId | None
) -> ProposalRow:
    info = summary.info

    def named(member_id: str) -> str:
        return names.get(member_id, short(member_id))

    is_open = info.state is ProposalState.OPEN
    waits = is_open and signer_id is not None and signer_id not in info.ballots
    return ProposalRow(
        id=str(summary.proposal_id),
        state=info.state.value,
        proposer=named(info.proposer_id),
        actions=summary.actions,
        title=summary.title,
        voters=tuple(map(named, info.ballots)),
        voter_ids=tuple(info.ballots),
        sides=tuple(side(summary.sides.get(each)) for each in info.ballots),
        group=YOURS if waits else OPEN if is_open else DECIDED,
        ended="",
        at=None if summary.created_at is None else 1000 * summary.created_at,
    )


def _with_end(row: ProposalRow, stories: Stories) -> ProposalRow:
    """Add what ended a proposal, and when that was, as far as that is told."""
    story = stories.of(row.id)
    if story is None:
        return row
    if row.group != DECIDED:
        return replace(row, at=row.at or first_signed_at(story))
    return replace(row, ended=ended(story, stories), at=last_signed_at(story))


def _closed(
    story: ProposalStory,
    remembered: Remembered,
    names: Mapping[str, str],
    stories: Stories,
) -> ProposalRow:
    """Describe a proposal that the service's tables have forgotten."""

    def named(member_id: str) -> str:
        return names.get(member_id, short(member_id))

    voters = tuple(
        e.memberId for e in story.events if e.act is Act.VOTED and e.memberId
    )
    return ProposalRow(
        id=story.proposalId,
        state=story.proposalState.value,
        proposer=named(story.proposerId),
        actions=remembered.actions_of(story.proposalId),
        title=remembered.title_of(story.proposalId),
        voters=tuple(map(named, voters)),
        voter_ids=voters,
        sides=tuple(side((story.finalVotes or {}).get(each)) for each in voters),
        group=DECIDED,
        ended=ended(story, stories),
        at=last_signed_at(story),
    )


def _headline(rows: list[ProposalRow], *, is_member: bool) -> str:
    yours = sum(1 for row in rows if row.group == YOURS)
    is_open = sum(1 for row in rows if row.group != DECIDED)
    if yours:
        return f"{_counted(yours, 'waits', 'wait')} for your vote"
    if is_open:
        return f"{_counted(is_open, 'is', 'are')} open" + (
            ", and you have voted" if is_member else ""
        )
    return "nothing waits for a vote"


def _counted(count: int, one: str, several: str) -> str:
    return f"1 proposal {one}" if count == 1 else f"{count} proposals {several}"


class Titles:
    """The titles of open proposals that put much at stake.

    Args:
        unawaited: starts what runs proposals that no reader waits for.

    Attributes:
        known: titles by the proposals' ids.
    """

    def __init__(self, unawaited: "Callable[[], DryRunner]") -> None:
        self._unawaited = unawaited
        self._wanted: tuple[ProposalId, ...] = ()
        self._states: frozenset[tuple[str, str]] = frozenset()
        self._asked = asyncio.Event()
        self.known: Mapping[str, str] = {}

    def note(self, state: PublicState) -> None:
        """Ask for titles, if proposals came or were closed since the last time.

        Args:
            state: the tables with the proposals.
        """
        listed = summaries(state)
        states = frozenset(
            {
                *((str(s.proposal_id), s.info.state.value) for s in listed),
                ("", outcomes_of(state)),
            }
        )
        if states == self._states:
            return
        self._states = states
        self._wanted = worth_running(listed)
        self._asked.set()

    async def follow(self, service: "Service") -> None:
        """Find out for ever what is asked for; what cannot be run keeps no title."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self.find(service)
            except (CcfpyError, ApiError):
                self.known = {}

    async def find(self, service: "Service") -> None:
        """Run what is asked for.

        Raises:
            CcfpyError: the service does not answer.
            ApiError: the service has no constitution.
        """
        found = {}
        if wanted := self._wanted:
            async with service.connect() as connection:
                found = await titles_of(connection, wanted, self._unawaited)
        self.known = found


async def titles_of(
    connection: "Connection",
    wanted: "Sequence[ProposalId]",
    start: "Callable[[], DryRunner]",
) -> "dict[str, str]":
    """Run proposals one after the other, and return the titles of those that ran.

    Args:
        connection: to the service.
        wanted: the proposals' ids.
        start: starts what runs proposals.

    Raises:
        CcfpyError: the service does not answer.
        ApiError: the service has no constitution.
    """
    state, found = await read_public_state(connection), {}
    with closing(start()) as what_if:
        for proposal_id in wanted:
            with suppress(NoSuchProposal):
                body = body_of(state, proposal_id)
                told = await asyncio.to_thread(what_if.describe, state, proposal_id, {})
                if told.outcome:
                    found[str(proposal_id)] = title_of(body, told)
    return found
