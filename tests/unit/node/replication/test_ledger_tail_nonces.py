"""No key meets a nonce twice, whatever becomes of a service and its nodes.

Every encryption of every node is seen, and noted by key and IV: of ledger entries,
snapshots, secrets, channels. A service of three lives through what is drawn, is lost,
and is recovered, perhaps in more than one place.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ccfpy.boundary.configuration import ConsensusConfiguration, NodeConfiguration
from ccfpy.boundary.effects import AppendLedger, TruncateLedger, WriteSnapshot
from ccfpy.ledger.entry import Entry
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from ccfpy.testing.recovery import ask_for_shares, submit_share
from ccfpy.testing.surroundings import Remains
from tests.attacks import attack
from tests.lab.cluster.whole.interception import Interception, interception
from tests.lab.invariants.violated import Violated
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.recovered import read, status, write
from tests.unit.node.replication.test_replication import primary, put, replica_of

SNAPSHOT_BIT = 1 << 31


@pytest.fixture
def intercepted() -> Iterator[Interception]:
    with interception(7) as seen:
        yield seen


class Life:
    """A service of three nodes, and what may happen to it."""

    def __init__(self, members: tuple[Person, ...], user: Person) -> None:
        self.user = user
        self.members = members
        self.network = Network(
            NotesApp(),
            constitution=CONSTITUTION,
            members=members,
            consensus=ConsensusConfiguration(pre_vote=False),
            configure=_often,
        )
        self.network.start()
        self.network.advance(200)
        for _ in range(2):
            self.network.wait_until_settled(self.network.join())
        self.network.nodes[0].open_service(user)
        self.network.wait_until_settled()
        self.number = 0

    def write(self) -> None:
        """Write what is private, and have it committed."""
        leader = primary(self.network)
        self.number += 1
        put(leader, self.user, a=f"secret {self.number}")
        self.network.advance(300)

    def govern(self, action: str) -> None:
        """Make members decide something."""
        leader = primary(self.network)
        # Requests are numbered by node in these tests, and remembered by service.
        nodes = self.network.nodes
        leader._created_at = max(node._created_at for node in nodes) + 1
        # A connection from before this node led again would be refused and closed.
        leader._governing = None
        assert leader.propose({"name": action}).status == 200
        self.network.advance(300)

    def part(self) -> None:
        """Cut the primary off: it writes on alone, another takes over, and it ends."""
        network, old = self.network, primary(self.network)
        others = [node for node in network.nodes if node is not old]
        for other in others:
            network.cut(old, other)
        before = len(old.host.entries)
        put(old, self.user, a="to be taken back", b="and more")
        put(old, self.user, a="twice")
        assert len(old.host.entries) > before
        network.wait_until(
            lambda: any(replica_of(node).is_primary for node in others),
            most_ms=60_000,
        )
        new = next(node for node in others if replica_of(node).is_primary)
        put(new, self.user, a="to stay")
        network.heal()
        network.wait_until(lambda: not replica_of(old).is_primary, most_ms=60_000)
        network.wait_until_settled()

    def rekey(self) -> None:
        """Begin a new ledger secret."""
        self.govern("trigger_ledger_rekey")

    def snapshot(self) -> None:
        """Take a snapshot."""
        self.govern("trigger_snapshot")

    def shares(self) -> None:
        """Issue recovery shares anew."""
        self.govern("trigger_recovery_shares_refresh")

    def idle(self) -> None:
        """Leave channels and signatures alone."""
        self.network.advance(3000)

    def lose(self) -> Remains:
        """Lose the service, with what the first node's host has."""
        return self.network.nodes[0].remains()


def _often(configuration: NodeConfiguration) -> NodeConfiguration:
    return replace(configuration, snapshot_tx_count=8, node_to_node_message_limit=40)


def recover(members: tuple[Person, ...], remains: Remains, seed: int) -> InProcessNode:
    """Bring a lost service back, and use it."""
    network = Network(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        seed=seed,
        configure=_often,
    )
    node = network.recover(remains)
    assert ask_for_shares(node).status == 200
    assert submit_share(node, members[0]).status == 200
    network.wait_until(lambda: status(node) == "Open")
    network.wait_until_settled()
    return node


