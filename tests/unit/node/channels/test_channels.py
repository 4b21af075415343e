"""All channels of a node, and the addresses that it passes to the host."""

from dataclasses import replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import Effect, ForgetPeer, SetPeer
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.kv.store import Store
from ccfpy.node.channels import Channels, ChannelSettings, Received
from ccfpy.node.channels.channels import AddressBook
from ccfpy.node.outbox import Outbox
from ccfpy.service.tables.nodes import INFO, NetInterface, NodeInfo
from ccfpy.testing.entropy import SeededEntropy
from tests.attacks import attack
from tests.unit.node.channels.conftest import (
    APPEND,
    COMMAND,
    PROPOSE,
    Frame,
    Lines,
    Peer,
    deliver,
    establish,
    id_of,
    node_key,
    service_of,
)
from tests.unit.node.replication.test_ledger_tail import INFO_OF_NODE

IDLE = limits.CHANNEL_IDLE_MS


def _channels(key: KeyPair, log: Lines) -> Channels:
    return Channels(
        key=key,
        entropy=SeededEntropy(1),
        send=lambda *_: None,
        log=log,
        now_ms=0,
    )


# What travels


def test_a_message_of_consensus_arrives_with_its_header_alone(
    low: Peer, high: Peer
) -> None:
    establish(low, high)
    low.channels.send_authenticated(high.id, PROPOSE)
    frame = low.one()
    assert frame.kind is PeerTraffic.CONSENSUS
    assert frame.payload[:16] == PROPOSE
    assert len(frame.payload) == 16 + 24
    assert high.hear(frame) == Received(header=PROPOSE, body=b"")


def test_entries_follow_a_sealed_header_unprotected(low: Peer, high: Peer) -> None:
    establish(low, high)
    header = low.channels.seal_header(high.id, APPEND)
    assert header is not None
    assert header[:57] == APPEND
    assert len(header) == 57 + 24
    assert not low.out
    frame = Frame(low.id, high.id, PeerTraffic.CONSENSUS, header + b"entries")
    assert high.hear(frame) == Received(header=APPEND, body=b"entries")


def test_a_forwarded_message_hides_its_plaintext(low: Peer, high: Peer) -> None:
    establish(low, high)
    assert low.channels.send_encrypted(high.id, COMMAND, b"private words")
    frame = low.one()
    assert frame.kind is PeerTraffic.FORWARDED
    assert frame.payload[: len(COMMAND)] == COMMAND
    assert b"private" not in frame.payload
    assert high.hear(frame) == Received(header=COMMAND, body=b"private words")


# Who is heard


def test_nothing_is_heard_before_the_node_is_of_a_service() -> None:
    log = Lines()
    channels = _channels(node_key("alice"), log)
    assert channels.receive(0, id_of(node_key("bob")), b"") is None
    assert channels.receive(9, NodeId("?"), b"") is None
    assert log == Lines()


def _unidentified(name: str) -> tuple[Channels, list[PeerTraffic]]:
    sent: list[PeerTraffic] = []
    channels = Channels(
        key=node_key(name),
        entropy=SeededEntropy(1),
        send=lambda _to, kind, _payload: sent.append(kind),
        log=Lines(),
        now_ms=0,
    )
    return channels, sent


def _identify(channels: Channels, name: str) -> None:
    service = service_of("service")
    channels.identify(
        service_certificate=service.certificate,
        node_certificate=service.endorse(node_key(name)),
    )


def test_the_latest_step_of_an_exchange_waits_for_the_node_to_be_of_a_service(
    low: Peer,
) -> None:
    channels, sent = _unidentified("late")
    low.channels.send_authenticated(id_of(node_key("late")), PROPOSE)
    init = low.one()
    channels.receive(PeerTraffic.CHANNEL, NodeId("?"), b"junk")
    channels.receive(init.kind, init.sender, init.payload)
    channels.receive(PeerTraffic.CONSENSUS, init.sender, b"not kept")
    assert sent == []
    _identify(channels, "late")
    assert sent == [PeerTraffic.CHANNEL]
    _identify(channels, "late")
    assert sent == [PeerTraffic.CHANNEL]


@pytest.mark.parametrize("excess", [0, 1])
def test_a_step_that_waits_may_not_be_long(excess: int) -> None:
    channels, _ = _unidentified("late")
    size = limits.CHANNEL_EARLY_BYTES_MAX + excess
    channels.receive(PeerTraffic.CHANNEL, id_of(node_key("bob")), b"x" * size)
    assert (channels._early is None) is bool(excess)


