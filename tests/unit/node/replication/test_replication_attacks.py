"""Nodes that are no more, and hosts that serve less than they say."""

from collections.abc import Callable

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.boundary.effects import Effect, SendEntries, SendToPeer
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.node.channels.channels import Channels
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.replication.conftest import all_agree
from tests.unit.node.replication.test_replication import put, replica_of


class Silent:
    """Nobody reads what an attacker's channels log."""

    def info(self, text: str) -> None:
        """Drop it."""

    def fail(self, text: str) -> None:
        """Drop it."""


def first_words(thief: InProcessNode, to: InProcessNode) -> list[bytes]:
    """Begin a channel to a node with all that another one has."""
    identity = replica_of(thief).identity
    credentials = replica_of(thief).credentials
    said: list[bytes] = []

    def send(_: NodeId, kind: PeerTraffic, payload: bytes) -> None:
        assert kind is PeerTraffic.CHANNEL
        said.append(payload)

    channels = Channels(
        key=identity.key, entropy=SeededEntropy(5), send=send, log=Silent(), now_ms=0
    )
    channels.identify(
        service_certificate=credentials.service.certificate,
        node_certificate=credentials.endorsed,
    )
    channels.send_authenticated(to.node_id, b"x" * 16)
    return said


def answers(node: InProcessNode, to: InProcessNode, payload: bytes) -> bool:
    """Return whether a node answers another that begins a channel."""
    message = PeerMessage(kind=PeerTraffic.CHANNEL, sender=to.node_id, payload=payload)
    effects = node.step(message)
    return any(isinstance(e, SendToPeer) and e.to == to.node_id for e in effects)


@pytest.mark.slow
@attack("channel: the certificate of a retired node")
def test_the_certificate_of_a_retired_node(three: Network) -> None:
    """All that it had is still good, but for what the ledger says of it."""
    first, second, third = three.nodes
    (before,) = first_words(third, first)
    assert answers(first, third, before)
    first.propose({"name": "remove_node", "args": {"node_id": third.node_id}})
    path = "/node/network/removable_nodes"
    three.wait_until(lambda: third.node_id.encode() in first.request("GET", path).body)
    three.advance(1000)
    three.kill(third)
    fourth = three.join()
    three.deliver()
    three.nodes[0].trust(fourth)
    three.wait_until(lambda: first.host.commit == fourth.host.commit)
    for node in (first, second, fourth):
        (init,) = first_words(third, node)
        assert not answers(node, third, init)
        assert "not a node to hear" in node.host.logs[-1].message


CUTS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "the last is missing": lambda entries: entries[:-1],
    "the first is missing": lambda entries: entries[1:],
    "all are missing": lambda _: [],
    "the last is torn": lambda entries: [*entries[:-1], entries[-1][:-1]],
    "in another order": lambda entries: entries[::-1] if len(entries) > 1 else [],
    "the last twice": lambda entries: [*entries, entries[-1]],
}


class Cutting(Network):
    """The first node's host serves its ledger otherwise than it is.

    Attributes:
        cut_short: how, by its name; not at all if there is none.
    """

    cut_short: str | None = None

    def _carry(self, node: InProcessNode, effect: Effect) -> None:
        if not isinstance(effect, SendEntries) or node is not self.nodes[0]:
            super()._carry(node, effect)
            return
        at = slice(effect.first - node.host.after - 1, effect.last - node.host.after)
        entries = node.host.entries[at]
        if self.cut_short is not None:
            entries = CUTS[self.cut_short](entries)
        payload = b"".join([effect.header, *entries])
        self._send(node, effect.to, PeerTraffic.CONSENSUS, payload)


@attack("ledger: a ledger cut short, served to a joiner")
@attack("ledger: files in another order", "in another order")
@pytest.mark.parametrize("name", CUTS)
def test_a_ledger_cut_short_served_to_a_joiner(
    members: tuple[Person, ...], alice: Person, name: str
) -> None:
    network = Cutting(NotesApp(), constitution=CONSTITUTION, members=members)
    first = network.start()
    network.advance(200)
    first.open_service(alice)
    put(first, alice, a="kept")
    network.wait_until_settled()
    network.cut_short = name
    joiner = network.join()
    network.deliver()
    decided = first.propose(
        {
            "name": "transition_node_to_trusted",
            "args": {"node_id": joiner.node_id, "valid_from": "250615000000Z"},
        }
    )
    assert decided.status == 200, decided.body
    network.advance(3000)
    shared = len(joiner.host.entries)
    assert joiner.host.entries == first.host.entries[:shared]
    if name != "the last twice":
        assert shared < len(first.host.entries)
    network.cut_short = None
    network.wait_until(lambda: all_agree(network))
