"""Answers about the app, and about proposals with what happened to them."""

import asyncio
import re
from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.client.proposal_stories import read_proposal_body, read_story
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.client.review.reading import document_of
from ccfpy.console.app import app_page, module_page
from ccfpy.console.explorer import Explorer, NoSuchTransaction
from ccfpy.console.inbox import older_of
from ccfpy.console.ledger_routes import answer
from ccfpy.console.proposal import body_of, page_of
from ccfpy.console.remembered import with_closed
from ccfpy.console.timeline import effect_of, nothing_vouched, timeline
from ccfpy.service.tables import proposals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp import web

    from ccfpy.base.ids import MemberId, ProposalId, Seqno
    from ccfpy.client.connection import Connection
    from ccfpy.console.answers import Moment, ProposalPage
    from ccfpy.console.proposal import Describe
    from ccfpy.console.service import Service
    from ccfpy.gov.definitions import ProposalStory


_SEQNO = re.compile(r"[0-9]{1,19}", re.ASCII)


class AppRoutes:
    """The answers about one service."""

    def __init__(self, service: "Service", explorer: Explorer | None) -> None:
        self._service, self._explorer = service, explorer

    async def app(self, _: "web.Request") -> "web.Response":
        """Describe the app, and every endpoint."""
        service = self._service
        async with service.connect() as connection:
            stories = await service.remembered.look(connection)
            page = await app_page(
                connection,
                stories,
                actions_of=service.remembered.actions_of,
                named=service.named,
                url=service.urls[0],
            )
        return answer(page)

    async def module(self, request: "web.Request") -> "web.Response":
        """Describe a module of the app."""
        name = request.query.get("name")
        if not name:
            raise Malformed("a question about a module has its name")
        async with self._service.connect() as connection:
            return answer(await module_page(connection, name))

    async def older(self, request: "web.Request") -> "web.Response":
        """List closed proposals that were made before a seqno."""
        before = request.query.get("before", "")
        if _SEQNO.fullmatch(before) is None:
            raise Malformed("a question about older proposals has before, a seqno")
        service = self._service
        async with service.connect() as connection:
            page = await service.remembered.look_back(connection, int(before))
        return answer(older_of(page, service.remembered, service.names()))

    async def proposal(
        self,
        proposal_id: "ProposalId",
        signer_id: "MemberId | None",
        described: "Describe",
    ) -> "ProposalPage":
        """Describe a proposal, also one that the service's tables have forgotten.

        Args:
            proposal_id: which.
            signer_id: who reads, if that is a member.
            described: describes the proposal.

        Raises:
            NoSuchProposal: neither they nor the ledger have the proposal.
        """
        service = self._service
        async with service.connect() as connection:
            state = await read_public_state(connection)
            stories = await service.remembered.look(connection)
            story = stories.of(proposal_id)
            if story is None and not stories.why_not:
                story = await read_story(connection, proposal_id)
            state, now = await _with_story(connection, state, proposal_id, story), state

        def moments(sides: "Mapping[str, bool]") -> "Sequence[Moment]":
            if story is None:
                return ()
            document = document_of(body_of(state, proposal_id))
            is_in_effect = story.proposalState is proposals.ProposalState.ACCEPTED
            return timeline(
                story,
                stories,
                named=service.named,
                sides=sides,
                effect=effect_of(now, document) if is_in_effect else "",
                vouched=nothing_vouched if self._explorer is None else self._vouched,
            )

        return await asyncio.to_thread(
            page_of,
            state,
            proposal_id,
            names=service.names(),
            signer_id=signer_id,
            story=story,
            moments=moments,
            not_known="" if story is not None else stories.why_not,
            described=described,
        )

    def _vouched(self, seqno: "Seqno") -> str:
        assert self._explorer is not None, "asked where there is one"
        try:
            return self._explorer.transaction(seqno).row.coverage.value
        except NoSuchTransaction:
            return ""


async def _with_story(
    connection: "Connection",
    state: PublicState,
    proposal_id: "ProposalId",
    story: "ProposalStory | None",
) -> PublicState:
    """Return the tables with the proposal, which they may have forgotten."""
    tx = state.store.begin(read_only=True)
    if story is None or proposals.PROPOSALS.of(tx).get(proposal_id) is not None:
        return state
    body = await read_proposal_body(connection, story)
    return state if body is None else with_closed(state, story, body)
