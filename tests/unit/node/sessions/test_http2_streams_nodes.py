"""Streams on several nodes, beside slow steps, and what they leave behind."""

import gc
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccfpy.app import App as Application
from ccfpy.app import Context, GrpcMessages, Map, Mode, Stream, grpc_message, json_codec
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.endpoints.commit_wait import WAIT_HEADER
from ccfpy.endpoints.streams import OpenStream
from ccfpy.node.sessions.http2 import Http2Streams
from ccfpy.node.streams import Follower
from ccfpy.testing.configuration import listener
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.lab.slow_calls import may_stop
from tests.unit.node.configured import configured, early
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.h2_session import H2Session, http2_listener
from tests.unit.node.sessions.test_http2_streams import Caller, put, status_of
from tests.unit.node.slow_node import SlowNode
from tests.unit.node.streaming_app import (
    ECHO,
    GRPC,
    KEEP,
    PUT,
    WATCH,
    Echo,
    Watch,
    app,
)


def _both(configuration: NodeConfiguration) -> NodeConfiguration:
    (plain,) = configuration.rpc_interfaces
    port = int(plain.published_address.rpartition(":")[2]) + 2
    return replace(configuration, rpc_interfaces=(http2_listener(port=port), plain))


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    """Three nodes that serve alice."""
    network = Network(app, constitution=CONSTITUTION, members=members, configure=_both)
    primary = network.start()
    network.join()
    network.wait_until_settled()
    primary.open_service(alice)
    third = network.join()
    primary.trust(third)
    network.wait_until_settled()
    return network


def _write(network: Network, node: InProcessNode, alice: Person, text: str) -> None:
    put(H2Session(node, alice), text)
    network.wait_until_settled(*(n for n in network.nodes if network.is_alive(n)))


def test_a_stream_on_a_backup_goes_on_when_the_primary_dies(
    network: Network, alice: Person
) -> None:
    first, second, third = network.nodes
    watches = [Caller(H2Session(node, alice), WATCH) for node in (second, third)]
    assert [watch.say(b"") for watch in watches] == [["follows"], ["follows"]]
    _write(network, first, alice, "one")
    network.kill(first)
    network.wait_until(
        lambda: any(node.trusted.running.is_primary for node in (second, third))  # type: ignore[union-attr]
    )
    primary = next(n for n in (second, third) if n.trusted.running.is_primary)  # type: ignore[union-attr]
    _write(network, primary, alice, "two")
    _write(network, primary, alice, "three")
    network.advance(1000)
    told = [watch.hear() for watch in watches]
    assert told[0] == told[1], "each the same, and each once"
    assert [each.partition("@")[0] for each in told[0]] == ["a=one", "a=two", "a=three"]


def test_what_is_lost_with_a_primary_is_told_to_nobody(
    network: Network, alice: Person
) -> None:
    first, second, third = network.nodes
    watches = [Caller(H2Session(node, alice), WATCH) for node in network.nodes]
    for watch in watches:
        watch.say(b"")
    network.cut(first, second)
    network.cut(first, third)
    put(H2Session(first, alice), "lost")
    network.wait_until(
        lambda: any(node.trusted.running.is_primary for node in (second, third))  # type: ignore[union-attr]
    )
    primary = next(n for n in (second, third) if n.trusted.running.is_primary)  # type: ignore[union-attr]
    put(H2Session(primary, alice), "kept")
    network.heal()
    network.wait_until_settled()
    network.advance(1000)
    told = [watch.hear() for watch in watches]
    assert told[0] == told[1] == told[2]
    assert [each.partition("@")[0] for each in told[0]] == ["a=kept"]


def test_a_stream_that_writes_is_refused_by_a_backup_and_ends_with_its_primary(
    network: Network, alice: Person
) -> None:
    first, second, third = network.nodes
    assert status_of(Caller(H2Session(second, alice), KEEP).answer) == "14"
    keep = Caller(H2Session(first, alice), KEEP)
    assert keep.say(b"one") == ["1"]
    network.cut(first, second)
    network.cut(first, third)
    network.wait_until(lambda: not first.trusted.running.is_primary)  # type: ignore[union-attr]
    assert keep.say(b"two") == []
    assert status_of(keep.answer) == "14"


def test_a_commit_at_the_end_of_a_step_is_told_before_the_next_tick(
    members: tuple[Person, ...], alice: Person
) -> None:
    node = configured(InProcessNode, app, members, early)
    node.open_service(alice)
    watch = Caller(H2Session(node, alice), WATCH)
    assert watch.say(b"") == ["follows"]
    writer = H2Session(node, alice)
    headers = [*GRPC, (WAIT_HEADER, "5000")]
    answer = writer.ask("POST", PUT, headers=headers, body=b"new")
    while not answer.is_whole:
        node.advance(1)
        writer.exchange()
    assert [each.partition("@")[0] for each in watch.hear()] == ["a=new"]


