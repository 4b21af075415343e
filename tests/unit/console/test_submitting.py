"""Messages signed elsewhere: forwarded as they came, where their headers say."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from aiohttp import web

from ccfpy.base.ids import NodeId
from ccfpy.base.json import Json
from ccfpy.base.limits import HTTP_BODY_BYTES_MAX
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.client.governance import signed_message
from ccfpy.client.review.public_state import PublicState
from ccfpy.client.vocabulary import MessageType
from ccfpy.console.service import Service
from ccfpy.console.submitting import MESSAGE_BYTES_MAX, SETTING, facts_of
from ccfpy.kv.store import Store
from ccfpy.service.tables.nodes import INFO, NetInterface
from ccfpy.service.tables.proposals import COSE_RECENT_PROPOSALS
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person
from tests.unit.client.conftest import Serve
from tests.unit.client.hosted import PersonsSigner, hosted
from tests.unit.client.review.made import PROPOSAL
from tests.unit.console.served import Answer, console, console_of
from tests.unit.node.ledger_of_one import node_info

NOW = START_UNIX_US // 1_000_000 + 60
ALICE = Person.make("alice", can_recover=True)
ACTIONS = json.dumps({"actions": [{"name": "trigger_snapshot", "args": None}]})


@pytest.fixture(scope="module")
def node() -> InProcessNode:
    """A service of one member."""
    return hosted(ALICE)


@pytest.fixture
def asked(node: InProcessNode, serve: Serve, service_pem: str) -> Callable[..., Answer]:
    """Return what asks a console that has no key."""

    async def one(path: str, body: bytes | None) -> Answer:
        async with console_of(node, serve, service_pem) as page:
            return await page.ask(path, body)

    return lambda path, body=None: asyncio.run(one(path, body))


def _message(
    kind: MessageType, payload: bytes, *, at: int, proposal_id: str | None = None
) -> bytes:
    signer = PersonsSigner(ALICE)
    return asyncio.run(
        signed_message(signer, kind, payload, created_at=at, proposal_id=proposal_id)
    )


def test_a_message_is_forwarded_as_it_came(asked: Callable[..., Answer]) -> None:
    """Twice: a service answers to the same ballot the same."""
    made = _message(MessageType.PROPOSAL, ACTIONS.encode(), at=NOW)
    status, proposed = asked("/api/submit", made)
    assert (status, proposed["state"]) == (200, "Open")
    proposal_id = proposed["proposal_id"]
    ballot = b'{"ballot": "export function vote () { return true }"}'
    vote = _message(MessageType.BALLOT, ballot, at=NOW, proposal_id=proposal_id)
    status, voted = asked("/api/submit", vote)
    assert (status, voted["state"]) == (200, "Accepted")
    assert voted["txid"] is not None
    assert json.loads(voted["text"])["ballotCount"] == 1
    assert asked("/api/committed/" + voted["txid"]).value["state"] == "Committed"


def test_an_answer_without_a_body_is_one(asked: Callable[..., Answer]) -> None:
    status, said = asked("/api/submit", _message(MessageType.STATE_DIGEST, b"", at=NOW))
    digest = json.loads(said["text"])["stateDigest"]
    assert (status, said["state"], said["proposal_id"]) == (200, None, None)
    payload = {"memberId": ALICE.certificate.digest_hex, "stateDigest": digest}
    ack = _message(MessageType.ACK, json.dumps(payload).encode(), at=NOW)
    status, said = asked("/api/submit", ack)
    assert (status, said["text"]) == (200, "")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xd2\x84"])
def test_what_is_no_message_is_refused(
    asked: Callable[..., Answer], body: bytes
) -> None:
    assert asked("/api/submit", body).status == 400


def test_a_message_that_a_node_finds_too_long_names_the_setting(
    serve: Serve, service_pem: str
) -> None:
    made = _message(MessageType.PROPOSAL, b"{}", at=NOW)

    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=413, body=b"{}")

    async def main() -> Answer:
        async with serve(refuse) as url:
            service = Service(urls=[url], certificate=service_pem, names=dict, pen=None)
            async with console(service) as page:
                return await page.ask("/api/submit", made)

    status, problem = asyncio.run(main())
    assert status == 400
    assert SETTING in problem["error"]


@pytest.mark.parametrize(("over", "status"), [(0, 400), (1, 413)])
def test_a_console_forwards_so_many_bytes_and_no_more(
    asked: Callable[..., Answer], over: int, status: int
) -> None:
    assert asked("/api/submit", bytes(MESSAGE_BYTES_MAX + over)).status == status


def _state(
    *sizes: Json,
    times: Sequence[str] = (),
    status: NodeStatus = NodeStatus.TRUSTED,
) -> PublicState:
    """Return the tables of nodes with such limits, and of proposals of such times."""
    store = Store()
    tx = store.begin()
    for number, size in enumerate(sizes):
        limits: Json = {} if size is None else {"max_body_size": size}
        interface = NetInterface(bind_address="0:0", http_configuration=limits)
        interfaces = {"first": NetInterface(bind_address="0:0"), "second": interface}
        node = replace(node_info(status), rpc_interfaces=interfaces)
        INFO.of(tx).put(NodeId(f"{number:064}"), node)
    for each in times:
        COSE_RECENT_PROPOSALS.of(tx).put(f"{each}:{'ab' * 32}", PROPOSAL)
    store.apply(1, tx.writes)
    return PublicState(store=store, not_served=())


@pytest.mark.parametrize(
    ("sizes", "least"),
    [
        ((), HTTP_BODY_BYTES_MAX),
        ((None,), HTTP_BODY_BYTES_MAX),
        (("4MB", "2MB"), HTTP_BODY_BYTES_MAX),
        (("512KB", "2MB"), 512 * 1024),
    ],
)
def test_the_smallest_limit_counts(sizes: Sequence[Json], least: int) -> None:
    """An interface that says nothing has the default."""
    assert facts_of(_state(*sizes), None, now_ms=1).body_bytes_max == least


def test_a_node_that_is_not_trusted_has_no_say_in_it() -> None:
    state = _state("1B", status=NodeStatus.PENDING)
    assert facts_of(state, None, now_ms=1).body_bytes_max == HTTP_BODY_BYTES_MAX
    state = _state("much")
    assert facts_of(state, None, now_ms=1).body_bytes_max == HTTP_BODY_BYTES_MAX


def test_times_are_compared_with_the_latest_proposal() -> None:
    facts = facts_of(_state(times=["0000000999", "0000001001", "x"]), None, now_ms=7)
    assert (facts.now_ms, facts.latest_created_at) == (7, 1001)
    assert facts_of(_state(), None, now_ms=7).latest_created_at is None


def test_a_page_is_told_what_to_compare(asked: Callable[..., Answer]) -> None:
    status, facts = asked("/api/signing")
    assert (status, facts["body_bytes_max"]) == (200, HTTP_BODY_BYTES_MAX)
    assert (facts["setting"], facts["member_status"]) == (SETTING, None)
    alice = asked(f"/api/signing?member={ALICE.certificate.digest_hex}").value
    assert alice["member_status"] == "Active"
    stranger = asked(f"/api/signing?member={'ab' * 32}").value
    assert stranger["member_status"] is None
    assert asked("/api/signing?member=alice").status == 400
