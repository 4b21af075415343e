"""One caller's slow calls leave room for others, whoever the caller is."""

from collections.abc import Iterator

import pytest

from ccfpy.app import App, Context, Map, json_codec
from ccfpy.base import limits
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.testing.node import Person
from tests.attacks import attack
from tests.lab.slow_calls import SlowCall, may_stop
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.slow_node import SlowNode

NAMES = Map("names", json_codec(str), json_codec(str))
SHARE = limits.SLOW_CALLS_MAX // 2
app = App("shares", auth=["user_cert", "no_auth"])


@app.get("/name")
def name(ctx: Context) -> str:
    """Return a name, slowly."""
    may_stop()
    return NAMES.of(ctx.tx).get("it") or ""


ASK = serialise_request(Request(method="GET", path="/app/name", body=b""))


@pytest.fixture
def users() -> tuple[Person, Person]:
    return Person.make("ann"), Person.make("bob")


@pytest.fixture
def node(
    members: tuple[Person, ...], users: tuple[Person, Person]
) -> Iterator[SlowNode]:
    node = SlowNode(app, constitution=CONSTITUTION, members=members)
    node.open_service(*users)
    yield node
    node.slow.end()


def _ask(
    node: SlowNode, person: Person | None = None, address: str = "10.0.0.1"
) -> Response:
    """Ask once, fast."""
    return node.connect(person, address=address).request("GET", "/app/name")


def _fill(
    node: SlowNode, person: Person | None = None, address: str = "10.0.0.1"
) -> list[SlowCall]:
    """Begin slow calls until the next one is refused, and return them."""
    calls: list[SlowCall] = []
    while _ask(node, person, address).status == 200:
        client = node.connect(person, address=address)
        calls.append(node.begin_slowly(client, ASK)[0])
    return calls


@attack("applications: one caller takes all the places of slow calls")
def test_one_caller_has_half_of_the_places_and_others_of_what_is_left(
    node: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, bob = users
    assert len(_fill(node, ann)) == SHARE
    refused = _ask(node, ann, "10.0.0.2")
    assert refused.status == 503
    assert b"TooManyPendingTransactions" in refused.body
    assert b"slow calls of yours" in refused.body
    assert refused.headers["retry-after"] == str(limits.RETRY_AFTER_S)
    assert len(_fill(node, bob)) == SHARE // 2
    assert len(_fill(node)) == SHARE // 4
    assert _ask(node, address="10.0.0.2").status == 200, "a place is left"
    for person in users:
        assert _ask(node, person).status == 503


def test_strangers_at_one_address_are_one_caller(
    node: SlowNode,
) -> None:
    stranger, other = Person.make("eve"), Person.make("mallory")
    assert len(_fill(node, stranger, "fe80::1:2:3:4")) == SHARE
    assert _ask(node, other, "fe80::9:9:9:9").status == 503, "of the same network"
    assert _ask(node, other, "fe80:0:0:1::1").status == 200


@pytest.mark.parametrize("places", [2, limits.SLOW_CALLS_MAX])
def test_slow_calls_one_after_the_other_are_not_refused_beside_anothers(
    node: SlowNode, users: tuple[Person, Person], places: int
) -> None:
    ann, bob = users
    node.slow.allow(places)
    node.begin_slowly(node.connect(bob), ASK)
    client = node.connect(ann)
    for _ in range(2 * limits.SLOW_CALLS_MAX):
        assert _ask(node, ann).status == 200
        node.run_on(node.begin_slowly(client, ASK)[0])


def test_where_there_is_one_place_a_caller_has_it_again_and_again(
    node: SlowNode, users: tuple[Person, Person]
) -> None:
    node.slow.allow(1)
    for person in 2 * users:
        call, _ = node.begin_slowly(node.connect(person), ASK)
        assert [_ask(node, other).status for other in users] == [503, 503]
        node.run_on(call)


@attack("applications: handlers that hang")
def test_one_caller_cannot_have_so_many_calls_hang_that_others_are_refused(
    node: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, bob = users
    hung: list[SlowCall] = []
    while _ask(node, ann).status == 200:
        call, _ = node.begin_slowly(node.connect(ann), ASK)
        node.give_up(call)
        hung.append(call)
    assert len(hung) == limits.HUNG_CALLS_MAX // 2
    assert _ask(node, bob).status == 200
    for call in hung:
        node.run_on(call)
    assert not node.slow.away


def test_a_call_that_runs_again_keeps_its_place(
    node: SlowNode, users: tuple[Person, Person]
) -> None:
    ann, _ = users
    node.slow.allow(1)
    client = node.connect(ann)
    call, _ = node.begin_slowly(client, ASK)
    assert _ask(node, users[1]).status == 503
    node.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 200