ACTS: dict[str, Callable[[Life], None]] = {
    "write": Life.write,
    "rekey": Life.rekey,
    "snapshot": Life.snapshot,
    "shares": Life.shares,
    "part": Life.part,
    "idle": Life.idle,
}


def effects_of(network: Network, kind: type) -> int:
    return sum(
        isinstance(effect, kind)
        for node in network.nodes
        for effect in node.host.effects
    )


@pytest.mark.slow
@attack("nonce: a hostile schedule")
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(sorted(ACTS)), min_size=2, max_size=8))
@example(["write", "part", "rekey", "part", "write", "snapshot", "part"])
def test_whatever_happens_a_key_and_an_iv_serve_once(
    members: tuple[Person, ...], alice: Person, names: list[str]
) -> None:
    with interception(7) as intercepted:
        life = Life(members, alice)
        for name in names:
            ACTS[name](life)
        remains = life.lose()
        for seed in (2, 3):
            node = recover(members, remains, seed)
            write(node, alice, after="the recovery")
            node.advance(1000)
            assert read(node, "after") == "the recovery"
    assert len(intercepted.seals) > 100
    taken_back = effects_of(life.network, TruncateLedger)
    assert bool(taken_back) is ("part" in names)


@pytest.mark.slow
@attack("nonce: entries taken back and written anew")
@attack("nonce: two primaries")
def test_entries_taken_back_and_written_anew_by_two_primaries(
    intercepted: Interception, members: tuple[Person, ...], alice: Person
) -> None:
    life = Life(members, alice)
    old = primary(life.network)
    life.part()
    by_seqno: dict[int, set[bytes]] = {}
    for effect in old.host.effects:
        if isinstance(effect, AppendLedger):
            for at, entry in enumerate(effect.entries):
                seqno = effect.first_seqno + at
                by_seqno.setdefault(seqno, set()).add(entry[24:36])
    assert any(len(ivs) > 1 for ivs in by_seqno.values()), "some was written twice"
    assert intercepted.seals


@pytest.mark.slow
@attack("nonce: a snapshot taken twice")
def test_a_snapshot_taken_twice(
    intercepted: Interception, members: tuple[Person, ...], alice: Person
) -> None:
    """Two primaries take one of the same state: it is the same plaintext."""
    life = Life(members, alice)
    life.write()
    for _ in range(3):
        life.snapshot()
        life.part()
    written = effects_of(life.network, WriteSnapshot)
    views = {
        int.from_bytes(iv[8:], "little") for _, iv in intercepted.seals if len(iv) == 12
    }
    assert written > 3
    assert any(view & SNAPSHOT_BIT for view in views)


@pytest.mark.slow
@attack("nonce: a recovery")
def test_a_recovery_in_two_places(
    intercepted: Interception, members: tuple[Person, ...], alice: Person
) -> None:
    """From one ledger two services come, and write at the same seqnos."""
    life = Life(members, alice)
    life.write()
    remains = life.lose()
    ends = []
    for seed in (2, 3):
        node = recover(members, remains, seed)
        write(node, alice, a=f"in the service of {seed}")
        node.advance(1000)
        ends.append(node)
    first, second = (
        Entry.parse(node.host.entries[len(remains.entries) + 2]) for node in ends
    )
    assert first.txid == second.txid, "their IVs are the same: their keys are not"
    assert intercepted.seals


@pytest.mark.slow
@attack("nonce: a rekey")
def test_a_rekey_that_is_taken_back(
    intercepted: Interception, members: tuple[Person, ...], alice: Person
) -> None:
    """What the new secret sealed is gone, and the old one goes on from before it."""
    life = Life(members, alice)
    life.rekey()
    life.part()
    life.rekey()
    life.write()
    secrets = replica_of(primary(life.network)).tail.secrets
    assert len(secrets) == 3
    assert intercepted.seals


def test_the_interception_sees_a_nonce_that_serves_twice(
    intercepted: Interception,
) -> None:
    """So the tests above could fail."""
    intercepted.note(bytes(32), bytes(12), b"one", b"")
    intercepted.note(bytes(32), bytes(12), b"one", b"")
    with pytest.raises(Violated, match="NonceOnce"):
        intercepted.note(bytes(32), bytes(12), b"another", b"")