def test_sending_before_the_node_is_of_a_service_is_a_mistake() -> None:
    channels = _channels(node_key("alice"), Lines())
    with pytest.raises(AssertionError, match="no peers"):
        channels.send_authenticated(id_of(node_key("bob")), PROPOSE)


def test_a_node_does_not_speak_to_itself(low: Peer) -> None:
    with pytest.raises(AssertionError, match="itself"):
        low.channels.send_authenticated(low.id, PROPOSE)
    assert low.hear(Frame(low.id, low.id, PeerTraffic.CHANNEL, b"")) is None
    assert low.log.fails == [f"Refused a message from {low.id}: not a node to hear"]


@pytest.mark.parametrize("sender", ["", "alice", "A" * 64, "é" * 64, "a" * 65])
def test_a_sender_that_is_no_id_is_refused(low: Peer, sender: str) -> None:
    for kind in PeerTraffic:
        assert low.channels.receive(kind, NodeId(sender), PROPOSE) is None
    assert len(low.log.fails) == len(PeerTraffic)
    assert not low.out


@pytest.mark.parametrize("kind", [-1, 3, 2**64 - 1])
def test_an_unknown_kind_of_message_is_refused(
    low: Peer, high: Peer, kind: int
) -> None:
    establish(low, high)
    assert low.channels.receive(kind, high.id, PROPOSE) is None
    assert low.log.fails == [f"Unknown node message type: {kind}"]


@attack("channel: the certificate of another service")
def test_a_node_with_another_services_certificate_is_refused(low: Peer) -> None:
    foreign = Peer("mallory", service=service_of("another"))
    foreign.channels.send_authenticated(low.id, PROPOSE)
    deliver(foreign, low)
    assert not low.channels.is_established(foreign.id)
    assert "Peer certificate verification failed" in low.log.fails[0]
    assert not low.out


def test_a_foreign_node_cannot_answer_either(low: Peer) -> None:
    foreign = Peer("mallory", service=service_of("another"))
    low.channels.send_authenticated(foreign.id, PROPOSE)
    begun = low.one()
    believer = Peer("mallory")  # the same node, believing in our service
    believer.hear(begun)
    answer = believer.one()
    pem, other = (
        s.endorse(foreign.key).pem.encode() for s in (believer.service, foreign.service)
    )
    forged = answer.payload.replace(
        len(pem).to_bytes(8, "little") + pem, len(other).to_bytes(8, "little") + other
    )
    assert forged != answer.payload
    low.hear(Frame(foreign.id, low.id, PeerTraffic.CHANNEL, forged))
    assert not low.channels.is_established(foreign.id)
    assert "Peer certificate verification failed" in low.log.fails[0]


@attack("channel: another node's name")
def test_a_node_of_the_service_cannot_speak_under_anothers_id(
    low: Peer, high: Peer
) -> None:
    carol = Peer("carol")
    carol.channels.send_authenticated(low.id, PROPOSE)
    frame = carol.one()
    low.hear(Frame(high.id, low.id, frame.kind, frame.payload))
    assert not low.out
    assert f"is of node {carol.id}, not of {high.id}" in low.log.fails[0]


@attack("channel: strangers who fill the memory")
def test_data_of_a_stranger_is_refused_and_costs_nothing_to_keep(low: Peer) -> None:
    for n in range(100):
        stranger = NodeId(f"{n:064x}")
        for kind in PeerTraffic:
            assert low.channels.receive(kind, stranger, APPEND + bytes(24)) is None
    assert not low.out
    assert not low.channels._channels


# Retired nodes


def test_a_closed_node_is_neither_heard_nor_spoken_to(low: Peer, high: Peer) -> None:
    establish(low, high)
    high.channels.send_authenticated(low.id, PROPOSE)
    in_flight = high.one()
    low.channels.close(high.id)
    assert low.hear(in_flight) is None
    assert not low.channels.is_established(high.id)
    low.channels.send_authenticated(high.id, PROPOSE)
    assert low.channels.seal_header(high.id, APPEND) is None
    assert not low.channels.send_encrypted(high.id, COMMAND, b"private")
    assert not low.out


