"""A caller is sent on by the interface it came by, or told why it cannot be."""

from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.ids import NodeId, SessionId
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.replies import empty_reply
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request
from ccfpy.node.api.declare import address_for
from ccfpy.service.join_messages import JOIN_REQUEST
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person, listener
from tests.unit.node.api.test_join import APPLICANT, asking, replica_of
from tests.unit.node.conftest import CONSTITUTION, NotesApp


def two_ways(configuration: NodeConfiguration) -> NodeConfiguration:
    """Make a node listen on a second interface; the second node on a third too."""
    (first,) = configuration.rpc_interfaces
    port = int(first.bind_address.rpartition(":")[2])
    ways = [first, listener("second", port=port + 2)]
    if configuration.join is not None:
        ways.append(listener("third", port=port + 3))
    return replace(configuration, rpc_interfaces=tuple(ways))


@pytest.fixture
def backup(members: tuple[Person, ...]) -> InProcessNode:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=two_ways
    )
    network.start()
    network.advance(200)
    second = network.join()
    network.wait_until_settled(second)
    return second


@pytest.mark.parametrize(
    ("interface", "port"), [("primary_rpc_interface", 8000), ("second", 8002)]
)
def test_the_primary_is_named_by_the_interface_that_was_used(
    backup: InProcessNode, interface: str, port: int
) -> None:
    client = backup.connect(interface=interface)
    (answer,) = client.send(b"HEAD /node/primary HTTP/1.1\r\n\r\n")
    assert answer.status == 308
    assert answer.headers["location"] == f"https://127.0.0.1:{port}/node/primary"


def test_a_primary_without_the_interface_cannot_be_named(backup: InProcessNode) -> None:
    client = backup.connect(APPLICANT, interface="third")
    answer = client.request("POST", "/node/join", body=JOIN_REQUEST.write(asking()))
    assert answer.status == 500
    assert json.loads_object(answer.body)["error"] == {
        "code": "InternalError",
        "message": (
            "Cannot redirect request. Received on RPC interface third, which is not "
            f"present on target node {replica_of(backup).primary_id}"
        ),
    }
    assert backup.host.logs[-1].message == (
        "Node redirection error: Target missing interface third"
    )


def test_a_node_that_is_not_known_cannot_be_named(backup: InProcessNode) -> None:
    running = replica_of(backup)
    context = Context(
        request=Request(method="GET", path="/"),
        session=Session(id=SessionId(1), interface=InterfaceRules(name="second")),
        node=running,
        endpoint=Endpoint(method="GET", path="/", handler=lambda _: empty_reply()),
        params={},
        tx=running.begin(read_only=True),
    )
    with pytest.raises(ApiError, match="Cannot find node info") as refused:
        address_for(context, running, NodeId("nobody"))
    assert refused.value.status == 500
    assert "Unknown node nobody" in str(running.outbox.take())