SLOW, QUICK, COUNT = "/slow", "/quick", "/count"
COUNTS = Map("counts", json_codec(str), json_codec(int))
slow_app = Application("slow")


@slow_app.stream(SLOW)
class Slow(Stream):
    """Sends messages back, slowly."""

    def on_data(self, _: Context, data: bytes) -> None:
        """Send back what came."""
        may_stop()
        for message in GrpcMessages().feed(data):
            self.send(grpc_message(message))


@slow_app.stream(COUNT, mode=Mode.READ_WRITE)
class Counting(Stream):
    """Counts what comes, slowly."""

    def on_data(self, ctx: Context, data: bytes) -> None:
        """Count one more."""
        counts = COUNTS.of(ctx.tx)
        before = counts.get("all") or 0
        may_stop()
        counts.put("all", before + len(GrpcMessages().feed(data)))
        self.send(grpc_message(f"{before}".encode()))


@slow_app.post(QUICK)
def count_ten(ctx: Context) -> int:
    """Count ten more at once."""
    counts = COUNTS.of(ctx.tx)
    before = counts.get("all") or 0
    counts.put("all", before + 10)
    return before


@slow_app.get(QUICK)
def quick(_: Context) -> int:
    """Answer at once."""
    return 7


@pytest.fixture
def slow(members: tuple[Person, ...]) -> Iterator[SlowNode]:
    node = SlowNode(
        slow_app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service()
    yield node
    node.slow.end()


def test_a_node_goes_on_without_a_slow_step_and_the_stream_waits_for_it(
    slow: SlowNode,
) -> None:
    client = H2Session(slow)
    caller = Caller(client, SLOW)
    slow.slow.next_stops = 1
    assert caller.say(b"one") == []
    (call,) = slow.slow.away
    assert client.ask("GET", QUICK).body == b"7"
    assert caller.say(b"two") == [], "a stream has one step at a time"
    assert len(slow.slow.away) == 1
    slow.run_on(call)
    assert caller.hear() == ["one", "two"]
    assert caller.say(b"three") == ["three"]


def test_a_slow_step_that_conflicts_writes_nothing_and_ends_its_stream(
    slow: SlowNode,
) -> None:
    client = H2Session(slow)
    counting = Caller(client, COUNT)
    assert counting.say(b"one") == ["0"]
    slow.slow.next_stops = 2
    assert counting.say(b"two") == []
    slow.run_on(slow.slow.away[0])  # it has read
    assert client.ask("POST", QUICK).body == b"1"
    slow.run_on(slow.slow.away[0])
    assert counting.hear() == []
    assert status_of(counting.answer) == "10"
    assert client.ask("POST", QUICK).body == b"11", "the slow step wrote nothing"


def test_a_step_that_does_not_come_back_ends_its_stream(slow: SlowNode) -> None:
    caller = Caller(H2Session(slow), SLOW)
    slow.slow.next_stops = 1
    assert caller.say(b"one") == []
    (call,) = slow.slow.away
    slow.give_up(call)
    assert caller.hear() == []
    assert status_of(caller.answer) == "13"


def test_a_client_that_goes_while_its_step_is_slow_is_not_waited_for(
    slow: SlowNode,
) -> None:
    client = H2Session(slow)
    caller, other = Caller(client, SLOW), Caller(client, SLOW)
    slow.slow.next_stops = 1
    caller.say(b"one")
    (call,) = slow.slow.away
    client.h2.h2.reset_stream(caller.stream)
    client.exchange()
    slow.run_on(call)
    assert other.say(b"two") == ["two"]
    slow.slow.next_stops = 1
    other.say(b"three")
    (call,) = slow.slow.away
    client.close()
    slow.run_on(call)
    assert Caller(H2Session(slow), SLOW).say(b"four") == ["four"]


def test_streams_are_let_go_of_without_the_collectors_help(
    members: tuple[Person, ...], alice: Person
) -> None:
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service(alice)
    gc.collect()
    gc.disable()
    try:
        client = H2Session(node, alice)
        watch, echo = Caller(client, WATCH), Caller(client, ECHO)
        watch.say(b"")
        echo.say(b"bye")
        Caller(client, ECHO).say(b"one")
        client.close()
        kinds = {Http2Streams, OpenStream, Follower, Watch, Echo}
        left = [each for each in gc.get_objects() if type(each) in kinds]
        assert left == []
    finally:
        gc.enable()
