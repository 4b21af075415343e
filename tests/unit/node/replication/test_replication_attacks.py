"""Trusted nodes that lie, and a hostile network, change nothing that is committed."""

import os
from collections.abc import Callable
from random import Random

import pytest

from ccfpy.base.codec import buf, u64
from ccfpy.base.ids import NodeId, SessionId, TxId
from ccfpy.base.limits import FORWARDED_CERTIFICATE_BYTES_MAX, VIEWS_MAX
from ccfpy.boundary.effects import Effect, SendEntries, SendToPeer
from ccfpy.boundary.events import PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.consensus.messages import (
    AppendEntries,
    AppendEntriesResponse,
    ElectionType,
    Message,
    ProposeRequestVote,
    RequestVote,
    RequestVoteResponse,
)
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, TREE
from ccfpy.node.channels.channels import Channels
from ccfpy.node.forwarder import Command, MessageKind
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.network import Network
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.dishonest import entry_of, say
from tests.unit.node.replication.conftest import all_agree
from tests.unit.node.replication.test_replication import primary, put, replica_of


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


U64_MAX = 2**64 - 1
HIGHEST = VIEWS_MAX - 1000
"""A view from which there are others to elect somebody in."""


@pytest.fixture
def quiet(three: Network) -> Network:
    """An open service of three nodes that have nothing more to say."""
    three.wait_until_settled()
    return three


def hostile(dice: Random, near: TxId) -> Message:
    """Make a message of any kind, with values that fit and values that do not."""

    def seqno() -> int:
        return dice.choice([0, 1, near.seqno - 1, near.seqno, near.seqno + 1, U64_MAX])

    def view() -> int:
        return dice.choice([0, 1, near.view, near.view + 1, HIGHEST])

    def place() -> TxId:
        return dice.choice([near, TxId(view(), seqno())])

    kinds: list[Message] = [
        AppendEntries(
            view=view(), previous=place(), last=place(), leader_commit=seqno()
        ),
        AppendEntriesResponse(position=place(), is_success=dice.random() < 0.5),
        RequestVote(view=view(), last=place(), election=ElectionType.REGULAR),
        RequestVote(view=view(), last=place(), election=ElectionType.PRE_VOTE),
        RequestVoteResponse(
            view=view(), is_granted=True, election=ElectionType.REGULAR
        ),
        ProposeRequestVote(view=view()),
    ]
    return dice.choice(kinds)


@pytest.mark.slow
@attack("channel: consensus with values that no honest node sends")
@pytest.mark.parametrize("seed", range(4))
def test_a_service_outlives_whatever_a_backup_says(
    quiet: Network, alice: Person, seed: int
) -> None:
    first, second, third = quiet.nodes
    dice = Random(seed)
    kept = put(first, alice, kept="yes")
    quiet.wait_until_settled()
    for _ in range(150):
        to = dice.choice([first, second])
        log = replica_of(to).replication.raft.log
        junk = dice.randbytes(dice.choice([0, 7, 200]))
        message = hostile(dice, log.tx_id(log.last_seqno))
        say(third, to, message, junk)
        if dice.random() < 0.1:
            quiet.advance(dice.choice([10, 200]))
    quiet.kill(third)
    put(primary(quiet), alice, still="there")
    quiet.wait_until(lambda: all_agree(quiet), most_ms=60_000)
    for node in (first, second):
        assert replica_of(node).view_of(kept.seqno) == kept.view


