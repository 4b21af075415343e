"""Primaries come and go while nodes read their private ledgers."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccfpy.boundary.effects import BeginLedger, Effect, OpenLedger, ReadLedger
from ccfpy.node.lifecycle import NodeState
from ccfpy.node.node import CANNOT_GO_ON
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from ccfpy.testing.surroundings import Remains
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.fault_rows import Part, row
from tests.unit.node.recovered import read, state, status, write
from tests.unit.node.replication.test_replication import replica_of

READING = NodeState.READING_PRIVATE_LEDGER
WHOLE = NodeState.PART_OF_NETWORK


class SlowDisks(Network):
    """A network in which some hosts keep reads of their ledgers for later."""

    def __init__(self, members: tuple[Person, ...]) -> None:
        super().__init__(NotesApp(), constitution=CONSTITUTION, members=members)
        self.slow: list[InProcessNode] = []
        self._kept: list[tuple[InProcessNode, ReadLedger]] = []

    def take(self, node: InProcessNode, effect: Effect) -> bool:
        if isinstance(effect, ReadLedger) and node in self.slow:
            self._kept.append((node, effect))
            return True
        return super().take(node, effect)

    def answer(self, node: InProcessNode, *, count: int | None = None) -> None:
        """Make a host answer one read: with all, or with so many entries."""
        at = next(at for at, (asker, _) in enumerate(self._kept) if asker is node)
        _, effect = self._kept.pop(at)
        if count is not None:
            effect = replace(effect, last=effect.first + count - 1)
        node.step(node.host.read_ledger(effect))
        self.deliver()

    def hurry(self, *nodes: InProcessNode) -> None:
        """Make these hosts answer, now and from now on."""
        for node in nodes:
            self.slow.remove(node)
        kept, self._kept = self._kept, []
        for node, effect in kept:
            if node in nodes:
                node.step(node.host.read_ledger(effect))
            else:
                self._kept.append((node, effect))
        self.deliver()


@pytest.fixture
def remains(make_node: Callable[[], InProcessNode], alice: Person) -> Remains:
    node = make_node()
    node.open_service(alice)
    write(node, alice, a="a secret")
    node.advance(1000)
    return replace(node.remains(), snapshots={})


@pytest.fixture
def network(remains: Remains, members: tuple[Person, ...]) -> SlowDisks:
    """Three nodes that wait for shares."""
    made = SlowDisks(members)
    made.recover(remains)
    for _ in range(2):
        made.wait_until_settled(made.join())
    assert ask_for_shares(made.nodes[0]).status == 200
    made.wait_until_settled()
    return made


def begin_reading(network: SlowDisks, member: Person, *slow: InProcessNode) -> None:
    """Hand in shares, and wait until the slow ones read."""
    network.slow = list(slow)
    assert submit_share(network.nodes[0], member).status == 200
    network.wait_until(
        lambda: (
            all(state(node)["state"] == READING for node in slow)
            and all(
                state(node)["state"] == WHOLE
                for node in network.nodes
                if node not in slow
            )
        )
    )


def new_primary(network: SlowDisks) -> InProcessNode:
    """Kill the primary; wait for the next."""
    network.kill(network.nodes[0])
    others = network.nodes[1:]
    network.wait_until(
        lambda: any(replica_of(node).is_primary for node in others), most_ms=60_000
    )
    return next(node for node in others if replica_of(node).is_primary)


@pytest.mark.newest
@row(
    Part.COURSE,
    "the primary dies while nodes read the private state",
    "The next primary opens the service.",
)
def test_a_node_that_comes_to_lead_while_all_read_opens_the_service(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    begin_reading(network, members[0], *network.nodes)
    leader = new_primary(network)
    assert status(leader) == "WaitingForRecoveryShares"
    network.hurry(*network.nodes[1:])
    network.wait_until(lambda: status(leader) == "Open")
    network.wait_until_settled()
    for node in network.nodes[1:]:
        assert read(node, "a") == "a secret"
        assert OpenLedger() in node.host.effects


@pytest.mark.newest
@row(
    Part.COURSE,
    "the primary dies, and the next primary has already read the private state",
    "The next primary opens the service.",
)
def test_a_node_that_has_read_opens_the_service_for_a_primary_that_did_not(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    begin_reading(network, members[0], network.nodes[0])
    assert status(network.nodes[1]) == "WaitingForRecoveryShares"
    leader = new_primary(network)
    network.wait_until(lambda: status(leader) == "Open")
    network.wait_until_settled()
    assert read(leader, "a") == "a secret"


@pytest.mark.newest
def test_a_backup_that_reads_when_the_service_opens_goes_on_as_a_backup(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    first, _, late = network.nodes
    begin_reading(network, members[0], late)
    network.wait_until(lambda: status(first) == "Open")
    network.wait_until(lambda: status(late) == "Open")
    assert state(late)["state"] == READING
    assert late.request("GET", "/app/notes?name=a").status == 404
    network.hurry(late)
    network.wait_until(lambda: state(late)["state"] == WHOLE)
    network.wait_until_settled()
    assert read(late, "a") == "a secret"
    assert late.host.stop is None


@pytest.mark.newest
@row(
    Part.COURSE,
    "a node becomes the primary of an open service before it has read the private "
    "state to the end",
    "This node stops. The other nodes continue.",
)
def test_a_node_that_leads_an_open_service_without_its_state_stops(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    first, *late = network.nodes
    begin_reading(network, members[0], *late)
    network.wait_until(lambda: status(first) == "Open")
    network.wait_until_settled()
    leader = new_primary(network)
    assert state(leader)["state"] == READING
    network.hurry(leader)
    assert leader.host.stop is not None
    assert leader.host.stop.exit_code == CANNOT_GO_ON
    assert "leads a service that is Open already" in leader.host.stop.reason


@pytest.mark.slow
@row(
    Part.SHARES,
    "a member submits a share while nodes read the private state",
    "The request is refused.",
)
def test_a_member_cannot_start_it_again_while_nodes_read(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    begin_reading(network, members[0], *network.nodes)
    refused = submit_share(network.nodes[0], members[1])
    assert refused.status == 403
    assert b"NodeAlreadyRecovering" in refused.body


def isolated(network: SlowDisks, person: Person) -> InProcessNode:
    """Cut the primary off while it reads, and let it order what nobody else has."""
    first, *others = network.nodes
    for other in others:
        network.cut(first, other)
    before = replica_of(first).tail.last_seqno
    first.propose({"name": "set_user", "args": {"cert": person.certificate.pem}})
    assert replica_of(first).tail.last_seqno > before
    return first


def take_back(network: SlowDisks) -> None:
    """Make the others elect one of them, and the old primary hear of it."""
    first, *others = network.nodes
    network.wait_until(
        lambda: any(replica_of(node).is_primary for node in others), most_ms=60_000
    )
    network.heal()
    network.wait_until(lambda: not replica_of(first).is_primary)
    leader = next(node for node in others if replica_of(node).is_primary)
    network.wait_until(lambda: status(leader) == "Open")
    network.wait_until_settled()


@pytest.mark.newest
def test_what_was_read_of_an_end_that_is_taken_back_is_read_again(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    begin_reading(network, members[0], network.nodes[0])
    first = isolated(network, Person.make("bob"))
    final = first.host.commit
    network.answer(first)
    network.answer(first, count=1)
    assert state(first)["last_recovered_seqno"] == final + 1
    take_back(network)
    assert state(first)["state"] == READING
    network.hurry(first)
    network.wait_until(lambda: state(first)["state"] == WHOLE)
    assert read(first, "a") == "a secret"


@pytest.mark.slow
@row(
    Part.COURSE,
    "an election rolls back entries whose private state nodes have read",
    "The nodes roll the private state back together with the public state, and read "
    "it again.",
)
def test_private_state_that_came_back_too_early_is_taken_back_with_the_public(
    network: SlowDisks, members: tuple[Person, ...]
) -> None:
    """The old primary opened a service that the others knew nothing of."""
    begin_reading(network, members[0], network.nodes[0])
    first = isolated(network, Person.make("bob"))
    network.hurry(first)
    assert state(first)["state"] == WHOLE
    assert status(first) == "Open"
    take_back(network)
    assert first.host.entries == network.nodes[1].host.entries
    for node in network.nodes:
        assert read(node, "a") == "a secret"


@pytest.mark.slow
@pytest.mark.parametrize("is_reading", [False, True])
def test_a_node_that_members_trust_before_the_opening_keeps_its_files_provisional(
    network: SlowDisks, members: tuple[Person, ...], *, is_reading: bool
) -> None:
    """Whether shares are awaited still or the primary reads already."""
    first = network.nodes[0]
    late = network.join()
    network.deliver()
    if is_reading:
        network.slow = network.nodes[:3]
        assert submit_share(first, members[0]).status == 200
        network.wait_until(lambda: state(first)["state"] == READING)
    first.trust(late)
    network.wait_until(lambda: begins(late) != [])
    (begun,) = begins(late)
    assert begun.recovered_to == replica_of(first).last_recovered_seqno > begun.after
    assert late.host.recovered_to == begun.recovered_to
    if is_reading:
        network.hurry(*network.nodes[:3])
    else:
        assert submit_share(first, members[0]).status == 200
    network.wait_until(lambda: status(late) == "Open")
    network.wait_until_settled()
    assert state(late)["state"] == WHOLE
    assert read(late, "a") == "a secret"
    assert late.host.recovered_to is None


def begins(node: InProcessNode) -> list[BeginLedger]:
    return [each for each in node.host.effects if isinstance(each, BeginLedger)]
