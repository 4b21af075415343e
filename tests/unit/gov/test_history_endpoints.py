"""Proposals from a node's ledger, which CCF's endpoints have forgotten."""

import pytest

from ccfpy.base import json
from ccfpy.base.json import Json, JsonObject
from ccfpy.client.share import constitution
from ccfpy.crypto import cose
from ccfpy.gov import history_endpoints
from ccfpy.http.messages import Response
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.conftest import NotesApp

PATH = "/gov/ccfpy/proposals"
SNAPSHOT: Json = {"name": "trigger_snapshot", "args": {}}


@pytest.fixture
def node() -> InProcessNode:
    scripts = [path.read_text() for path in constitution("default")]
    members = [Person.make(f"member{n}", can_recover=True) for n in range(2)]
    made = InProcessNode(NotesApp(), constitution="\n".join(scripts), members=members)
    made.open_service()
    return made


def ask(node: InProcessNode, path: str) -> Response:
    """Ask once everything is signed and indexed."""
    for _ in range(20):
        node.advance(1000)
        reply = node.request("GET", path)
        if reply.status != 202:
            return reply
    pytest.fail("the node never had read so far")


def stories(node: InProcessNode, query: str = "") -> list[JsonObject]:
    reply = ask(node, PATH + query)
    assert reply.status == 200, reply.body
    found = json.loads_object(reply.body)["value"]
    assert isinstance(found, list)
    return [story for story in found if isinstance(story, dict)]


def propose(node: InProcessNode) -> str:
    reply = node.propose(SNAPSHOT)
    assert reply.status == 200, reply.body
    return str(json.loads_object(reply.body)["proposalId"])


def test_closed_proposals_are_told_with_who_did_what_when(node: InProcessNode) -> None:
    first, second = propose(node), propose(node)
    forgotten = node.request("GET", f"/gov/members/proposals/{first}?{VERSION}")
    assert forgotten.status == 404, "CCF's own endpoint keeps the last alone"
    found = stories(node)
    assert [story["proposalId"] for story in found[:2]] == [second, first]
    story = json.loads_object(ask(node, f"{PATH}/{first}").body)
    assert story == found[1]
    one, other = (member.id for member in node.members)
    assert story["proposalState"] == "Accepted"
    assert story["finalVotes"] == {one: True, other: True}
    events = story["events"]
    assert isinstance(events, list)
    told = [event for event in events if isinstance(event, dict)]
    assert [(event["act"], event.get("memberId")) for event in told] == [
        ("Proposed", one),
        ("Voted", one),
        ("Voted", other),
        ("Decided", None),
    ]
    times = [event["createdAt"] for event in told[:3]]
    assert times == sorted(times, key=str)
    assert all(isinstance(time, int) for time in times)


def test_the_signed_requests_of_a_closed_proposal_can_be_had(
    node: InProcessNode,
) -> None:
    first, _ = propose(node), propose(node)
    events = json.loads_object(ask(node, f"{PATH}/{first}").body)["events"]
    assert isinstance(events, list)
    payloads = []
    for event in events[:2]:
        assert isinstance(event, dict)
        reply = ask(node, f"/gov/ccfpy/requests/{event['transactionId']}")
        assert reply.headers["content-type"] == "application/cose"
        message = cose.parse(reply.body)
        message.verify(node.members[0].certificate.public_key)
        payloads.append(json.loads_object(message.payload or b""))
    assert payloads[0] == {"actions": [SNAPSHOT]}
    assert list(payloads[1]) == ["ballot"]


def test_a_node_that_has_not_read_so_far_says_so(node: InProcessNode) -> None:
    propose(node)
    node.advance(1000)
    reply = node.request("GET", PATH)
    assert (reply.status, "retry-after" in reply.headers) == (202, True)
    assert ask(node, PATH).status == 200


def test_a_long_list_comes_in_pages(
    node: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_endpoints, "PAGE_MAX", 2)
    made = [propose(node) for _ in range(3)]
    page = json.loads_object(ask(node, PATH).body)
    link = str(page["nextLink"])
    assert link.startswith(f"{PATH}?before=")
    older = stories(node, link.removeprefix(PATH))
    assert older[0]["proposalId"] == made[0]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{PATH}/{'0' * 64}", 404, "ProposalNotFound"),
        (f"{PATH}/x", 400, "InvalidResourceName"),
        (f"{PATH}?before=x", 400, "InvalidQueryParameterValue"),
        ("/gov/ccfpy/requests/2.", 400, "InvalidResourceName"),
        ("/gov/ccfpy/requests/2.99999", 404, "TransactionPendingOrUnknown"),
        ("/gov/ccfpy/requests/1.1", 404, "TransactionInvalid"),
        ("/gov/ccfpy/requests/2.1", 404, "ResourceNotFound"),
    ],
)
def test_what_is_not_there_is_refused(
    node: InProcessNode, path: str, status: int, code: str
) -> None:
    reply = ask(node, path)
    assert reply.status == status, reply.body
    error = json.loads_object(reply.body)["error"]
    assert isinstance(error, dict)
    assert error["code"] == code


VERSION = "api-version=2024-07-01"


def test_documents_and_ccfs_answers_are_as_before(node: InProcessNode) -> None:
    for path in ("/gov/api", f"/gov/api?{VERSION}"):
        assert b"ccfpy/proposals" not in node.request("GET", path).body
