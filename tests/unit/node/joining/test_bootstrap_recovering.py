"""Nodes join a service while it is being recovered, and bring back their own state."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import pytest

from ccfpy.boundary.effects import BeginLedger, OpenLedger
from ccfpy.node.lifecycle import NodeState
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from ccfpy.testing.surroundings import Remains
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.joining.test_bootstrap import began_after, fetching
from tests.unit.node.recovered import read, state, status, write
from tests.unit.node.replication.test_replication import replica_of

Make = Callable[[], InProcessNode]


@pytest.fixture
def remains(make_node: Make, alice: Person) -> Remains:
    """What is left: a ledger, and a snapshot in the middle of it."""
    node = make_node()
    node.open_service(alice)
    write(node, alice, early="a secret")
    node.propose({"name": "trigger_snapshot"})
    for _ in range(10):
        node.advance(100)
    write(node, alice, late="another")
    node.advance(1000)
    remains = node.remains()
    assert len(remains.snapshots) == 2
    return remains


def without_snapshots(remains: Remains) -> Remains:
    return replace(remains, snapshots={})


def same(remains: Remains) -> Remains:
    return remains


@pytest.fixture
def begun(members: tuple[Person, ...]) -> Callable[[Remains], Network]:
    """Begins services of three nodes in a lost one's place, each of other nodes."""
    seeds = count(1)

    def begin(remains: Remains) -> Network:
        network = Network(
            NotesApp(),
            constitution=CONSTITUTION,
            members=members,
            seed=next(seeds),
            configure=fetching,
        )
        network.recover(remains)
        for _ in range(2):
            network.wait_until_settled(network.join())
        return network

    return begin


def states(nodes: Sequence[InProcessNode]) -> set[object]:
    return {state(node)["state"] for node in nodes}


def bring_back(network: Network, member: Person) -> None:
    first = network.nodes[0]
    assert ask_for_shares(first).status == 200
    assert submit_share(first, member).status == 200
    network.wait_until(lambda: states(network.nodes) == {NodeState.PART_OF_NETWORK})
    network.wait_until(lambda: status(first) == "Open")
    network.wait_until_settled()


@pytest.mark.slow
@pytest.mark.parametrize("kept", [same, without_snapshots])
def test_every_node_has_the_public_state_alone_and_later_all(
    begun: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
    kept: Callable[[Remains], Remains],
) -> None:
    network = begun(kept(remains))
    assert states(network.nodes) == {NodeState.PART_OF_PUBLIC_NETWORK}
    assert status(network.nodes[2]) == "Recovering"
    bring_back(network, members[0])
    for node in network.nodes:
        assert read(node, "early") == "a secret"
        assert read(node, "late") == "another"
        assert node.host.effects.count(OpenLedger()) == 1


@pytest.mark.newest
def test_joiners_begin_with_the_lost_services_snapshot(
    begun: Callable[[Remains], Network], remains: Remains
) -> None:
    """No other could vouch for one: the new service takes none until it is open."""
    network = begun(remains)
    first, *joiners = network.nodes
    after = state(first)["startup_seqno"]
    for joiner in joiners:
        assert began_after(joiner) == after != 0
        assert joiner.host.snapshots.committed().keys() <= remains.snapshots.keys()
        logs = [log.message for log in joiner.host.logs]
        assert (
            "The service to join recovers another, whose snapshots may be used" in logs
        )


def test_the_host_of_a_joiner_is_told_what_may_be_given_up(
    begun: Callable[[Remains], Network], remains: Remains
) -> None:
    network = begun(remains)
    recovered_to = replica_of(network.nodes[0]).last_recovered_seqno
    for joiner in network.nodes[1:]:
        (effect,) = (e for e in joiner.host.effects if isinstance(e, BeginLedger))
        assert effect.recovered_to == recovered_to > effect.after


@pytest.mark.slow
def test_a_node_that_joins_after_the_opening_has_nothing_to_recover(
    begun: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
) -> None:
    network = begun(remains)
    bring_back(network, members[0])
    late = network.join()
    network.deliver()
    network.nodes[0].trust(late)
    network.wait_until_settled()
    assert replica_of(late).recovery is None
    assert read(late, "early") == "a secret"


@pytest.mark.slow
@row(
    Part.COURSE,
    "the primary dies while the service waits for shares",
    "The next primary accepts the shares, and all nodes get the private state.",
)
def test_a_service_whose_primary_dies_while_it_waits_for_shares_goes_on(
    begun: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
) -> None:
    network = begun(remains)
    first, *others = network.nodes
    assert ask_for_shares(first).status == 200
    network.wait_until_settled()
    network.kill(first)
    network.wait_until(
        lambda: any(replica_of(node).is_primary for node in others), most_ms=60_000
    )
    leader = next(node for node in others if replica_of(node).is_primary)
    network.wait_until_settled()
    assert submit_share(leader, members[0]).status == 200
    network.wait_until(lambda: states(others) == {NodeState.PART_OF_NETWORK})
    network.wait_until(lambda: status(leader) == "Open")
    network.wait_until_settled()
    for node in others:
        assert read(node, "late") == "another"


@pytest.mark.slow
def test_a_service_of_three_is_recovered_from_any_of_its_ledgers_again(
    begun: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
    alice: Person,
) -> None:
    network = begun(without_snapshots(remains))
    bring_back(network, members[0])
    write(network.nodes[0], alice, third="of the second service")
    network.wait_until_settled()
    again = begun(without_snapshots(network.nodes[2].remains()))
    bring_back(again, members[1])
    for node in again.nodes:
        assert read(node, "early") == "a secret"
        assert read(node, "third") == "of the second service"
