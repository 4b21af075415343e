"""A node goes on without slow calls of handlers and policies, shared among callers."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccfpy.app import (
    ApiError,
    App,
    AppCaller,
    Context,
    ErrorCode,
    Map,
    RequestCredentials,
    TxId,
    Unauthenticated,
    VisitEachEntryInMap,
    custom_policy,
    json_codec,
)
from ccfpy.base import json, limits
from ccfpy.boundary.events import SessionData, Tick
from ccfpy.endpoints.commit_wait import WAIT_HEADER
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.testing.client import Client
from ccfpy.testing.configuration import START_UNIX_US, listener
from ccfpy.testing.node import Person
from tests.attacks import attack
from tests.lab.slow_calls import SlowCall, may_stop
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


KEYS = Map("keys", json_codec(str), json_codec(str))
WRITTEN = Map("public:written", json_codec(str), json_codec(int))


@custom_policy("key", reads=[KEYS])
def by_key(shown: RequestCredentials) -> AppCaller:
    owner = shown.get(KEYS, shown.header("x-key") or "")
    may_stop()
    if owner is None:
        raise Unauthenticated("Unknown key")
    return shown.caller(owner)


keyed_app = App("keyed", policies=[by_key], auth=["no_auth"])


@keyed_app.put("/keys/{key}")
def add(ctx: Context, key: str) -> None:
    """Make a key known."""
    KEYS.of(ctx.tx).put(key, "ann")


@keyed_app.delete("/keys/{key}")
def withdraw(ctx: Context, key: str) -> None:
    """Withdraw a key."""
    KEYS.of(ctx.tx).remove(key)


@keyed_app.post("/write", auth=["key"])
def write(ctx: Context) -> None:
    """Write as the owner of a key."""
    assert isinstance(ctx.caller, AppCaller)
    WRITTEN.of(ctx.tx).put(ctx.caller.id, 1)


@keyed_app.get("/written")
def written(ctx: Context) -> list[str]:
    """List who wrote."""
    return sorted(WRITTEN.of(ctx.tx).keys())


@pytest.fixture
def keyed(members: tuple[Person, ...]) -> Iterator[SlowNode]:
    keyed = SlowNode(keyed_app, constitution=CONSTITUTION, members=members)
    keyed.open_service()
    assert keyed.request("PUT", "/app/keys/k").status == 204
    yield keyed
    keyed.slow.end()


def _writing(key: str) -> bytes:
    return serialise_request(
        Request(method="POST", path="/app/write", headers={"x-key": key})
    )


def test_others_are_answered_beside_a_slow_policy(keyed: SlowNode) -> None:
    client = keyed.connect()
    call, answers = keyed.begin_slowly(client, _writing("k"))
    assert answers == []
    assert keyed.request("GET", "/app/written").body == b"[]"
    keyed.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 204
    assert keyed.request("GET", "/app/written").body == b'["ann"]'


def test_a_key_that_is_withdrawn_meanwhile_lets_nobody_write(keyed: SlowNode) -> None:
    client = keyed.connect()
    call, _ = keyed.begin_slowly(client, _writing("k"))
    assert keyed.request("DELETE", "/app/keys/k").status == 204
    keyed.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 401
    assert keyed.request("GET", "/app/written").body == b"[]"


@attack("applications: a policy that strangers make slow")
def test_strangers_fill_the_room_of_slow_calls_and_hold_no_node(
    keyed: SlowNode,
) -> None:
    keyed.slow.allow(2)
    strangers = [keyed.connect(address=f"10.0.0.{number}") for number in range(3)]
    calls = [
        keyed.begin_slowly(stranger, _writing("guess"))[0] for stranger in strangers[:2]
    ]
    (refused,) = strangers[2].send(_writing("guess"))
    assert refused.status == 503
    assert "retry-after" in refused.headers
    assert keyed.request("GET", "/node/commit").status == 200
    for call in calls:
        keyed.run_on(call)
    for stranger in strangers[:2]:
        (answer,) = stranger.receive()
        assert answer.status == 401
    assert keyed.request("POST", "/app/write", headers={"x-key": "k"}).status == 204


NAMES = Map("names", json_codec(str), json_codec(str))
SHARE = limits.SLOW_CALLS_MAX // 2
shares_app = App("shares", auth=["user_cert", "no_auth"])


@shares_app.get("/name")
def name(ctx: Context) -> str:
    """Return a name, slowly."""
    may_stop()
    return NAMES.of(ctx.tx).get("it") or ""


ASK = serialise_request(Request(method="GET", path="/app/name", body=b""))


@pytest.fixture
def users() -> tuple[Person, Person]:
    return Person.make("ann"), Person.make("bob")


@pytest.fixture
def shared(
    members: tuple[Person, ...], users: tuple[Person, Person]
) -> Iterator[SlowNode]:
    shared = SlowNode(shares_app, constitution=CONSTITUTION, members=members)
    shared.open_service(*users)
    yield shared
    shared.slow.end()


def _ask(
    shared: SlowNode, person: Person | None = None, address: str = "10.0.0.1"
) -> Response:
    """Ask once, fast."""
    return shared.connect(person, address=address).request("GET", "/app/name")


def _fill(
    shared: SlowNode, person: Person | None = None, address: str = "10.0.0.1"
) -> list[SlowCall]:
    """Begin slow calls until the next one is refused, and return them."""
    calls: list[SlowCall] = []
    while _ask(shared, person, address).status == 200:
        client = shared.connect(person, address=address)
        calls.append(shared.begin_slowly(client, ASK)[0])
    return calls


@attack("applications: one caller takes all the places of slow calls")
def test_one_caller_has_half_of_the_places_and_others_of_what_is_left(
    shared: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, bob = users
    assert len(_fill(shared, ann)) == SHARE
    refused = _ask(shared, ann, "10.0.0.2")
    assert refused.status == 503
    assert b"TooManyPendingTransactions" in refused.body
    assert b"slow calls of yours" in refused.body
    assert refused.headers["retry-after"] == str(limits.RETRY_AFTER_S)
    assert len(_fill(shared, bob)) == SHARE // 2
    assert len(_fill(shared)) == SHARE // 4
    assert _ask(shared, address="10.0.0.2").status == 200, "a place is left"
    for person in users:
        assert _ask(shared, person).status == 503


def test_strangers_at_one_address_are_one_caller(
    shared: SlowNode,
) -> None:
    stranger, other = Person.make("eve"), Person.make("mallory")
    assert len(_fill(shared, stranger, "fe80::1:2:3:4")) == SHARE
    assert _ask(shared, other, "fe80::9:9:9:9").status == 503, "of the same network"
    assert _ask(shared, other, "fe80:0:0:1::1").status == 200


@pytest.mark.parametrize("places", [2, limits.SLOW_CALLS_MAX])
def test_slow_calls_one_after_the_other_are_not_refused_beside_anothers(
    shared: SlowNode, users: tuple[Person, Person], places: int
) -> None:
    ann, bob = users
    shared.slow.allow(places)
    shared.begin_slowly(shared.connect(bob), ASK)
    client = shared.connect(ann)
    for _ in range(2 * limits.SLOW_CALLS_MAX):
        assert _ask(shared, ann).status == 200
        shared.run_on(shared.begin_slowly(client, ASK)[0])


def test_where_there_is_one_place_a_caller_has_it_again_and_again(
    shared: SlowNode, users: tuple[Person, Person]
) -> None:
    shared.slow.allow(1)
    for person in 2 * users:
        call, _ = shared.begin_slowly(shared.connect(person), ASK)
        assert [_ask(shared, other).status for other in users] == [503, 503]
        shared.run_on(call)


@attack("applications: handlers that hang")
def test_one_caller_cannot_have_so_many_calls_hang_that_others_are_refused(
    shared: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, bob = users
    hung: list[SlowCall] = []
    while _ask(shared, ann).status == 200:
        call, _ = shared.begin_slowly(shared.connect(ann), ASK)
        shared.give_up(call)
        hung.append(call)
    assert len(hung) == limits.HUNG_CALLS_MAX // 2
    assert _ask(shared, bob).status == 200
    for call in hung:
        shared.run_on(call)
    assert not shared.slow.away


def test_a_call_that_runs_again_keeps_its_place(
    shared: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, _ = users
    shared.slow.allow(1)
    client = shared.connect(ann)
    call, _ = shared.begin_slowly(client, ASK)
    assert _ask(shared, users[1]).status == 503
    shared.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 200
