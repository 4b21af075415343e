"""Endpoints about the service: its tables, its nodes, redirects to one of them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.base.ids import NodeId, SessionId
from ccfpy.base.json import JsonObject
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.configuration import InterfaceAuthority, NodeConfiguration
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.replies import empty_reply
from ccfpy.endpoints.session import InterfaceRules, Session
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Request
from ccfpy.kv.tx import Tx
from ccfpy.node.api.declare import address_for
from ccfpy.service.join_messages import JOIN_REQUEST
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NodeInfo
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person, listener
from tests.unit.node.api.test_join import APPLICANT, asking, replica_of
from tests.unit.node.conftest import CONSTITUTION, NotesApp


def ask(node: InProcessNode, path: str) -> JsonObject:
    answer = node.request("GET", path)
    assert answer.status == 200, answer.body
    return json.loads_object(answer.body)


def node_id(node: InProcessNode) -> str:
    assert node.host.identity is not None
    return str(node.host.identity.node_id)


def test_the_service_is_described(node: InProcessNode) -> None:
    assert ask(node, "/node/network") == {
        "service_status": "Open",
        "service_certificate": node.service_certificate,
        "recovery_count": 0,
        "service_data": None,
        "current_view": 2,
        "primary_id": node_id(node),
        "current_service_create_txid": "2.1",
    }


def test_a_fresh_service_has_no_predecessor(node: InProcessNode) -> None:
    answer = node.request("GET", "/node/service/previous_identity")
    assert answer.status == 404
    assert b"not a recovery" in answer.body


def test_configuration_and_consensus(node: InProcessNode) -> None:
    assert ask(node, "/node/service/configuration") == {"recovery_threshold": 1}
    assert ask(node, "/node/config") == {node_id(node): {"address": "127.0.0.1:8001"}}
    details = ask(node, "/node/consensus")["details"]
    assert isinstance(details, dict)
    assert details["leadership_state"] == "Leader"
    assert details["current_view"] == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/node/primary", 200),
        ("HEAD", "/node/primary", 200),
        ("GET", "/node/backup", 404),
        ("POST", "/node/create", 403),
        ("PATCH", "/node/state", 405),
        ("OPTIONS", "/node/state", 204),
    ],
)
def test_roles_and_refusals(
    node: InProcessNode, method: str, path: str, status: int
) -> None:
    answer = node.connect().send(f"{method} {path} HTTP/1.1\r\n\r\n".encode())[0]
    assert answer.status == status


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
