"""A lost service comes back from its ledger and its members' shares."""

from collections.abc import Callable

from ccfpy.base import json
from ccfpy.base.json import Json
from ccfpy.http.messages import Response
from ccfpy.node.lifecycle import NodeState
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, recover_alone, submit_share
from tests.unit.node.conftest import NotesApp

Make = Callable[[], InProcessNode]


def state_of(node: InProcessNode) -> str:
    body = json.loads_object(node.request("GET", "/node/state").body)
    return str(body["state"])


def run(node: InProcessNode, ms: int = 1000) -> None:
    for _ in range(ms // 100):
        node.advance(100)


def content(response: Response) -> object:
    assert response.status == 200, response.body
    return json.loads(response.body)


def lose(node: InProcessNode, alice: Person) -> InProcessNode:
    node.open_service(alice)
    for i in range(3):
        body: dict[str, Json] = {f"a{i}": f"secret {i}"}
        assert node.request("PUT", "/app/notes", body=body, person=alice).status == 200
    run(node)
    return node


def test_a_lost_service_comes_back_with_its_private_state(
    make_node: Make, members: tuple[Person, ...], alice: Person
) -> None:
    lost = lose(make_node(), alice)
    node = recover_alone(lost.remains(), NotesApp(), members=members)
    assert node.host.stop is None, node.host.stop
    run(node)
    assert state_of(node) == NodeState.PART_OF_PUBLIC_NETWORK
    assert json.loads_object(ask_for_shares(node).body)["proposalState"] == "Accepted"
    answer = submit_share(node, members[0])
    assert answer.status == 200, answer.body
    run(node)
    assert state_of(node) == NodeState.PART_OF_NETWORK
    read = node.request("GET", "/app/notes?name=a1")
    assert content(read) == "secret 1"
