"""What happened to proposals, as a service tells it, or says that it does not."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from ccfpy.base.ids import MemberId, ProposalId, TxId
from ccfpy.base.json import Json, JsonObject, loads_object
from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.client.review.public_state import PublicState
from ccfpy.console.proposal import (
    NOT_TOLD,
    NOT_YET,
    PATH,
    Stories,
    effect_of,
    ended,
    first_signed_at,
    last_signed_at,
    made_at,
    read_proposal_body,
    read_stories,
    read_story,
    timeline,
    vote_of,
)
from ccfpy.gov import proposal_history
from ccfpy.gov.definitions import Act
from ccfpy.kv.store import Store
from ccfpy.service.tables import js
from ccfpy.service.tables.proposals import ProposalState
from ccfpy.testing.node import Person
from tests.unit.client.conftest import Connect
from tests.unit.client.hosted import answering, hosted
from tests.unit.console.told import (
    ACCEPTED,
    ALICE,
    BOB,
    DROPPED,
    PROPOSED,
    event,
    story,
)

STORIES = Stories(told=(DROPPED, ACCEPTED))
NAMES: dict[str, str] = {ALICE: "alice", BOB: "bob"}


def test_the_acts_are_told_in_the_order_of_transactions() -> None:
    moments = timeline(
        ACCEPTED,
        STORIES,
        named=NAMES.__getitem__,
        effect="In effect",
        vouched=lambda seqno: "verified" if seqno < 14 else "",
    )
    assert [(each.what, each.who, each.txid, each.vouched) for each in moments] == [
        ("Proposed", "alice", "2.10", "verified"),
        ("Voted in favour", "alice", "2.12", "verified"),
        ("Voted in favour", "bob", "2.14", ""),
        ("Accepted with 2 in favour", "", "2.14", ""),
        ("Committed: all of this is final", "", None, ""),
        ("In effect", "", None, ""),
    ]
    assert moments[0].at == 1_000_000
    assert [each.is_end for each in moments] == [False] * 3 + [True] + [False] * 2


def test_a_proposal_that_was_dropped_names_what_dropped_it() -> None:
    assert ended(DROPPED, STORIES) == "dropped when proposal 1a1a1a1a was accepted"
    alone = Stories(told=(DROPPED,))
    assert ended(DROPPED, alone) == "dropped when another one was accepted"


@pytest.mark.parametrize(
    ("state", "votes", "told"),
    [
        (ProposalState.OPEN, None, ""),
        (ProposalState.WITHDRAWN, None, "withdrawn by its proposer"),
        (
            ProposalState.REJECTED,
            {ALICE: False, BOB: True},
            "rejected with 1 in favour, 1 against",
        ),
        (ProposalState.FAILED, {ALICE: True}, "failed with 1 in favour"),
    ],
)
def test_every_end_has_its_words(
    state: ProposalState, votes: dict[MemberId, bool] | None, told: str
) -> None:
    assert ended(story("3c", state=state, votes=votes), STORIES) == told


def test_an_open_proposal_ends_with_what_is_to_come() -> None:
    voted = event(Act.VOTED, 12, BOB)
    is_open = story("3c", PROPOSED, voted, state=ProposalState.OPEN)
    moments = timeline(is_open, STORIES, named=str)
    assert [each.what for each in moments[:2]] == ["Proposed", "Voted"]
    assert [each.is_done for each in moments] == [True, True, False]
    told = timeline(is_open, STORIES, named=str, sides={BOB: False})
    assert told[1].what == "Voted against", "before the service counts it"


def test_a_vote_has_its_transaction_and_a_proposal_its_time() -> None:
    assert vote_of(ACCEPTED, BOB) == "2.14"
    assert vote_of(DROPPED, BOB) is None
    assert first_signed_at(ACCEPTED) == 1_000_000
    assert first_signed_at(story("3c", event(Act.DECIDED, 4))) is None


def test_the_last_request_that_says_when_is_the_latest() -> None:
    assert last_signed_at(ACCEPTED) == 1_002_000
    assert last_signed_at(story("3c", event(Act.DECIDED, 4))) is None


def _runs(modules: dict[str, str]) -> PublicState:
    store = Store()
    tx = store.begin()
    for name, source in modules.items():
        js.MODULES.of(tx).put(name, source)
    store.apply(1, tx.writes)
    return PublicState(store=store, not_served=())


def _installs(name: str, source: str) -> JsonObject:
    bundle: Json = {"modules": [{"name": name, "module": source}]}
    return {"actions": [{"name": "set_js_app", "args": {"bundle": bundle}}]}


def test_an_app_is_in_effect_while_its_modules_are_there() -> None:
    state = _runs({"/m.js": "1"})
    assert effect_of(state, _installs("m.js", "1")).startswith("In effect")
    assert effect_of(state, _installs("m.js", "2")).startswith("Replaced")
    assert effect_of(state, {"actions": [{"name": "set_user"}]}) == ""
    assert effect_of(state, {}) == ""


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
