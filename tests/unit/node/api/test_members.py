"""``/node/network/nodes``: listing, filters, removal."""

from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, listener
from tests.unit.node.api.test_network import ask, node_id


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 1),
        ("?host=127.0.0.1", 1),
        ("?host=127.0.0.2", 0),
        ("?port=8000", 1),
        ("?port=8001", 0),
        ("?host=127.0.0.1&port=8000&status=Trusted", 1),
        ("?status=Pending", 0),
    ],
)
def test_nodes_are_found_by_address_and_status(
    node: InProcessNode, query: str, count: int
) -> None:
    nodes = ask(node, f"/node/network/nodes{query}")["nodes"]
    assert isinstance(nodes, list)
    assert len(nodes) == count


def test_a_status_must_be_one(node: InProcessNode) -> None:
    answer = node.request("GET", "/node/network/nodes?status=Happy")
    assert answer.status == 400
    assert b"'Happy' is not a valid node status" in answer.body


def test_a_node_is_described_alike_by_every_path(node: InProcessNode) -> None:
    described = ask(node, "/node/network/nodes/self")
    assert described["node_id"] == node_id(node)
    assert described["primary"] is True
    assert described["last_written"] == 1
    assert ask(node, "/node/network/nodes/primary") == described
    assert ask(node, f"/node/network/nodes/{node_id(node)}") == described
    assert node.request("GET", "/node/network/nodes/nobody").status == 404


def test_only_a_node_that_is_gone_can_be_removed(node: InProcessNode) -> None:
    assert ask(node, "/node/network/removable_nodes") == {"nodes": []}
    path = f"/node/network/nodes/{node_id(node)}"
    refused = node.request("DELETE", path)
    assert refused.status == 400
    assert b"Node is not completely retired" in refused.body
    unknown = node.request("DELETE", "/node/network/nodes/nobody")
    assert unknown.status == 404
    assert json.loads_object(unknown.body)["error"] == {
        "code": "ResourceNotFound",
        "message": "No such node",
    }


def test_a_node_that_is_not_entered_yet_describes_itself(network: Network) -> None:
    own = listener("own", port=9000, authority=InterfaceAuthority.NODE)
    joiner = network.join()
    network.kill(network.nodes[0])
    configuration = replace(joiner.boot.configuration, rpc_interfaces=(own,))
    fresh = InProcessNode.among(
        network,
        joiner._app,
        replace(joiner.boot, configuration=configuration),
        members=(),
        seed=9,
    )
    running = fresh.trusted.running
    assert running is not None
    client = fresh.connect(
        interface="own", trusted_pem=running.identity.self_signed.pem
    )
    described = json.loads_object(
        client.request("GET", "/node/network/nodes/self").body
    )
    assert described["status"] == "Pending"
    assert described["node_id"] == fresh.node_id
    assert described["primary"] is False
    assert described["last_written"] == 0


def test_every_node_describes_every_node(new_network: Network) -> None:
    first = new_network.nodes[0]
    second = new_network.join()
    new_network.wait_until_settled(second)
    for path in ("nodes", "nodes/primary", f"nodes/{second.node_id}"):
        assert ask(first, f"/node/network/{path}") == ask(
            second, f"/node/network/{path}"
        )
    assert ask(second, "/node/network/nodes/primary")["node_id"] == first.node_id
    assert ask(second, "/node/network/nodes/self")["primary"] is False
    quotes = ask(second, "/node/quotes")["quotes"]
    assert isinstance(quotes, list)
    assert len(quotes) == 2
    assert ask(first, "/node/network")["primary_id"] == first.node_id
    assert ask(second, "/node/network") == ask(first, "/node/network")
