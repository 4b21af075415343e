"""A service is trusted by its certificate; closed proposals are asked for once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ccfpy.client.connection import Connection
from ccfpy.client.review.public_state import PublicState
from ccfpy.console import service as remembered_proposals
from ccfpy.console.inbox import inbox_of, older_of
from ccfpy.console.proposal import NOT_TOLD, page_of
from ccfpy.console.service import (
    ADDRESSES_MAX,
    OLDER_AT_ONCE,
    Remembered,
    Service,
    with_closed,
)
from ccfpy.crypto.certs import Certificate
from ccfpy.gov import proposal_history
from ccfpy.kv.store import Store
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.served import pen_of
from tests.unit.console.test_inbox import NOW
from tests.unit.console.told import ACCEPTED, ALICE, BOB


def test_a_service_is_named_by_its_certificate(service_pem: str) -> None:
    alice = Person.make("alice")
    urls = ["https://127.0.0.1:1"]
    shown = Service(urls=urls, certificate=service_pem, names=dict, pen=pen_of(alice))
    assert shown.digest == Certificate.from_pem(service_pem).digest_hex
    assert shown.signer_id == alice.certificate.digest_hex
    read = Service(urls=urls, certificate=service_pem, names=dict, pen=None)
    assert read.signer_id is None


def test_nodes_that_answered_are_asked_first(service_pem: str) -> None:
    """The node whose address was given may be the one that ends."""
    shown = Service(urls=["given"], certificate=service_pem, names=dict, pen=None)
    assert shown.addresses == ["given"]
    shown.answered[:] = ["other", "given"]
    assert shown.addresses == ["other", "given"]
    shown.answered[:] = [f"node{number}" for number in range(ADDRESSES_MAX + 1)]
    assert len(shown.addresses) == ADDRESSES_MAX


EMPTY = PublicState(store=Store(), not_served=())


def _asked(
    actions: list[str],
    serve: Serve,
    certificate: str,
    look: Callable[[Connection], Awaitable[object]],
) -> None:
    """Propose and accept each action, and look at the service then."""
    node = hosted(Person.make("alice", can_recover=True))
    for name in actions:
        assert node.propose({"name": name}).status == 200
    node.advance(1000)

    async def main() -> None:
        async with (
            serve(answering(node)) as url,
            asyncio.timeout(30),
            Connection(url, service_certificate=certificate) as connection,
        ):
            await look(connection)

    asyncio.run(main())


def test_the_list_has_what_the_tables_forgot(serve: Serve, service_pem: str) -> None:
    remembered = Remembered()
    _asked(
        ["trigger_snapshot", "trigger_ledger_chunk"],
        serve,
        service_pem,
        remembered.look,
    )
    inbox = inbox_of(EMPTY, names={}, signer_id=None, now=NOW, remembered=remembered)
    assert [row.actions for row in inbox.proposals[:2]] == [
        ("trigger_ledger_chunk",),
        ("trigger_snapshot",),
    ]
    assert {row.ended for row in inbox.proposals} == {"accepted with 1 in favour"}
    assert inbox.proposals[0].at is not None


@pytest.mark.parametrize("at_once", [2, OLDER_AT_ONCE])
def test_a_reader_reads_on_to_older_ones_a_few_at_a_time(
    serve: Serve, service_pem: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(proposal_history, "PAGE_MAX", 3)
    monkeypatch.setattr(remembered_proposals, "OLDER_AT_ONCE", at_once)
    remembered = Remembered()
    listed: list[str] = []
    sizes: list[int] = []

    async def look(connection: Connection) -> None:
        await remembered.look(connection)
        inbox = inbox_of(
            EMPTY, names={}, signer_id=None, now=NOW, remembered=remembered
        )
        listed.extend(row.id for row in inbox.proposals)
        sizes.append(len(inbox.proposals))
        older = inbox.older
        while older is not None:
            page = await remembered.look_back(connection, older)
            told = older_of(page, remembered, {})
            assert {row.group for row in told.proposals} == {"decided"}
            assert all(row.actions and row.ended for row in told.proposals)
            listed.extend(row.id for row in told.proposals)
            sizes.append(len(told.proposals))
            older = told.older

    _asked(["trigger_snapshot"] * 6, serve, service_pem, look)
    assert len(listed) == len(set(listed)) >= 6
    assert sizes[0] == 3
    assert max(sizes[1:]) == min(at_once, 3)


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
