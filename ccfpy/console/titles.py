"""What open proposals would do, in a line each, for the list of proposals.

Only a run of the constitution tells what changes. The list is read every few seconds,
so that a proposal is run once, and again when something changed that outcomes rest on.
A process of its own runs one after the other, behind what a reader waits for.
"""

import asyncio
from contextlib import closing, suppress
from typing import TYPE_CHECKING

from ccfpy.base.errors import CcfpyError
from ccfpy.client.review.proposal import (
    NoSuchProposal,
    summaries,
    title_of,
    worth_running,
)
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.console.inbox import outcomes_of
from ccfpy.console.proposal import body_of
from ccfpy.http.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ccfpy.base.ids import ProposalId
    from ccfpy.client.connection import Connection
    from ccfpy.console.proposal import DryRunner
    from ccfpy.console.service import Service


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
