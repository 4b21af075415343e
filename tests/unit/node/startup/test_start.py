"""A node starts a service, or joins one with a snapshot, also one in recovery."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

import pytest

from ccfpy.base import json
from ccfpy.base.vocabulary import RecoveryRole
from ccfpy.boundary.configuration import (
    FoundingMember,
    NodeConfiguration,
    StartConfiguration,
)
from ccfpy.boundary.effects import BeginLedger, OpenLedger, Stop
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.entry import Transaction
from ccfpy.node.lifecycle import NodeState
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from ccfpy.testing.surroundings import Remains
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import read, state, status, write
from tests.unit.node.replication.conftest import all_agree
from tests.unit.node.replication.test_replication import put, replica_of


def refusal(
    node: InProcessNode,
    change: Callable[[StartConfiguration], StartConfiguration],
) -> str:
    """Boot a twin with a changed start section; return the reason for its stop."""
    configuration = node.boot.configuration
    assert configuration.start is not None
    changed = replace(configuration, start=change(configuration.start))
    effects = node.twin().step([replace(node.boot, configuration=changed)])
    stop = effects[-1]
    assert isinstance(stop, Stop)
    assert stop.exit_code != 0
    return stop.reason


def first_member(
    **changes: object,
) -> Callable[[StartConfiguration], StartConfiguration]:
    def change(start: StartConfiguration) -> StartConfiguration:
        member: FoundingMember = replace(start.members[0], **changes)  # type: ignore[arg-type]  # named fields
        return replace(start, members=(member, *start.members[1:]))

    return change


def test_a_member_needs_a_certificate(new_node: InProcessNode) -> None:
    assert "certificate" in refusal(new_node, first_member(certificate=b"none"))


def test_a_members_data_must_be_json(new_node: InProcessNode) -> None:
    assert "JSON" in refusal(new_node, first_member(data=b"{"))


def test_a_recovery_role_needs_a_key(new_node: InProcessNode) -> None:
    reason = refusal(
        new_node,
        first_member(encryption_public_key=None, recovery_role=RecoveryRole.OWNER),
    )
    assert "no encryption public key is specified" in reason


def test_texts_must_be_text(new_node: InProcessNode) -> None:
    latin = "é".encode("latin-1")
    changes = {
        "a member's certificate": first_member(certificate=latin),
        "a member's encryption key": first_member(encryption_public_key=latin),
        "the constitution": lambda start: replace(start, constitution=latin),
    }
    for what, change in changes.items():
        assert refusal(new_node, change) == f"{what} is not UTF-8 text at byte 0"


def test_a_missing_section_is_named(new_node: InProcessNode) -> None:
    configuration = replace(new_node.boot.configuration, start=None)
    effects = new_node.twin().step(
        [replace(new_node.boot, configuration=configuration)]
    )
    assert isinstance(effects[-1], Stop)
    assert effects[-1].reason == "command.start is missing"


def test_the_first_entry_records_the_node_as_it_asked(
    new_node: InProcessNode, members: tuple[Person, ...]
) -> None:
    writes = Transaction.parse(new_node.host.entries[0]).domain.write_set
    (node_id,) = writes["public:ccf.gov.nodes.info"]
    info = json.loads_object(writes["public:ccf.gov.nodes.info"][node_id] or b"")
    assert info["status"] == "Trusted"
    interfaces = info["rpc_interfaces"]
    assert isinstance(interfaces, dict)
    assert interfaces["primary_rpc_interface"] == {
        "bind_address": "127.0.0.1:8000",
        "published_address": "127.0.0.1:8000",
    }
    endorsed = writes["public:ccf.gov.nodes.endorsed_certificates"][node_id] or b""
    Certificate.from_pem(endorsed).verify_signed_by(
        Certificate.from_pem(new_node.service_certificate)
    )
    assert {m.id.encode() for m in members} == set(
        writes["public:ccf.gov.members.certs"]
    )


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


def state_of(node: InProcessNode) -> json.JsonObject:
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
    assert state_of(joiner)["startup_seqno"] == 0
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
    assert state_of(joiner)["startup_seqno"] == after
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
def recovering(members: tuple[Person, ...]) -> Callable[[Remains], Network]:
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
    recovering: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
    kept: Callable[[Remains], Remains],
) -> None:
    network = recovering(kept(remains))
    assert states(network.nodes) == {NodeState.PART_OF_PUBLIC_NETWORK}
    assert status(network.nodes[2]) == "Recovering"
    bring_back(network, members[0])
    for node in network.nodes:
        assert read(node, "early") == "a secret"
        assert read(node, "late") == "another"
        assert node.host.effects.count(OpenLedger()) == 1


@pytest.mark.newest
def test_joiners_begin_with_the_lost_services_snapshot(
    recovering: Callable[[Remains], Network], remains: Remains
) -> None:
    """No other could vouch for one: the new service takes none until it is open."""
    network = recovering(remains)
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
    recovering: Callable[[Remains], Network], remains: Remains
) -> None:
    network = recovering(remains)
    recovered_to = replica_of(network.nodes[0]).last_recovered_seqno
    for joiner in network.nodes[1:]:
        (effect,) = (e for e in joiner.host.effects if isinstance(e, BeginLedger))
        assert effect.recovered_to == recovered_to > effect.after


@pytest.mark.slow
def test_a_node_that_joins_after_the_opening_has_nothing_to_recover(
    recovering: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
) -> None:
    network = recovering(remains)
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
    recovering: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
) -> None:
    network = recovering(remains)
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
    recovering: Callable[[Remains], Network],
    remains: Remains,
    members: tuple[Person, ...],
    alice: Person,
) -> None:
    network = recovering(without_snapshots(remains))
    bring_back(network, members[0])
    write(network.nodes[0], alice, third="of the second service")
    network.wait_until_settled()
    again = recovering(without_snapshots(network.nodes[2].remains()))
    bring_back(again, members[1])
    for node in again.nodes:
        assert read(node, "early") == "a secret"
        assert read(node, "third") == "of the second service"
