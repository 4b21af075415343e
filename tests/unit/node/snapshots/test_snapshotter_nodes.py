"""Whole nodes: one takes snapshots, others start from them and go on alike."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.boundary.configuration import NodeConfiguration
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.snapshot import Snapshot
from ccfpy.node.snapshots.starting_point import StartingPoint
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.ledger.made import FIRST
from tests.unit.node.conftest import CONSTITUTION, NotesApp

TX_COUNT = 10
Configure = Callable[[NodeConfiguration], NodeConfiguration]


def fetching(configuration: NodeConfiguration) -> NodeConfiguration:
    """Take snapshots often, and start from a peer's."""
    join = configuration.join
    if join is not None:
        join = replace(join, fetch_recent_snapshot=True)
    return replace(configuration, snapshot_tx_count=TX_COUNT, join=join)


def snapshots(node: InProcessNode) -> dict[str, bytes]:
    return node.host.snapshots.committed()


def service(
    members: tuple[Person, ...], user: Person, configure: Configure = fetching
) -> Network:
    network = Network(
        NotesApp(), constitution=CONSTITUTION, members=members, configure=configure
    )
    first = network.start()
    first.open_service(user)
    first.request("PUT", "/app/notes", body={"kept": "to ourselves"}, person=user)
    network.wait_until(lambda: bool(snapshots(first)))
    write(network, user, 2 * TX_COUNT)
    return network


def living(network: Network) -> InProcessNode:
    return next(node for node in network.nodes if network.is_alive(node))


def write(network: Network, user: Person, count: int) -> None:
    """Write through the first living node, and let a snapshot be taken."""
    client = living(network).connect(user)
    for at in range(count):
        answer = client.request("PUT", "/app/notes", body={"at": str(at)})
        assert answer.status == 200, answer.body
    network.advance(1000)


def trust(network: Network, joiner: InProcessNode) -> None:
    primary = living(network)
    path = f"/node/network/nodes/{joiner.node_id}"
    network.wait_until(lambda: primary.request("GET", path).status == 200)
    # Requests are numbered by node in these tests, and remembered by service.
    primary._created_at = max(node._created_at for node in network.nodes) + 1
    decided = primary.propose(
        {
            "name": "transition_node_to_trusted",
            "args": {"node_id": joiner.node_id, "valid_from": "250615000000Z"},
        }
    )
    assert decided.status == 200, decided.body
    network.wait_until(lambda: is_level(joiner, living(network)))


def is_level(node: InProcessNode, first: InProcessNode) -> bool:
    return bool(node.host.commit) and node.host.commit == first.host.commit


@pytest.fixture
def network(members: tuple[Person, ...], alice: Person) -> Network:
    return service(members, alice)


def test_a_service_has_a_snapshot_from_when_it_opened_and_regular_ones(
    network: Network,
) -> None:
    (first,) = network.nodes
    identity = [Certificate.from_pem(first.service_certificate)]
    starts = [StartingPoint.read(d, identity) for d in snapshots(first).values()]
    seqnos = [start.seqno for start in starts]
    assert seqnos == sorted(set(seqnos))
    assert len(seqnos) >= 2
    assert first.host.snapshots.files == snapshots(first), "none is left unfinished"
    assert all(b"to ourselves" not in data for data in snapshots(first).values())


def test_an_idle_service_takes_none(network: Network) -> None:
    (first,) = network.nodes
    before = len(first.host.entries)
    network.advance(10_000)
    assert len(first.host.entries) == before


def test_a_joiner_starts_from_the_peers_latest_and_goes_on_alike(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    name = list(snapshots(first))[-1]
    joiner = network.join()
    network.wait_until(lambda: bool(snapshots(joiner)))
    assert snapshots(joiner) == {name: snapshots(first)[name]}
    trust(network, joiner)
    start = int(name.split("_")[1])
    assert joiner.host.after == start
    write(network, alice, 5)
    network.wait_until(lambda: is_level(joiner, first))
    assert joiner.host.entries == first.host.entries[start:]
    for asked, told in (("kept", b'"to ourselves"'), ("at", b'"4"')):
        answer = joiner.request("GET", f"/app/notes?name={asked}", person=alice)
        assert answer.body == told
    replicas = [node.trusted.running for node in network.nodes]
    roots = {running.tail.root_at(first.host.commit) for running in replicas if running}
    assert len(roots) == 1


@pytest.mark.slow
def test_the_next_primary_takes_the_next(network: Network, alice: Person) -> None:
    first = network.nodes[0]
    for _ in range(2):
        joiner = network.join()
        network.wait_until(lambda node=joiner: bool(snapshots(node)))  # type: ignore[misc]  # bound at once
        trust(network, joiner)
    others = network.nodes[1:]
    had = {name for node in network.nodes for name in snapshots(node)}
    network.kill(first)
    network.wait_until(
        lambda: any(n.trusted.running and n.trusted.running.is_primary for n in others)
    )
    network.advance(1000)
    write(network, alice, 2 * TX_COUNT)
    new = {name for node in others for name in snapshots(node)} - had
    assert new
    late = network.join(others[0])
    network.wait_until(lambda: bool(snapshots(late)))
    assert snapshots(late).keys() <= new
    trust(network, late)
    assert late.host.entries == others[0].host.entries[-len(late.host.entries) :]


def test_a_backup_sends_a_joiner_to_the_primary(
    network: Network, alice: Person
) -> None:
    first = network.nodes[0]
    backup = network.join()
    network.wait_until(lambda: bool(snapshots(backup)))
    trust(network, backup)
    write(network, alice, 2 * TX_COUNT)
    late = network.join(backup)
    network.wait_until(lambda: bool(snapshots(late)))
    assert list(snapshots(late)) == list(snapshots(first))[-1:]
    assert list(snapshots(late)) != list(snapshots(backup))


def unreachable(configuration: NodeConfiguration) -> NodeConfiguration:
    """Make a joiner reach nobody, so that its own snapshots are what there is."""
    configuration = fetching(configuration)
    join = configuration.join
    if join is not None:
        join = replace(join, target_rpc_address="127.0.0.1:9")
    return replace(configuration, join=join)


@attack("ledger: a snapshot without a receipt", "without evidence")
@attack("ledger: a snapshot of another service", "of another service")
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("nulled", "the snapshot is damaged"),
        ("without evidence", "carries no receipt"),
        ("of another service", "is of another service"),
    ],
)
def test_a_joiner_whose_own_snapshot_must_not_be_used_stops_and_says_why(
    members: tuple[Person, ...], alice: Person, kind: str, reason: str
) -> None:
    network = service(members, alice, unreachable)
    name, data = list(snapshots(network.nodes[0]).items())[-1]
    certificate: str | None = None
    match kind:
        case "nulled":
            data = bytes(len(data))
        case "without evidence":
            data = Snapshot.parse(data).entry.data
        case _:
            certificate = FIRST.certificate.pem
    joiner = network.join(service_certificate=certificate)
    joiner.host.snapshots.files[name] = data
    network.wait_until(lambda: joiner.host.stop is not None)
    assert joiner.host.stop is not None
    assert joiner.host.stop.exit_code == 1
    assert f"the local snapshot {name}: " in joiner.host.stop.reason
    assert reason in joiner.host.stop.reason
