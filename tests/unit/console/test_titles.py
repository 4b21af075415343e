"""What open proposals would do to the app is found out once for each state."""

import asyncio
from collections.abc import Mapping

import pytest

from ccfpy.base.ids import ProposalId
from ccfpy.base.json import Json
from ccfpy.client.review.description import Description
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.answers import Inbox
from ccfpy.console.inbox import Titles
from ccfpy.console.service import Service
from ccfpy.console.watching import Stream, look_at_proposals, watch
from ccfpy.service.tables.proposals import ProposalState
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.client.review.made import ADDS_USER, action, public_state
from tests.unit.console.served import InProcess

ALICE, BOB = Person.make("alice", can_recover=True), Person.make("bob")
ENDPOINT: Json = {
    "js_module": "a.js",
    "js_function": "read",
    "authn_policies": ["user_cert"],
    "mode": "readonly",
    "forwarding_required": "never",
    "openapi": {},
}
BUNDLE: Json = {
    "metadata": {"endpoints": {"/a": {"get": ENDPOINT}}},
    "modules": [{"name": "a.js", "module": "export function read () {}"}],
}
INSTALLS = action("set_js_app", bundle=BUNDLE)


class Counting(InProcess):
    """Counts what is run, and how often it was closed."""

    def __init__(self) -> None:
        self.count = self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def describe(
        self,
        state: PublicState,
        proposal_id: ProposalId,
        names: Mapping[str, str],
        shown: str = "",
    ) -> Description:
        self.count += 1
        return super().describe(state, proposal_id, names, shown)


def test_what_would_change_is_told_once_of_what_installs_an_app(
    serve: Serve, service_pem: str
) -> None:
    """First the list says what the proposal has, and then what it changes."""
    node = hosted(ALICE, BOB)
    for wanted in (INSTALLS, ADDS_USER):
        node.advance(1000)
        asked: Json = {"actions": [wanted]}
        made = node.govern(BOB, "members/proposals:create", "proposal", asked)
        assert made.status == 200
    what_if, stream = Counting(), Stream()

    async def main() -> None:
        titles = Titles(lambda: what_if)
        async with serve(answering(node)) as url, asyncio.timeout(30):
            service = Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            before = await look_at_proposals(service)
            assert "Replace the app: 1 endpoint in 1 file" in _titles(before)
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(
                    watch(service, None, stream, titles=titles)
                )
                with stream.listen() as listener:
                    events = listener.events()
                    while b"1 endpoint and 1 file change" not in await anext(events):
                        pass
                watching.cancel()
            titles.note(public_state())
            await titles.find(service)
            assert dict(titles.known) == {}, "none of them is open"

    asyncio.run(main())
    assert (what_if.count, what_if.closed) == (1, 1)


def _titles(inbox: Inbox) -> list[str]:
    return [row.title for row in inbox.proposals]


@pytest.mark.parametrize("state", [ProposalState.ACCEPTED, ProposalState.DROPPED])
def test_what_is_closed_is_not_run(
    state: ProposalState, serve: Serve, service_pem: str
) -> None:
    what_if = Counting()
    titles = Titles(lambda: what_if)
    titles.note(public_state(INSTALLS, state=state))

    async def main() -> None:
        async with serve(answering(hosted(ALICE))) as url, asyncio.timeout(30):
            service = Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            await titles.find(service)

    asyncio.run(main())
    assert what_if.count == 0
