"""Nodes forward requests to one another, and trace the steps of consensus."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.app import App
from ccfpy.base import json
from ccfpy.base.limits import APPEND_ENTRIES_BYTES
from ccfpy.boundary.configuration import (
    NodeConfiguration,
    Redirections,
    RedirectKind,
    RedirectTarget,
)
from ccfpy.boundary.effects import ReportTrace
from ccfpy.boundary.events import SessionData
from ccfpy.http.messages import Response
from ccfpy.node.replication.replication import SignatureTimer
from ccfpy.testing.configuration import boot_of, listener, starting
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.surroundings import Alone
from tests.unit.node.conftest import CONSTITUTION, NotesApp

TX_ID = "x-ms-ccf-transaction-id"
STATUS = "x-ccfpy-transaction-status"


def _service(
    members: tuple[Person, ...],
    user: Person,
    configure: Callable[[NodeConfiguration], NodeConfiguration] = lambda same: same,
) -> Network:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=configure
    )
    first = network.start()
    for _ in range(2):
        joiner = network.join()
        network.wait_until(lambda node=joiner: _is_level(node, first))  # type: ignore[misc]  # bound at once
    first.open_service(user)
    _level(network)
    return network


def _is_level(node: InProcessNode, first: InProcessNode) -> bool:
    return bool(node.host.commit) and node.host.commit == first.host.commit


def _level(network: Network) -> None:
    first, *others = network.nodes
    network.wait_until(lambda: all(_is_level(node, first) for node in others))


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    return _service(members, alice)


def _code(response: Response) -> object:
    error = json.loads_object(response.body)["error"]
    assert isinstance(error, dict)
    return error["code"]


def test_a_write_at_a_backup_is_the_primarys(network: Network, alice: Person) -> None:
    primary, backup, _ = network.nodes
    client = backup.connect(alice)
    written = client.request("PUT", "/app/notes", body={"a": "b"})
    assert written.status == 200
    assert TX_ID in written.headers
    at_primary = primary.request("GET", "/app/notes?name=a", person=alice)
    assert at_primary.body == b'"b"'
    assert at_primary.headers[TX_ID] == written.headers[TX_ID]


def test_after_a_forward_a_session_reads_what_it_wrote(
    network: Network, alice: Person
) -> None:
    primary, backup, _ = network.nodes
    client = backup.connect(alice)
    assert client.request("GET", "/app/notes?name=a").body == b"null"
    client.request("PUT", "/app/notes", body={"a": "b"})
    assert client.request("GET", "/app/notes?name=a").body == b'"b"'
    primary.request("PUT", "/app/notes", body={"a": "c"}, person=alice)
    assert client.request("GET", "/app/notes?name=a").body == b'"c"'
    state = json.loads_object(client.request("GET", "/node/state").body)
    assert state["node_id"] == backup.node_id


def test_after_a_forward_a_session_learns_of_its_transaction_from_the_primary(
    network: Network, alice: Person
) -> None:
    _, backup, _ = network.nodes
    client = backup.connect(alice)
    written = client.request("PUT", "/app/notes", body={"a": "b"})
    target = f"/app/tx?transaction_id={written.headers[TX_ID]}"
    # The backup has not been sent the entry yet, so its own answer is another.
    told = json.loads_object(client.request("GET", target).body)
    assert told["status"] in {"Pending", "Committed"}
    local = target.replace("/tx", "/local_tx")
    assert json.loads_object(client.request("GET", local).body)["status"] == "Unknown"


@pytest.mark.slow
def test_pipelined_requests_are_answered_in_order_over_two_nodes(
    network: Network, alice: Person
) -> None:
    client = network.nodes[1].connect(alice)
    put = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"%d"}'
    get = b"GET /app/notes?name=a HTTP/1.1\r\n\r\n"
    answers = client.send(b"".join(put % i + get for i in range(3)))
    assert [a.body for a in answers[1::2]] == [b'"0"', b'"1"', b'"2"']


@pytest.mark.newest
def test_a_member_governs_by_any_node(network: Network) -> None:
    """The signature is in the body; the certificate is the operator's or nobody's."""
    backup = network.nodes[1]
    state = backup.govern(
        backup.members[0],
        f"members/state-digests/{backup.members[0].id}:update",
        "state_digest",
    )
    assert state.status == 200, state.body


def test_a_primary_that_does_not_answer_is_not_waited_for_long(
    network: Network, alice: Person
) -> None:
    primary, backup, _ = network.nodes
    client = backup.connect(alice)
    network.cut(primary, backup)
    put = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'
    assert client.send(put) == []
    network.advance(2990)
    assert client.receive() == []
    network.advance(20)
    (answer,) = client.receive()
    assert answer.status == 504
    assert answer.headers["content-type"] == "text/plain"
    assert answer.body.decode() == (
        f"Request was forwarded to node {primary.node_id}, but no response was "
        "received after 3000ms"
    )
    network.heal()
    network.advance(1000)
    assert client.request("PUT", "/app/notes", body={"a": "c"}).status == 200


@pytest.mark.slow
def test_a_session_ends_when_the_primary_changes_and_the_next_one_goes_on(
    network: Network, alice: Person
) -> None:
    old, one, other = network.nodes
    client = one.connect(alice)
    assert client.request("PUT", "/app/notes", body={"a": "b"}).status == 200
    _level(network)
    network.kill(old)
    network.wait_until(lambda: any(_leads(node) for node in (one, other)))
    network.advance(1000)
    lost = client.request("GET", "/app/notes?name=a")
    assert (lost.status, _code(lost)) == (500, "SessionConsistencyLost")
    assert client.is_closed
    for node in (one, other):
        again = node.request("PUT", "/app/notes", body={"a": "c"}, person=alice)
        assert again.status == 200, again.body


def _leads(node: InProcessNode) -> bool:
    return node.request("GET", "/node/primary").status == 200


def test_without_a_primary_a_write_is_turned_away(
    network: Network, alice: Person
) -> None:
    old, one, other = network.nodes
    network.kill(old)
    network.kill(other)
    network.advance(20_000)
    answer = one.request("PUT", "/app/notes", body={"a": "b"}, person=alice)
    assert (answer.status, _code(answer)) == (503, "InternalError")
    assert b"unknown primary" in answer.body
    assert one.request("GET", "/app/notes?name=a", person=alice).status == 200


@pytest.mark.parametrize("node", [0, 1])
def test_a_write_may_be_answered_after_its_commit(
    network: Network, alice: Person, node: int
) -> None:
    client = network.nodes[node].connect(alice)
    put = (
        b"PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n"
        b'x-ccfpy-wait-for-commit: 1000\r\n\r\n{"a":"b"}'
    )
    assert client.send(put) == []
    network.wait_until(lambda: bool(network.nodes[node].host.sent))
    (answer,) = client.receive()
    assert (answer.status, answer.headers[STATUS]) == (200, "Committed")
    seqno = int(answer.headers[TX_ID].partition(".")[2])
    assert network.nodes[0].host.commit >= seqno


def test_a_write_that_no_majority_has_is_told_so_in_time(
    network: Network, alice: Person
) -> None:
    primary, one, other = network.nodes
    network.kill(one)
    network.kill(other)
    client = primary.connect(alice)
    put = (
        b"PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n"
        b'x-ccfpy-wait-for-commit: 1000\r\n\r\n{"a":"b"}'
    )
    assert client.send(put) == []
    network.advance(1010)
    (answer,) = client.receive()
    assert (answer.status, answer.headers[STATUS]) == (504, "Pending")
    assert _code(answer) == "TransactionPendingOrUnknown"
    assert TX_ID in answer.headers


@pytest.mark.slow
def test_a_write_that_is_lost_with_its_primary_is_called_invalid(
    network: Network, alice: Person
) -> None:
    old, one, other = network.nodes
    client = old.connect(alice)
    network.cut(old, one)
    network.cut(old, other)
    put = (
        b"PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n"
        b'x-ccfpy-wait-for-commit: 30000\r\n\r\n{"a":"b"}'
    )
    assert client.send(put) == []
    network.wait_until(lambda: any(_leads(node) for node in (one, other)))
    network.heal()
    network.wait_until(lambda: client.session in old.host.sent)
    (answer,) = client.receive()
    assert (answer.status, answer.headers[STATUS]) == (503, "Invalid")
    assert _code(answer) == "TransactionInvalid"
    network.advance(1000)
    assert old.request("GET", "/app/notes?name=a", person=alice).body == b"null"


def _redirecting(configuration: NodeConfiguration) -> NodeConfiguration:
    (interface,) = configuration.rpc_interfaces
    by_role = Redirections(
        to_primary=RedirectTarget(kind=RedirectKind.NODE_BY_ROLE, role="primary")
    )
    return replace(
        configuration, rpc_interfaces=(replace(interface, redirections=by_role),)
    )


@pytest.mark.slow
def test_an_interface_that_redirects_sends_writes_to_the_primary(
    members: tuple[Person, ...], alice: Person
) -> None:
    network = _service(members, alice, _redirecting)
    old, one, other = network.nodes
    for backup in (one, other):
        answer = backup.request("PUT", "/app/notes", body={"a": "b"}, person=alice)
        assert (answer.status, answer.body) == (307, b"")
        assert answer.headers["location"] == "https://127.0.0.1:8000/app/notes"
        read = backup.request("GET", "/app/notes?name=a", person=alice)
        assert (read.status, read.body) == (200, b"null")
    network.kill(old)
    network.wait_until(lambda: any(_leads(node) for node in (one, other)))
    leader, follower = (one, other) if _leads(one) else (other, one)
    network.advance(1000)
    answer = follower.request("PUT", "/app/notes", body={"a": "b"}, person=alice)
    (interface,) = leader.boot.configuration.rpc_interfaces
    assert answer.headers["location"] == (
        f"https://{interface.published_address}/app/notes"
    )
    network.kill(leader)
    network.advance(20_000)
    answer = follower.request("PUT", "/app/notes", body={"a": "b"}, person=alice)
    assert (answer.status, _code(answer)) == (503, "PrimaryNotFound")
    client = follower.connect()
    head = client.encrypt(b"HEAD /node/primary HTTP/1.1\r\n\r\n")
    follower.step(SessionData(session=client.session, data=head))
    sent = client.decrypt(bytes(follower.host.sent.pop(client.session)))
    assert sent.startswith(b"HTTP/1.1 500 ")


def test_a_backup_that_is_read_signs_nothing(network: Network, alice: Person) -> None:
    primary, backup, _ = network.nodes
    running = backup.trusted.running
    assert running is not None
    running.timer = SignatureTimer(tx_count=1, delay_ms=10**6, now_ms=0)
    # As much as goes into one message is sent before it is signed.
    written = primary.connect(alice).request(
        "PUT", "/app/notes", body={"a": "b" * APPEND_ENTRIES_BYTES}
    )
    assert written.status == 200
    network.deliver()
    assert running.replication.unsigned > 0
    assert backup.request("GET", "/app/notes?name=a", person=alice).status == 200


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "a=1"}


def _tracing(configuration: NodeConfiguration) -> NodeConfiguration:
    return replace(configuration, wants_traces=True)


@pytest.fixture
def traced(members: tuple[Person, ...], alice: Person) -> Network:
    traced = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=_tracing
    )
    first = traced.start()
    for _ in range(2):
        traced.join()
        traced.wait_until_settled()
    first.open_service(alice)
    traced.wait_until_settled()
    assert not any(node.host.traces for node in traced.nodes)
    return traced


def _only(node: InProcessNode) -> ReportTrace:
    (trace,) = node.host.traces
    return trace


def test_a_write_at_a_backup_is_one_trace_of_two_nodes(
    traced: Network, alice: Person
) -> None:
    primary, backup, other = traced.nodes
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
    traced: Network, alice: Person
) -> None:
    client = traced.nodes[1].connect(alice)
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    for given in (headers, {}):
        written = client.request("PUT", "/app/notes", body={"a": "b"}, headers=given)
        assert written.status == 200
    assert not any(node.host.traces for node in traced.nodes)


def test_a_primary_that_does_not_answer_ends_the_trace_of_the_backup(
    traced: Network, alice: Person
) -> None:
    primary, backup, _ = traced.nodes
    client = backup.connect(alice)
    client.request("GET", "/app/notes?name=a")
    traced.cut(primary, backup)
    request = b"PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n"
    request += f"traceparent: {SAMPLED['traceparent']}\r\n\r\n".encode()
    assert client.send(request + json.dumps({"a": "b"})) == []
    traced.wait_until(lambda: bool(backup.host.traces))
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
