"""``/node/network/nodes``: listing, filters, removal."""

import pytest

from ccfpy.base import json
from ccfpy.testing.node import InProcessNode
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
