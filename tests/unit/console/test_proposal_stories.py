"""What a service tells of all its proposals, and how it says that it does not."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from ccfpy.base.ids import ProposalId, TxId
from ccfpy.base.json import Json, loads_object
from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.console.proposal_stories import (
    NOT_TOLD,
    NOT_YET,
    PATH,
    Stories,
    made_at,
    read_proposal_body,
    read_stories,
    read_story,
)
from ccfpy.gov import proposal_history
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Connect
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.told import ACCEPTED, DROPPED, story

SNAPSHOT: Json = {"name": "trigger_snapshot"}


def test_closed_proposals_are_told_with_their_bodies(connect: Connect) -> None:
    node = hosted(Person.make("alice", can_recover=True))
    for _ in range(2):
        assert node.propose(SNAPSHOT).status == 200
    node.advance(1000)

    async def main() -> None:
        async with connect(answering(node)) as connection:
            stories = await read_stories(connection)
            assert stories.why_not == ""
            latest, earlier, *_ = stories.told
            assert latest.proposalId != earlier.proposalId
            body = await read_proposal_body(connection, earlier)
        assert body is not None
        assert loads_object(body) == {"actions": [SNAPSHOT]}

    asyncio.run(main())


def test_older_proposals_come_in_pages_and_each_alone(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proposal_history, "PAGE_MAX", 2)
    node = hosted(Person.make("alice", can_recover=True))
    for _ in range(3):
        assert node.propose(SNAPSHOT).status == 200
    node.advance(1000)

    async def main() -> None:
        async with connect(answering(node)) as connection:
            page = await read_stories(connection)
            assert len(page.told) == 2
            assert page.older == made_at(page.told[-1])
            seen = [each.proposalId for each in page.told]
            while page.older is not None:
                page = await read_stories(connection, before=page.older)
                seen += [each.proposalId for each in page.told]
            assert len(seen) == len(set(seen)) >= 3
            oldest = await read_story(connection, seen[-1])
            assert oldest is not None
            assert oldest.proposalId == seen[-1]
            assert await read_story(connection, ProposalId("0" * 64)) is None

    asyncio.run(main())


@pytest.fixture
def ask(connect: Connect) -> Callable[..., Stories]:
    """Return what asks a service that gives one answer."""

    async def one(status: int, body: bytes) -> Stories:
        async def answer(request: web.Request) -> web.Response:
            assert request.path == PATH
            return web.Response(status=status, body=body)

        async with connect(answer) as connection:
            return await read_stories(connection)

    return lambda status, body: asyncio.run(one(status, body))


def test_a_service_that_does_not_tell_says_so(ask: Callable[..., Stories]) -> None:
    assert ask(404, b"{}").why_not == NOT_TOLD
    assert ask(202, b"").why_not == NOT_YET


def test_what_is_no_list_of_proposals_is_refused(ask: Callable[..., Stories]) -> None:
    with pytest.raises(UnexpectedReply, match="has another form"):
        ask(200, b'{"value": [{"proposalId": 1}]}')
    with pytest.raises(ServiceError):
        ask(500, b'{"error": {"code": "InternalError", "message": "defect"}}')


def test_a_dropped_proposal_leads_to_what_dropped_it() -> None:
    stories = Stories(told=(DROPPED, ACCEPTED))
    assert stories.dropped_by(DROPPED) == ACCEPTED.proposalId
    assert stories.dropped_by(story("3c")) is None
    assert stories.of(ACCEPTED.proposalId) is ACCEPTED
    assert stories.of(str(TxId(1, 1))) is None
