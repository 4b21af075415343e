"""Closed proposals are asked for once, and shown as they closed."""

import asyncio

from ccfpy.client.connection import Connection
from ccfpy.client.proposal_stories import NOT_TOLD
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.inbox import inbox_of
from ccfpy.console.proposal import page_of
from ccfpy.console.remembered import Remembered, with_closed
from ccfpy.kv.store import Store
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.test_inbox import NOW
from tests.unit.console.told import ACCEPTED, ALICE, BOB

EMPTY = PublicState(store=Store(), not_served=())


def test_the_list_has_what_the_tables_forgot(serve: Serve, service_pem: str) -> None:
    node = hosted(Person.make("alice", can_recover=True))
    for name in ("trigger_snapshot", "trigger_ledger_chunk"):
        assert node.propose({"name": name}).status == 200
    node.advance(1000)
    remembered = Remembered()

    async def main() -> None:
        async with (
            serve(answering(node)) as url,
            asyncio.timeout(30),
            Connection(url, service_certificate=service_pem) as connection,
        ):
            await remembered.look(connection)

    asyncio.run(main())
    inbox = inbox_of(EMPTY, names={}, signer_id=None, now=NOW, remembered=remembered)
    assert [row.actions for row in inbox.proposals[:2]] == [
        ("trigger_ledger_chunk",),
        ("trigger_snapshot",),
    ]
    assert {row.ended for row in inbox.proposals} == {"accepted with 1 in favour"}
    assert inbox.proposals[0].at is not None


def test_a_list_that_is_not_whole_says_so() -> None:
    inbox = inbox_of(EMPTY, names={}, signer_id=None, now=NOW, remembered=Remembered())
    assert (inbox.proposals, inbox.not_known) == ((), NOT_TOLD)


def test_a_closed_proposal_is_shown_with_its_final_votes() -> None:
    body = b'{"actions": [{"name": "trigger_snapshot"}]}'
    state = with_closed(EMPTY, ACCEPTED, body)
    page = page_of(state, ACCEPTED.proposalId, names={ALICE: "alice"}, signer_id=BOB)
    assert (page.state, page.text, page.may_vote) == ("Accepted", body.decode(), False)
    facts = [fact for section in page.sections for fact in section.facts]
    assert [fact.text for fact in facts].count("in favour") == 2