@attack("channel: the certificate of a retired node")
def test_a_closed_node_cannot_come_back(low: Peer, high: Peer) -> None:
    """Its certificate still passes."""
    low.channels.close(high.id)
    low.channels.close(high.id)
    high.channels.send_authenticated(low.id, PROPOSE)
    deliver(low, high)
    assert not low.channels.is_established(high.id)
    assert low.log.fails == [f"Refused a message from {high.id}: not a node to hear"]


def test_closing_one_node_leaves_the_others(low: Peer, high: Peer) -> None:
    carol = Peer("carol")
    establish(low, high)
    establish(low, carol)
    low.channels.close(carol.id)
    low.channels.send_authenticated(high.id, PROPOSE)
    assert high.hear(low.one()) == Received(header=PROPOSE, body=b"")


def test_beyond_their_limit_the_oldest_closed_node_is_forgotten(
    low: Peer, high: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CHANNELS_CLOSED_MAX", 2)
    low.channels.close(high.id)
    low.channels.close(NodeId("a" * 64))
    high.channels.send_authenticated(low.id, PROPOSE)
    frame = high.one()
    low.hear(frame)
    assert not low.out
    low.channels.close(NodeId("b" * 64))
    low.hear(frame)
    assert low.out


# What is kept


def test_keys_are_given_up_when_idle(low: Peer, high: Peer) -> None:
    establish(low, high)
    low.channels.tick(IDLE - 1)
    assert low.channels.is_established(high.id)
    low.channels.tick(IDLE)
    assert not low.channels.is_established(high.id)
    low.channels.tick(IDLE + 1)
    assert low.log.infos == [f"Resetting channel with {high.id}"]


@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_keys_in_use_are_kept(low: Peer, high: Peer, who: str) -> None:
    establish(low, high)
    user = low if who == "sender" else high
    for now in range(0, 3 * IDLE, IDLE // 2):
        user.channels.tick(now)
        low.channels.send_authenticated(high.id, PROPOSE)
        deliver(low, high)
    other = high if who == "sender" else low
    assert user.channels.is_established(other.id)


def test_without_a_timeout_keys_are_kept() -> None:
    settings = ChannelSettings(idle_timeout_ms=None)
    one, other = Peer("alice", settings=settings), Peer("bob")
    establish(one, other)
    one.channels.tick(100 * IDLE)
    assert one.channels.is_established(other.id)


def test_a_node_that_is_not_there_is_asked_for_until_the_channel_is_idle(
    low: Peer, high: Peer
) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    for now in range(0, 2 * IDLE, 500):
        low.channels.tick(now)
    assert len(low.take()) == IDLE // limits.CHANNEL_RETRY_MS
    high.channels.tick(2 * IDLE)
    low.channels.send_authenticated(high.id, PROPOSE)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


@attack("channel: strangers who fill the memory")
def test_beyond_their_limit_the_idlest_channel_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "CHANNELS_MAX", 2)
    alice, bob, carol, dave = map(Peer, ("alice", "bob", "carol", "dave"))
    establish(alice, bob)
    alice.channels.tick(1)
    establish(carol, alice)
    assert alice.channels.is_established(bob.id)
    establish(dave, alice)
    assert not alice.channels.is_established(bob.id)
    assert alice.channels.is_established(carol.id)
    assert alice.channels.is_established(dave.id)


# Certificates


def test_established_channels_outlive_renewed_certificates(
    low: Peer, high: Peer
) -> None:
    establish(low, high)
    renewed = low.service.endorse(low.key, seed=1)
    low.channels.identify(
        service_certificate=low.service.certificate, node_certificate=renewed
    )
    low.channels.send_authenticated(high.id, PROPOSE)
    assert high.hear(low.one()) == Received(header=PROPOSE, body=b"")
    carol = Peer("carol")
    low.channels.send_authenticated(carol.id, PROPOSE)
    assert renewed.pem.encode() in low.one().payload


def test_a_certificate_that_is_not_the_services_is_not_taken(low: Peer) -> None:
    other = service_of("another")
    with pytest.raises(VerificationFailed, match="was not issued by"):
        low.channels.identify(
            service_certificate=other.certificate,
            node_certificate=low.service.endorse(low.key),
        )


def test_a_certificate_for_another_key_is_not_taken(low: Peer, high: Peer) -> None:
    with pytest.raises(VerificationFailed, match=f"is not of {low.id}"):
        low.channels.identify(
            service_certificate=low.service.certificate,
            node_certificate=low.service.endorse(high.key),
        )


@pytest.mark.parametrize("limit", [-1, 0, 1, 1 << 56])
def test_a_limit_that_cannot_be_kept_is_refused(limit: int) -> None:
    with pytest.raises(ConfigurationRefused, match=f"limit is {limit}; it must be"):
        ChannelSettings(message_limit=limit)


@pytest.mark.parametrize("limit", [2, (1 << 56) - 1])
def test_the_least_and_the_largest_limit_are_taken(limit: int) -> None:
    one, other = (
        Peer(name, settings=ChannelSettings(message_limit=limit))
        for name in ("alice", "bob")
    )
    for n in range(4):
        one.channels.send_encrypted(other.id, COMMAND, b"%d" % n)
        deliver(one, other)
    assert [m.body for m in other.got] == [b"0", b"1", b"2", b"3"]


def test_the_limit_is_ccfs_by_default() -> None:
    assert ChannelSettings().message_limit == 23_726_566


ENTROPY = SeededEntropy(3)


class Table:
    """A node table, and the book that follows it."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.channels = channels = Channels(
            key=KeyPair.generate(ENTROPY, Curve.SECP256R1),
            entropy=ENTROPY,
            send=lambda *_: None,
            log=self.outbox,
            now_ms=0,
        )
        self.own = channels.node_id
        self.book = AddressBook(self.own, channels, self.outbox)
        self.store = Store()
        self.book.watch(self.store)

    def put(self, node: NodeId, info: NodeInfo | None) -> list[Effect]:
        """Write a record; return the effects for the host at once."""
        tx = self.store.begin()
        if info is None:
            INFO.of(tx).remove(node)
        else:
            INFO.of(tx).put(node, info)
        self.store.commit(tx)
        return self.outbox.take()

    def commit(self) -> list[Effect]:
        self.store.compact(self.store.version)
        return self.outbox.take()


def node_at(
    address: str, status: NodeStatus = NodeStatus.TRUSTED, *, is_final: bool = False
) -> NodeInfo:
    interface = NetInterface(bind_address=address, published_address=address)
    return replace(
        INFO_OF_NODE,
        node_to_node_interface=interface,
        status=status,
        retired_committed=is_final,
    )


OTHER = NodeId("ab" * 32)


def test_a_node_is_reached_as_soon_as_it_is_trusted_and_once() -> None:
    table = Table()
    assert table.put(OTHER, node_at("a:1", NodeStatus.PENDING)) == []
    assert table.put(OTHER, node_at("a:1")) == [SetPeer(node=OTHER, address="a:1")]
    assert table.put(OTHER, node_at("a:1")) == []
    assert table.put(OTHER, node_at("b:2")) == [SetPeer(node=OTHER, address="b:2")]
    assert table.book.addresses == {OTHER: "b:2"}


def test_this_node_is_in_the_book_and_not_among_its_peers() -> None:
    table = Table()
    assert table.put(table.own, node_at("a:1")) == []
    assert table.book.addresses == {table.own: "a:1"}
    table.put(table.own, node_at("a:1", NodeStatus.RETIRED, is_final=True))
    assert table.commit() == []


def test_a_retired_node_is_reached_until_its_retirement_is_final() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1"))
    assert table.put(OTHER, node_at("a:1", NodeStatus.RETIRED)) == []
    assert table.commit() == []
    gone = node_at("a:1", NodeStatus.RETIRED, is_final=True)
    assert table.put(OTHER, gone) == []
    assert table.commit() == [ForgetPeer(node=OTHER)]
    assert table.book.addresses == {}


def test_a_removed_record_ends_it_too_and_only_once() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1"))
    table.put(OTHER, None)
    assert table.commit() == [ForgetPeer(node=OTHER)]
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    assert table.commit() == []


def test_a_node_that_was_removed_while_it_waited_may_be_trusted_later() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    assert table.commit() == []
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    assert table.put(OTHER, node_at("a:1")) == [SetPeer(node=OTHER, address="a:1")]
    assert table.commit() == []
    assert OTHER not in table.channels._closed


def test_a_removal_that_is_final_late_does_not_end_what_came_after_it() -> None:
    table = Table()
    table.put(OTHER, node_at("a:1", NodeStatus.PENDING))
    table.put(OTHER, None)
    table.put(OTHER, node_at("a:1"))
    table.commit()
    assert table.book.addresses == {OTHER: "a:1"}
    assert OTHER not in table.channels._closed
