"""What ``/node`` answers when the tables hold what a fresh service does not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.kv.tx import Tx
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.testing.node import InProcessNode
from tests.unit.node.api.test_network import ask, node_id

OTHER = NodeId("ab" * 32)


def write(node: InProcessNode, change: Callable[[Tx], None]) -> None:
    """Commit a change of the tables that no endpoint makes."""
    running = node.trusted.running
    assert running is not None
    tx = running.begin(read_only=False)
    change(tx)
    assert running.commit(tx, None) is not None
    node.advance(1000)


def own(node: InProcessNode, tx: Tx) -> NodeInfo:
    info = nodes.INFO.of(tx).get(NodeId(node_id(node)))
    assert info is not None
    return info


def test_a_node_that_nobody_knows_says_so(node: InProcessNode) -> None:
    write(node, lambda tx: nodes.INFO.of(tx).remove(NodeId(node_id(node))))
    for path in ("quotes/self", "attestations/self"):
        assert node.request("GET", f"/node/{path}").status == 404, path
    assert node.request("GET", "/node/network/nodes/self").status == 200


def test_evidence_is_shown_as_far_as_there_is_some(node: InProcessNode) -> None:
    def change(tx: Tx) -> None:
        info = own(node, tx)
        quote = replace(info.quote_info, uvm_endorsements=b"endorsed")
        changed = replace(info, quote_info=quote, code_digest=None)
        nodes.INFO.of(tx).put(NodeId(node_id(node)), changed)

    write(node, change)
    shown = ask(node, "/node/quotes/self")
    assert "measurement" not in shown
    assert shown["uvm_endorsements"] == "ZW5kb3JzZWQ="


def test_a_node_that_is_gone_for_good_can_be_forgotten(node: InProcessNode) -> None:
    def leave(tx: Tx) -> None:
        nodes.INFO.of(tx).put(OTHER, replace(own(node, tx), status=NodeStatus.RETIRED))

    def change(tx: Tx) -> None:
        gone = replace(own(node, tx), status=NodeStatus.RETIRED, retired_committed=True)
        nodes.INFO.of(tx).put(OTHER, gone)
        nodes.ENDORSED_CERTIFICATES.of(tx).put(OTHER, "a certificate")

    write(node, leave)
    write(node, change)
    removable = ask(node, "/node/network/removable_nodes")["nodes"]
    assert isinstance(removable, list)
    assert [entry["node_id"] for entry in removable if isinstance(entry, dict)] == [
        OTHER
    ]
    assert node.request("DELETE", f"/node/network/nodes/{OTHER}").body == b"true"
    assert node.request("GET", f"/node/network/nodes/{OTHER}").status == 404
    assert node.request("GET", f"/node/network/nodes/{node_id(node)}").status == 200


def test_a_service_without_its_record_has_no_state(node: InProcessNode) -> None:
    write(node, lambda tx: service.INFO.of(tx).remove())
    answer = node.request("GET", "/node/network")
    assert answer.status == 404
    assert b"Service state not available." in answer.body


def test_an_old_record_does_not_say_when_the_service_began(
    node: InProcessNode,
) -> None:
    def change(tx: Tx) -> None:
        info = service.INFO.of(tx).get()
        assert info is not None
        service.INFO.of(tx).put(replace(info, current_service_create_txid=None))

    write(node, change)
    assert "current_service_create_txid" not in ask(node, "/node/network")


def test_a_recovered_service_names_its_predecessor(node: InProcessNode) -> None:
    write(node, lambda tx: service.PREVIOUS_IDENTITY.of(tx).put("PEM"))
    assert ask(node, "/node/service/previous_identity") == {
        "previous_service_identity": "PEM"
    }


def test_a_service_may_be_without_configuration(node: InProcessNode) -> None:
    write(node, lambda tx: service.CONFIGURATION.of(tx).remove())
    assert node.request("GET", "/node/service/configuration").body == b"null"


@pytest.mark.parametrize(
    ("role", "interface", "found"),
    [
        ("primary", "primary_rpc_interface", "127.0.0.1:8000"),
        ("primary", "unknown", None),
        ("backup", "primary_rpc_interface", None),
    ],
)
def test_a_node_is_found_by_its_role(
    node: InProcessNode, role: str, interface: str, found: str | None
) -> None:
    running = node.trusted.running
    assert running is not None
    assert running.address_of(role, interface) == found
