"""The way into a service: with a snapshot, without one, or not at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.base import json
from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.boundary.effects import BeginLedger
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.replication.conftest import all_agree
from tests.unit.node.replication.test_replication import put, replica_of


def without(configuration: NodeConfiguration) -> NodeConfiguration:
    """Take no snapshots but those that are asked for, and fetch none."""
    join = configuration.join
    if join is not None:
        join = replace(join, fetch_recent_snapshot=False)
    return replace(configuration, join=join)


def fetching(configuration: NodeConfiguration) -> NodeConfiguration:
    join = configuration.join
    if join is not None:
        join = replace(join, fetch_recent_snapshot=True)
    return replace(configuration, join=join)


@pytest.fixture
def begun(
    members: tuple[Person, ...], alice: Person
) -> Callable[[Callable[[NodeConfiguration], NodeConfiguration]], Network]:
    """Opens services of one node, which takes a snapshot as it opens."""

    def begin(configure: Callable[[NodeConfiguration], NodeConfiguration]) -> Network:
        network = Network(
            NotesApp(), constitution=CONSTITUTION, members=members, configure=configure
        )
        first = network.start()
        first.open_service(alice)
        put(first, alice, before="the snapshot")
        first.propose({"name": "trigger_snapshot"})
        network.wait_until(lambda: len(first.host.snapshots.committed()) == 2)
        put(first, alice, after="the snapshot")
        return network

    return begin


def began_after(node: InProcessNode) -> int:
    (effect,) = (e for e in node.host.effects if isinstance(e, BeginLedger))
    return effect.after


def state(node: InProcessNode) -> json.JsonObject:
    return json.loads_object(node.request("GET", "/node/state").body)


def test_a_node_without_a_snapshot_replays_everything(
    begun: Callable[..., Network], alice: Person
) -> None:
    network = begun(without)
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    network.wait_until(lambda: all_agree(network))
    assert began_after(joiner) == 0
    assert state(joiner)["startup_seqno"] == 0
    for name in ("before", "after"):
        answer = joiner.request("GET", f"/app/notes?name={name}", person=alice)
        assert json.loads(answer.body) == "the snapshot"


def test_a_node_with_a_snapshot_begins_after_it(
    begun: Callable[..., Network], alice: Person
) -> None:
    network = begun(fetching)
    first = network.nodes[0]
    joiner = network.join()
    network.deliver()
    network.nodes[0].trust(joiner)
    network.wait_until(lambda: joiner.host.commit == first.host.commit)
    after = began_after(joiner)
    assert after > 0
    assert state(joiner)["startup_seqno"] == after
    assert joiner.host.entries == first.host.entries[after:]
    for name in ("before", "after"):
        answer = joiner.request("GET", f"/app/notes?name={name}", person=alice)
        assert json.loads(answer.body) == "the snapshot"
    tails = [replica_of(each).tail for each in (joiner, first)]
    assert tails[0].settled_tree().root() == tails[1].settled_tree().root()


@pytest.mark.slow
def test_a_node_from_a_snapshot_can_lead(
    begun: Callable[..., Network], alice: Person
) -> None:
    network = begun(fetching)
    for _ in range(2):
        joiner = network.join()
        network.deliver()
        network.nodes[0].trust(joiner)
        network.wait_until(
            lambda node=joiner: node.host.commit == network.nodes[0].host.commit  # type: ignore[misc]  # bound at once
        )
    network.kill(network.nodes[0])
    others = network.nodes[1:]
    network.wait_until(
        lambda: any(replica_of(n).is_primary for n in others), most_ms=60_000
    )
    leader = next(n for n in others if replica_of(n).is_primary)
    put(leader, alice, after="its first view")
    network.wait_until(lambda: others[0].host.commit == others[1].host.commit)


@pytest.mark.slow
def test_a_snapshot_that_came_damaged_is_not_used(
    begun: Callable[..., Network],
) -> None:
    network = begun(fetching)
    folder = network.nodes[0].host.snapshots
    for name, data in folder.committed().items():
        damaged = bytearray(data)
        damaged[len(data) // 2] ^= 1
        folder.files[name] = bytes(damaged)
    joiner = network.join()
    network.wait_until(lambda: str(replica_of(joiner).state) == "Pending")
    network.nodes[0].trust(joiner)
    network.wait_until(lambda: all_agree(network))
    assert began_after(joiner) == 0
    assert any("Error during snapshot fetch" in log.message for log in joiner.host.logs)
