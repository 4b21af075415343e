"""Three whole nodes: the trace of a write that a backup sends on to the primary."""

from dataclasses import replace

import pytest

from ccfpy.app import App
from ccfpy.base import json
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import ReportTrace
from ccfpy.testing.configuration import boot_of, listener, starting
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.surroundings import Alone
from tests.unit.node.conftest import CONSTITUTION, NotesApp

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "a=1"}


def _tracing(configuration: NodeConfiguration) -> NodeConfiguration:
    return replace(configuration, wants_traces=True)


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=_tracing
    )
    first = network.start()
    for _ in range(2):
        network.join()
        network.wait_until_settled()
    first.open_service(alice)
    network.wait_until_settled()
    assert not any(node.host.traces for node in network.nodes)
    return network


def _only(node: InProcessNode) -> ReportTrace:
    (trace,) = node.host.traces
    return trace


def test_a_write_at_a_backup_is_one_trace_of_two_nodes(
    network: Network, alice: Person
) -> None:
    primary, backup, other = network.nodes
    written = backup.connect(alice).request(
        "PUT", "/app/notes", body={"a": "b"}, headers=SAMPLED
    )
    assert written.status == 200
    at_backup, at_primary = _only(backup), _only(primary)
    assert not other.host.traces
    forwarding = at_backup.forwarding
    assert forwarding is not None
    assert {at_backup.trace.hex(), at_primary.trace.hex()} == {TRACE}
    # The caller's span, the backup's, the one of sending on, the primary's.
    assert at_backup.parent.hex() == CALLER
    assert at_primary.parent == forwarding.span
    spans = {bytes.fromhex(CALLER), at_backup.span, forwarding.span, at_primary.span}
    assert len(spans) == 4
    assert at_primary.transaction == written.headers["x-ms-ccf-transaction-id"]
    assert at_backup.transaction == ""
    assert (at_backup.is_forwarded, at_primary.is_forwarded) == (False, True)
    assert at_primary.forwarding is None
    assert at_backup.began_ms <= forwarding.began_ms
    assert forwarding.began_ms < forwarding.ended_ms <= at_backup.ended_ms


def test_a_caller_who_wants_no_trace_has_none_on_either_node(
    network: Network, alice: Person
) -> None:
    client = network.nodes[1].connect(alice)
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    for given in (headers, {}):
        written = client.request("PUT", "/app/notes", body={"a": "b"}, headers=given)
        assert written.status == 200
    assert not any(node.host.traces for node in network.nodes)


def test_a_primary_that_does_not_answer_ends_the_trace_of_the_backup(
    network: Network, alice: Person
) -> None:
    primary, backup, _ = network.nodes
    client = backup.connect(alice)
    client.request("GET", "/app/notes?name=a")
    network.cut(primary, backup)
    request = b"PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n"
    request += f"traceparent: {SAMPLED['traceparent']}\r\n\r\n".encode()
    assert client.send(request + json.dumps({"a": "b"})) == []
    network.wait_until(lambda: bool(backup.host.traces))
    assert _only(backup).status == "5xx"
    assert not primary.host.traces


@pytest.mark.parametrize("has_metrics", [True, False])
def test_an_app_that_keeps_its_callers_out_of_metrics_has_no_traces(
    members: tuple[Person, ...], *, has_metrics: bool
) -> None:
    app = App("quiet", auth=[], metrics=has_metrics)
    configuration = starting(
        constitution=CONSTITUTION,
        members=[member.founding() for member in members],
        interfaces=(listener(),),
    )
    boot = boot_of(_tracing(configuration))
    node = InProcessNode.among(Alone(), app, boot, members=members, seed=1)
    for path in ("/app/commit", "/node/state", "/gov/service/info"):
        node.connect().request("GET", path, headers=SAMPLED)
    assert len(node.host.traces) == (3 if has_metrics else 0)
