"""A node goes on without the calls of its application that are slow."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccfpy.app import (
    ApiError,
    App,
    Context,
    ErrorCode,
    Map,
    TxId,
    VisitEachEntryInMap,
    json_codec,
)
from ccfpy.base import json, limits
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.endpoints.commit_wait import WAIT_HEADER
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.testing.client import Client
from ccfpy.testing.configuration import START_UNIX_US, listener
from ccfpy.testing.node import Person
from tests.lab.slow_calls import may_stop
from tests.unit.node.configured import configured, early
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.h2_session import H2Session, http2_listener
from tests.unit.node.slow_node import SlowNode

COUNTS = Map("counts", json_codec(str), json_codec(int))
app = App("counts", title="Counts", description="Counts.", auth=["no_auth"])


@app.post("/counts/{name}")
def count(ctx: Context, name: str) -> int:
    """Count one more."""
    counts = COUNTS.of(ctx.tx)
    before = counts.get(name) or 0
    may_stop()
    counts.put(name, before + 1)
    return before + 1


@app.get("/counts")
def both(ctx: Context) -> list[int]:
    """Show two counts, of one state."""
    counts = COUNTS.of(ctx.tx)
    first = counts.get("first") or 0
    may_stop()
    return [first, counts.get("second") or 0]


@app.post("/both")
def count_both(ctx: Context) -> int:
    """Count one more for both."""
    counts = COUNTS.of(ctx.tx)
    for name in ("first", "second"):
        counts.put(name, (counts.get(name) or 0) + 1)
    return counts.get("first") or 0


@app.post("/refuse")
def refuse(_ctx: Context) -> int:
    """Refuse, slowly."""
    may_stop()
    raise ApiError(418, ErrorCode.InvalidInput, "No.")


@pytest.fixture
def node(members: tuple[Person, ...]) -> Iterator[SlowNode]:
    node = SlowNode(app, constitution=CONSTITUTION, members=members)
    node.open_service()
    yield node
    node.slow.end()


def _asking(method: str, path: str) -> bytes:
    return serialise_request(Request(method=method, path=path, body=b""))


def _value(response: Response) -> object:
    assert response.status == 200, response.body
    return json.loads(response.body)


COUNT = _asking("POST", "/app/counts/first")
SHOW = _asking("GET", "/app/counts")


def test_others_are_answered_meanwhile(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    call, answers = node.begin_slowly(slow, COUNT)
    assert answers == []
    assert _value(other.request("POST", "/app/counts/second")) == 1
    node.run_on(call)
    (answer,) = slow.receive()
    assert _value(answer) == 1
    assert _value(other.request("GET", "/app/counts")) == [1, 1]


def test_a_call_that_read_what_changed_runs_again(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    call, _ = node.begin_slowly(slow, COUNT, stops=2)
    node.run_on(call)
    assert _value(other.request("POST", "/app/counts/first")) == 1
    node.run_on(call)
    (answer,) = slow.receive()
    assert _value(answer) == 2


def test_a_call_that_always_comes_too_late_is_refused_in_the_end(
    node: SlowNode,
) -> None:
    slow, other = node.connect(), node.connect()
    call, _ = node.begin_slowly(slow, COUNT, stops=1000)
    for _ in range(limits.TX_ATTEMPTS_MAX):
        node.run_on(call)
        other.request("POST", "/app/counts/first")
        node.run_on(call)
    (answer,) = slow.receive()
    assert answer.status == 503
    assert b"TransactionCommitAttemptsExceedLimit" in answer.body
    assert _value(other.request("GET", "/app/counts")) == [limits.TX_ATTEMPTS_MAX, 0]


def test_a_slow_reader_sees_one_state_whatever_becomes_final(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    other.request("POST", "/app/both")
    call, _ = node.begin_slowly(slow, SHOW, stops=2)
    node.run_on(call)
    for _ in range(3):
        other.request("POST", "/app/both")
        node.advance(200)
    node.run_on(call)
    (answer,) = slow.receive()
    assert _value(answer) == [1, 1]
    assert call.is_over


def test_answers_on_a_connection_keep_their_order(node: SlowNode) -> None:
    slow = node.connect()
    node.slow.next_stops = 0
    second = _asking("POST", "/app/counts/second")
    call, answers = node.begin_slowly(slow, COUNT + second + SHOW)
    assert answers == []
    node.run_on(call)
    assert list(map(_value, slow.receive())) == [1, 1, [1, 1]]


def test_what_is_said_meanwhile_waits(node: SlowNode) -> None:
    slow = node.connect()
    call, _ = node.begin_slowly(slow, COUNT)
    assert slow.send(SHOW) == []
    node.run_on(call)
    assert list(map(_value, slow.receive())) == [1, [1, 0]]


def test_clients_of_the_same_step_do_not_wait(node: SlowNode) -> None:
    clients = [node.connect() for _ in range(4)]
    node.slow.next_stops = 1
    said = [_said(client, COUNT) for client in clients]
    node.step(*said, _said(clients[1], SHOW))
    (call,) = node.slow.away
    assert clients[0].receive() == []
    assert [len(client.receive()) for client in clients[1:]] == [2, 1, 1]
    node.run_on(call)
    (answer,) = clients[0].receive()
    assert _value(answer) == 4


def test_an_error_is_an_answer_as_any(node: SlowNode) -> None:
    slow = node.connect()
    call, _ = node.begin_slowly(slow, _asking("POST", "/app/refuse"), stops=2)
    node.run_on(call)
    node.run_on(call)
    (answer,) = slow.receive()
    assert answer.status == 418


def test_what_a_client_asked_is_done_though_it_has_left(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    call, _ = node.begin_slowly(slow, COUNT)
    slow.close()
    node.run_on(call)
    assert _value(other.request("GET", "/app/counts")) == [1, 0]


def test_a_call_that_does_not_come_back_is_given_up(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    call, _ = node.begin_slowly(slow, COUNT)
    node.give_up(call)
    (answer,) = slow.receive()
    assert answer.status == 500
    assert b"Operation took too long to complete." in answer.body
    line = node.host.logs[-1].message
    assert "POST /app/counts/{name}" in line
    assert "may take 1000 ms" in line
    node.run_on(call)
    assert slow.receive() == []
    assert _value(other.request("GET", "/app/counts")) == [0, 0]


def test_no_more_calls_are_slow_at_once_than_may_be(node: SlowNode) -> None:
    clients = [
        node.connect(address=f"10.0.0.{number}")
        for number in range(limits.SLOW_CALLS_MAX)
    ]
    calls = [node.begin_slowly(client, COUNT)[0] for client in clients]
    refused = node.connect().request("POST", "/app/counts/second")
    assert refused.status == 503
    assert refused.headers["retry-after"] == str(limits.RETRY_AFTER_S)
    assert node.connect().request("GET", "/app/commit").status == 200
    node.run_on(calls[0])
    assert _value(clients[0].receive()[0]) == 1
    assert _value(node.connect().request("POST", "/app/counts/second")) == 1


def test_while_too_many_hang_no_code_in_python_is_called(node: SlowNode) -> None:
    for number in range(limits.HUNG_CALLS_MAX):
        client = node.connect(address=f"10.0.0.{number}")
        call, _ = node.begin_slowly(client, COUNT)
        node.give_up(call)
    assert node.connect().request("POST", "/app/counts/second").status == 503
    for member in node.members[:1]:
        node.acknowledge(member)
    node.run_on(node.slow.away[0])
    assert _value(node.connect().request("POST", "/app/counts/second")) == 1


def test_what_came_behind_a_slow_request_is_not_lost(node: SlowNode) -> None:
    slow, other = node.connect(), node.connect()
    node.now_ms += 70
    node.slow.next_stops = 1
    tick = Tick(monotonic_ms=node.now_ms, unix_us=START_UNIX_US + 1000 * node.now_ms)
    node.step(_said(slow, COUNT), tick, _said(other, SHOW))
    running = node.trusted.running
    assert running is not None
    assert running.time.monotonic_ms == node.now_ms
    assert len(other.receive()) == 1
    node.run_on(node.slow.away[0])
    assert len(slow.receive()) == 1


def test_members_scripts_hold_nobody_up(node: SlowNode) -> None:
    other = node.connect()
    seen: list[object] = []

    def ask() -> None:
        seen.append(_value(other.request("POST", "/app/counts/first")))

    user = Person.make("bob")
    node.acknowledge(node.members[0])
    node.slow.next_stops, node.meanwhile = 3, ask
    decided = node.propose({"name": "set_user", "args": {"cert": user.certificate.pem}})
    assert b"Accepted" in decided.body
    assert seen == [1]


def test_streams_beside_a_slow_one_are_answered(members: tuple[Person, ...]) -> None:
    node = SlowNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service()
    client = H2Session(node)
    node.slow.next_stops = 1
    slow = client.ask("POST", "/app/counts/first")
    fast = client.ask("POST", "/app/counts/second")
    assert (slow.body, fast.body) == (b"", b"1")
    node.run_on(node.slow.away[0])
    client.exchange()
    assert slow.body == b"1"


def _said(client: Client, plaintext: bytes) -> SessionData:
    return SessionData(session=client.session, data=client.encrypt(plaintext))


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
COUNT_TRACED = serialise_request(
    Request(
        method="POST",
        path="/app/counts/first",
        headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"},
    )
)


@pytest.fixture
def traced(members: tuple[Person, ...]) -> Iterator[SlowNode]:
    node = configured(
        SlowNode, app, members, lambda usual: replace(usual, wants_traces=True)
    )
    node.open_service()
    yield node
    node.slow.end()


def test_a_slow_request_is_traced_once_when_its_answer_is_there(
    traced: SlowNode,
) -> None:
    slow, other = traced.connect(), traced.connect()
    call, _ = traced.begin_slowly(slow, COUNT_TRACED)
    other.request("POST", "/app/counts/second")
    assert not traced.host.traces
    traced.run_on(call)
    (answer,) = slow.receive()
    (trace,) = traced.host.traces
    assert trace.trace.hex() == TRACE
    assert trace.status == "2xx"
    assert trace.transaction == answer.headers["x-ms-ccf-transaction-id"]


def test_a_slow_request_that_is_given_up_is_traced_and_logged_so(
    traced: SlowNode,
) -> None:
    call, _ = traced.begin_slowly(traced.connect(), COUNT_TRACED)
    traced.connect().request("POST", "/app/counts/second")
    traced.give_up(call)
    assert f", trace {TRACE})" in traced.host.logs[-1].message
    traced.run_on(call)
    assert [(trace.status, trace.transaction) for trace in traced.host.traces] == [
        ("5xx", "")
    ]


class Counts(VisitEachEntryInMap[str, int]):
    """Looks at each count."""

    def visit_entry(self, tx_id: TxId, key: str, value: int) -> None:
        """Keep nothing."""
        del tx_id, key, value


indexed_app = App("indexed", title="I", description="I.", auth=["no_auth"])
indexed_app.index(lambda _: Counts(COUNTS))


@indexed_app.post("/count")
def count_indexed(ctx: Context) -> int:
    """Count one more."""
    counts = COUNTS.of(ctx.tx)
    counts.put("all", (counts.get("all") or 0) + 1)
    return counts.get("all") or 0


def test_a_slow_index_keeps_no_client_waiting_whose_request_was_answered_before(
    members: tuple[Person, ...],
) -> None:
    """A node that signs early commits, answers, and then tells its indexes."""
    node = configured(SlowNode, indexed_app, members, early)
    node.open_service()
    client = H2Session(node)
    for _ in range(2):  # so that all is signed, and the next entry is signed at once
        node.advance(100)
        client.exchange()
    node.slow.next_quick = 2  # the handler, and the first look at the index
    node.slow.next_stops = 1
    client.h2.ask("POST", "/app/count", headers=[(WAIT_HEADER, "5000")])
    for _ in range(limits.STEP_REQUESTS_MAX):  # one of them is left for the next turn
        client.h2.ask("GET", "/node/commit")
    client.exchange()
    (call,) = node.slow.away
    answers = client.h2.answers.values()
    assert len(answers) == limits.STEP_REQUESTS_MAX + 1
    assert all(answer.is_whole for answer in answers)
    node.run_on(call)
    assert len(node.trusted._away) == 0
    node.slow.end()