ENTRIES: dict[str, Callable[[InProcessNode, TxId], bytes]] = {
    "nothing": lambda *_: b"",
    "zeros": lambda *_: bytes(400),
    "a frame without end": lambda *_: b"\x01\x00" + b"\xff" * 6,
    "an entry of another place": lambda a, at: entry_of(
        a, TxId(at.view, at.seqno + 1), {"public:x": {b"k": b"v"}}
    ),
    "an entry of another view": lambda a, at: entry_of(
        a, TxId(at.view + 1, at.seqno), {"public:x": {b"k": b"v"}}
    ),
    "a signature that is none": lambda a, at: entry_of(
        a, at, {SIGNATURES: {bytes(8): b"x"}, TREE: {bytes(8): b""}}
    ),
    "a signature without a value": lambda a, at: entry_of(
        a, at, {SIGNATURES: {bytes(8): None}}
    ),
    "a signature of the service alone": lambda a, at: entry_of(
        a, at, {COSE_SIGNATURES: {bytes(8): b'"0oQ="'}}
    ),
    "a signature beside other writes": lambda a, at: entry_of(
        a, at, {SIGNATURES: {bytes(8): b"x"}, "public:x": {b"k": b"v"}}
    ),
}


@attack("channel: consensus with values that no honest node sends")
@pytest.mark.parametrize("name", ENTRIES)
def test_entries_that_do_not_hold_change_nothing(
    quiet: Network, alice: Person, name: str
) -> None:
    first, second, _ = quiet.nodes
    running = replica_of(second)
    before = running.replication.raft.log.tx_id(running.tail.last_seqno)
    at = TxId(before.view, before.seqno + 1)
    message = AppendEntries(
        view=before.view, previous=before, last=at, leader_commit=at.seqno
    )
    say(first, second, message, ENTRIES[name](first, at))
    assert running.tail.last_seqno == before.seqno
    assert running.replication.raft.log.last_seqno == before.seqno
    assert first.node_id in second.host.logs[-1].message
    put(first, alice, a="1")
    quiet.wait_until(lambda: all_agree(quiet))


def command(request: bytes, certificate: bytes | None = None) -> tuple[bytes, bytes]:
    asked = Command(
        command_id=U64_MAX,
        view=U64_MAX,
        session=SessionId(U64_MAX),
        caller_der=certificate,
        request=request,
    )
    return asked.header, asked.plaintext


STATE = b"GET /node/state HTTP/1.1\r\n\r\n"
FORWARDED: dict[str, tuple[bytes, bytes]] = {
    "of no kind": (u64(99) + b"\0", b""),
    "cut short": (u64(MessageKind.COMMAND_V3), b""),
    "of another frame": (u64(4) + b"\7" + u64(1) + u64(1), u64(1) + b"\0"),
    "with a certificate longer than itself": (
        u64(4) + b"\0" + u64(1) + u64(1),
        u64(1) + b"\1" + u64(U64_MAX),
    ),
    "with numbers beyond any": command(STATE),
    "with a certificate that is none": command(STATE, b"x"),
    "with a certificate beyond the bound": command(
        STATE, bytes(FORWARDED_CERTIFICATE_BYTES_MAX + 1)
    ),
    "with a request that is none": command(os.urandom(100)),
    "with two requests": command(STATE * 2),
    "with a target that is no path": command(b"GET \xff HTTP/1.1\r\n\r\n"),
    "an answer that nobody awaits": (
        u64(MessageKind.RESPONSE_V3) + b"\0" + u64(7) + b"\0",
        u64(1) + b"HTTP/1.1 200 OK\r\n\r\n",
    ),
    "an answer that is none": (
        u64(MessageKind.RESPONSE_V3) + b"\0" + u64(0) + b"\0",
        u64(1) + buf(b"x"),
    ),
}


@pytest.mark.newest
@attack("channel: consensus with values that no honest node sends")
def test_a_node_goes_on_whatever_is_forwarded_to_it(
    quiet: Network, alice: Person
) -> None:
    first, second, _ = quiet.nodes
    for header, plaintext in FORWARDED.values():
        assert replica_of(second).channels.send_encrypted(
            first.node_id, header, plaintext
        )
        second.step()
        quiet.deliver()
    assert any(
        f"Ignored a certificate of {FORWARDED_CERTIFICATE_BYTES_MAX + 1} bytes from "
        f"{second.node_id}" in log.message
        for log in first.host.logs
    )
    put(first, alice, a="1")
    quiet.wait_until(lambda: all_agree(quiet))
