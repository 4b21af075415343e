"""A node goes on without policies of its application that are slow."""

from collections.abc import Iterator

import pytest

from ccfpy.app import (
    App,
    AppCaller,
    Context,
    Map,
    RequestCredentials,
    Unauthenticated,
    custom_policy,
    json_codec,
)
from ccfpy.http.messages import Request, serialise_request
from ccfpy.testing.node import Person
from tests.attacks import attack
from tests.lab.slow_calls import may_stop
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.slow_node import SlowNode

KEYS = Map("keys", json_codec(str), json_codec(str))
WRITTEN = Map("public:written", json_codec(str), json_codec(int))


@custom_policy("key", reads=[KEYS])
def by_key(shown: RequestCredentials) -> AppCaller:
    owner = shown.get(KEYS, shown.header("x-key") or "")
    may_stop()
    if owner is None:
        raise Unauthenticated("Unknown key")
    return shown.caller(owner)


app = App("keyed", policies=[by_key], auth=["no_auth"])


@app.put("/keys/{key}")
def add(ctx: Context, key: str) -> None:
    """Make a key known."""
    KEYS.of(ctx.tx).put(key, "ann")


@app.delete("/keys/{key}")
def withdraw(ctx: Context, key: str) -> None:
    """Withdraw a key."""
    KEYS.of(ctx.tx).remove(key)


@app.post("/write", auth=["key"])
def write(ctx: Context) -> None:
    """Write as the owner of a key."""
    assert isinstance(ctx.caller, AppCaller)
    WRITTEN.of(ctx.tx).put(ctx.caller.id, 1)


@app.get("/written")
def written(ctx: Context) -> list[str]:
    """List who wrote."""
    return sorted(WRITTEN.of(ctx.tx).keys())


@pytest.fixture
def node(members: tuple[Person, ...]) -> Iterator[SlowNode]:
    node = SlowNode(app, constitution=CONSTITUTION, members=members)
    node.open_service()
    assert node.request("PUT", "/app/keys/k").status == 204
    yield node
    node.slow.end()


def _writing(key: str) -> bytes:
    return serialise_request(
        Request(method="POST", path="/app/write", headers={"x-key": key})
    )


def test_others_are_answered_beside_a_slow_policy(node: SlowNode) -> None:
    client = node.connect()
    call, answers = node.begin_slowly(client, _writing("k"))
    assert answers == []
    assert node.request("GET", "/app/written").body == b"[]"
    node.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 204
    assert node.request("GET", "/app/written").body == b'["ann"]'


def test_a_key_that_is_withdrawn_meanwhile_lets_nobody_write(node: SlowNode) -> None:
    client = node.connect()
    call, _ = node.begin_slowly(client, _writing("k"))
    assert node.request("DELETE", "/app/keys/k").status == 204
    node.run_on(call)
    (answer,) = client.receive()
    assert answer.status == 401
    assert node.request("GET", "/app/written").body == b"[]"


@attack("applications: a policy that strangers make slow")
def test_strangers_fill_the_room_of_slow_calls_and_hold_no_node(
    node: SlowNode,
) -> None:
    node.slow.allow(2)
    strangers = [node.connect(address=f"10.0.0.{number}") for number in range(3)]
    calls = [
        node.begin_slowly(stranger, _writing("guess"))[0] for stranger in strangers[:2]
    ]
    (refused,) = strangers[2].send(_writing("guess"))
    assert refused.status == 503
    assert "retry-after" in refused.headers
    assert node.request("GET", "/node/commit").status == 200
    for call in calls:
        node.run_on(call)
    for stranger in strangers[:2]:
        (answer,) = stranger.receive()
        assert answer.status == 401
    assert node.request("POST", "/app/write", headers={"x-key": "k"}).status == 204
