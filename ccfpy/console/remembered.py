"""Proposals that the service's tables have forgotten, asked for once and kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import ProposalId, Seqno
from ccfpy.base.json import loads_object
from ccfpy.client.connection import Connection
from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.client.proposal_stories import (
    NOT_TOLD,
    Stories,
    made_at,
    read_proposal_body,
    read_stories,
)
from ccfpy.client.review import actions
from ccfpy.client.review.public_state import PublicState
from ccfpy.gov.definitions import ProposalStory
from ccfpy.kv.store import Store
from ccfpy.service.tables import proposals
from ccfpy.service.tables.proposals import ProposalInfo

BODIES_AT_ONCE: Final = 10
"""Proposals whose actions are asked for in one look; others come with the next."""
OLDER_AT_ONCE: Final = 20
"""Proposals in one look further back; the actions of each cost a request."""
BODIES_MAX: Final = 1000
"""Proposals whose actions are kept."""


class Remembered:
    """What a service tells of its proposals, closed ones included.

    Attributes:
        stories: as of the last look.
    """

    def __init__(self) -> None:
        self.stories = Stories(why_not=NOT_TOLD)
        self._actions: dict[str, tuple[str, ...]] = {}
        self._titles: dict[str, str] = {}

    async def look(self, connection: Connection) -> Stories:
        """Ask for the latest proposals, and for what those are that are not known yet.

        A service that refuses tells nothing, for a reason that is kept.

        Raises:
            Unreachable: no node answers.
        """
        try:
            self.stories = await read_stories(connection)
        except (ServiceError, UnexpectedReply) as error:
            self.stories = Stories(why_not=f"earlier proposals are not told: {error}")
        await self._learn(connection, self.stories.told, count=BODIES_AT_ONCE)
        return self.stories

    async def look_back(self, connection: Connection, before: Seqno) -> Stories:
        """Ask for a few proposals that were made before a seqno, and what those are.

        Raises:
            ServiceError: the service refuses.
            UnexpectedReply: the answer has another form.
            Unreachable: no node answers.
        """
        page = await read_stories(connection, before=before)
        told = page.told[:OLDER_AT_ONCE]
        await self._learn(connection, told, count=OLDER_AT_ONCE)
        older = made_at(told[-1]) if len(told) < len(page.told) else page.older
        return replace(page, told=told, older=older)

    def actions_of(self, proposal_id: str) -> tuple[str, ...]:
        """Return the names of a proposal's actions, as far as they are known yet."""
        return self._actions.get(proposal_id, ())

    def title_of(self, proposal_id: str) -> str:
        """Return what a proposal does, in a line; nothing while that is not known."""
        return self._titles.get(proposal_id, "")

    async def _learn(
        self, connection: Connection, told: Sequence[ProposalStory], *, count: int
    ) -> None:
        """Ask what some proposals are, of those that are not known yet."""
        unknown = [each for each in told if each.proposalId not in self._actions]
        for story in unknown[:count]:
            body = await read_proposal_body(connection, story)
            if body is not None:
                self._keep(story.proposalId, body)

    def _keep(self, proposal_id: str, body: bytes) -> None:
        try:
            document = loads_object(body)
        except Malformed:
            document = {}
        self._actions[proposal_id] = actions.names(document)
        self._titles[proposal_id] = actions.title(document)
        while len(self._actions) > BODIES_MAX:
            oldest = next(iter(self._actions))
            del self._actions[oldest], self._titles[oldest]


def with_closed(state: PublicState, story: ProposalStory, body: bytes) -> PublicState:
    """Return the tables with a closed proposal in them, as they were when it closed."""
    store = Store()
    tx = store.begin()
    proposal_id = ProposalId(story.proposalId)
    info = ProposalInfo(
        proposer_id=story.proposerId,
        state=story.proposalState,
        ballots=dict.fromkeys(story.finalVotes or {}, ""),
        final_votes=story.finalVotes,
    )
    proposals.INFO.of(tx).put(proposal_id, info)
    proposals.PROPOSALS.of(tx).put(proposal_id, body)
    store.apply(1, tx.writes)
    return replace(state, store=store)
