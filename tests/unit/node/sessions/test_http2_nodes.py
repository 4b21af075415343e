"""Whole nodes that speak HTTP/2: they join by it, and forward nothing."""

from dataclasses import replace

from ccfpy.base import json
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.testing.network import Network
from ccfpy.testing.node import Person
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.h2_session import H2Session, http2_listener

PLAIN = "primary_rpc_interface"


def _http2_first(configuration: NodeConfiguration) -> NodeConfiguration:
    """Make a node's first interface, which others join by, speak HTTP/2."""
    (plain,) = configuration.rpc_interfaces
    port = int(plain.published_address.rpartition(":")[2]) + 2
    return replace(configuration, rpc_interfaces=(http2_listener(port=port), plain))


def test_a_node_joins_by_http_2_and_answers_501_where_it_would_forward(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        configure=_http2_first,
    )
    primary = network.start()
    backup = network.join()
    network.wait_until(
        lambda: bool(backup.host.commit) and backup.host.commit == primary.host.commit
    )
    primary.open_service(alice)
    network.wait_until(
        lambda: bool(backup.host.commit) and backup.host.commit == primary.host.commit
    )
    client = H2Session(backup, alice)
    refused = client.ask("PUT", "/app/notes", body=b'{"a":"b"}')
    assert refused.status == 501
    assert json.loads(refused.body) == {
        "error": {
            "code": "NotImplemented",
            "message": "Request cannot be forwarded to primary on HTTP/2 interface.",
        }
    }
    assert client.ask("GET", "/app/notes?name=a").status == 200, "a read is served"
    at_primary = H2Session(primary, alice)
    assert at_primary.ask("PUT", "/app/notes", body=b'{"a":"b"}').status == 200
    plain = backup.connect(alice, interface=PLAIN)
    assert plain.request("PUT", "/app/notes", body={"a": "c"}).status == 200
