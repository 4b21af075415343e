"""A service that does not serve its tables, as CCF 7, is read by its interface."""

import asyncio
import json
from collections.abc import Callable

import pytest
from aiohttp import web

from apps.js_generic.app import app as js_generic
from ccfpy.base.json import Json
from ccfpy.client.errors import ServiceError, UnexpectedReply
from ccfpy.client.review.proposal import describe, summaries
from ccfpy.client.review.public_state import PublicState, read_public_state
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import js, members, nodes, proposals, service, users
from ccfpy.service.tables import service as tables
from ccfpy.service.tables.proposals import ProposalState
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.client.conftest import Answer, Connect
from tests.unit.client.hosted import CONSTITUTION, answering

ALICE, BOB, CAROL = (
    Person.make("alice", can_recover=True),
    Person.make("bob"),
    Person.make("carol"),
)
BUNDLE: Json = {
    "metadata": {
        "endpoints": {
            "/f": {
                "get": {
                    "js_module": "lib/m.js",
                    "js_function": "f",
                    "mode": "readonly",
                    "forwarding_required": "never",
                    "authn_policies": ["user_cert"],
                    "openapi": {},
                }
            }
        }
    },
    "modules": [{"name": "lib/m.js", "module": "export function f() { return {}; }"}],
}
SAME = (
    service.CONSTITUTION,
    members.INFO,
    members.CERTS,
    members.ENCRYPTION_PUBLIC_KEYS,
    users.CERTS,
    js.MODULES,
    proposals.PROPOSALS,
)
"""Tables that the interface tells of whole."""


@pytest.fixture(scope="module")
def node() -> InProcessNode:
    """A service with an app, and an open proposal for which Bob has voted."""
    made = InProcessNode(
        js_generic, constitution=CONSTITUTION, members=[ALICE, BOB, CAROL]
    )
    made.open_service(Person.make("user0"))
    made.propose({"name": "set_js_app", "args": {"bundle": BUNDLE}})
    action: Json = {"name": "set_user_data", "args": {"user_id": "ab" * 32}}
    created = made.govern(
        ALICE, "members/proposals:create", "proposal", {"actions": [action]}
    )
    proposal_id = json.loads(created.body)["proposalId"]
    voted = made.govern(
        BOB,
        f"members/proposals/{proposal_id}/ballots/{BOB.id}:submit",
        "ballot",
        {"ballot": "export function vote () { return true }"},
        proposal_id=proposal_id,
    )
    assert voted.status == 200, voted.body
    made.advance(1000)
    return made


def without_tables(answer: Answer) -> Answer:
    """Return what answers as CCF 7 does where it is asked for tables."""

    async def other(request: web.Request) -> web.StreamResponse:
        if request.path.startswith(("/gov/kv", "/gov/ccfpy")):
            error = {"code": "ResourceNotFound", "message": "Unknown path"}
            return web.json_response({"error": error}, status=404)
        return await answer(request)

    return other


@pytest.fixture
def read(connect: Connect) -> Callable[[Answer], PublicState]:
    """Return what reads the tables of a service that does not serve them."""

    async def one(answer: Answer) -> PublicState:
        async with connect(without_tables(answer)) as connection:
            return await read_public_state(connection)

    return lambda answer: asyncio.run(one(answer))


@pytest.fixture
def both(
    node: InProcessNode, read: Callable[[Answer], PublicState]
) -> tuple[PublicState, Tx, Tx]:
    """What was read, and the node's own tables."""
    state = read(answering(node))
    running = node.trusted.running
    assert running is not None
    return state, state.store.begin(read_only=True), running.begin(read_only=True)


def test_tables_are_as_the_node_has_them(both: tuple[PublicState, Tx, Tx]) -> None:
    state, mine, theirs = both
    for table in SAME:
        rows = dict(theirs.raw(table.name).items())
        assert rows
        assert dict(mine.raw(table.name).items()) == rows, table.name
        assert table.name not in state.not_served
    assert dict(js.ENDPOINTS.of(mine).items()) == dict(js.ENDPOINTS.of(theirs).items())
    assert tables.CONFIGURATION.of(mine).get() is not None
    info = tables.INFO.of(mine).get()
    assert info is not None
    assert info.status.value == "Open"


def test_what_the_interface_does_not_tell_is_named(
    both: tuple[PublicState, Tx, Tx],
) -> None:
    state, mine, _ = both
    assert nodes.INFO.name in state.not_served
    assert not dict(nodes.INFO.of(mine).items())


def test_a_proposal_is_judged_with_the_ballots_there_are(
    both: tuple[PublicState, Tx, Tx],
) -> None:
    state, mine, theirs = both
    infos = dict(proposals.INFO.of(mine).items())
    for proposal_id, info in proposals.INFO.of(theirs).items():
        assert infos[proposal_id].state is info.state
        assert infos[proposal_id].ballots.keys() == info.ballots.keys()
    (row,) = [
        each for each in summaries(state) if each.info.state is ProposalState.OPEN
    ]
    assert row.actions == ("set_user_data",)
    said = [
        (fact.label, fact.text)
        for section in describe(state, row.proposal_id, {BOB.id: "bob"}).sections
        for fact in section.facts
    ]
    by_a_script = "by a script that decides each time it is counted; now it says yes"
    assert (f"bob ({BOB.id[:8]})", by_a_script) in said
    assert any("this service does not tell" in text for _, text in said)


@pytest.mark.parametrize("body", [{}, {"value": 5}, {"value": [{"memberId": 5}]}, []])
def test_an_answer_of_another_form_is_refused(
    read: Callable[[Answer], PublicState], body: Json
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    with pytest.raises(UnexpectedReply):
        read(answer)


def test_a_service_that_refuses_is_not_empty(
    read: Callable[[Answer], PublicState],
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        error = {"code": "FrontendNotOpen", "message": "Frontend is not open."}
        return web.json_response({"error": error}, status=404)

    with pytest.raises(ServiceError, match="not open"):
        read(answer)
