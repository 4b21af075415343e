"""A hostile host loses, delays, repeats, alters and redirects messages."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.ids import NodeId
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.node.channels import ChannelSettings, Received
from ccfpy.node.channels.key_agreement import (
    KeyExchangeInit,
    KeyExchangeResponse,
    decode,
)
from tests.attacks import attack
from tests.unit.node.channels.conftest import (
    APPEND,
    COMMAND,
    PROPOSE,
    Frame,
    Peer,
    deliver,
    establish,
)

RETRY = limits.CHANNEL_RETRY_MS


def _recorded(one: Peer, other: Peer) -> list[Frame]:
    """Establish a channel; return all messages that the host saw."""
    frames: list[Frame] = []

    def keep(frame: Frame) -> bool:
        frames.append(frame)
        return False

    one.channels.send_authenticated(other.id, PROPOSE)
    deliver(one, other, lose=keep)
    one.got.clear()
    other.got.clear()
    return frames


def _works(one: Peer, other: Peer) -> bool:
    """Send a message each way, and nothing but them; tell whether both arrive."""
    one.take()
    other.take()
    for sender, receiver in ((one, other), (other, one)):
        sender.channels.send_encrypted(receiver.id, COMMAND, b"still here")
        if receiver.hear(sender.one()) != Received(header=COMMAND, body=b"still here"):
            return False
    return True


# Messages


@attack("channel: a message again")
def test_a_replayed_message_is_refused(low: Peer, high: Peer) -> None:
    establish(low, high)
    low.channels.send_authenticated(high.id, PROPOSE)
    frame = low.one()
    assert high.hear(frame)
    assert high.hear(frame) is None
    assert high.log.fails == [f"<- {low.id} (ESTABLISHED): Failed to verify node"]
    assert _works(low, high)


@attack("channel: an older message after a newer one")
def test_messages_may_be_lost_and_may_not_be_reordered(low: Peer, high: Peer) -> None:
    establish(low, high)
    for _ in range(3):
        low.channels.send_encrypted(high.id, COMMAND, b"private")
    first, second, third = low.take()
    assert high.hear(second)
    assert high.hear(first) is None
    assert high.hear(third)
    assert high.log.fails == [
        f"<- {low.id} (ESTABLISHED): Failed to decrypt node message"
    ]


@attack("channel: a message sent back")
def test_a_message_sent_back_is_refused(low: Peer, high: Peer) -> None:
    establish(low, high)
    low.channels.send_authenticated(high.id, PROPOSE)
    frame = low.one()
    assert low.hear(replace(frame, sender=high.id, to=low.id)) is None
    assert high.hear(frame)


@attack("channel: a message for a third node")
def test_a_message_passed_to_a_third_node_is_refused(low: Peer, high: Peer) -> None:
    carol = Peer("carol")
    establish(low, high)
    establish(low, carol)
    establish(high, carol)
    low.channels.send_authenticated(high.id, PROPOSE)
    frame = low.one()
    assert carol.hear(frame) is None
    assert carol.hear(replace(frame, sender=high.id)) is None
    assert high.hear(replace(frame, sender=carol.id)) is None
    assert high.hear(frame)


@attack("channel: another kind of message")
@pytest.mark.parametrize("message", [PROPOSE, APPEND])
def test_a_message_of_consensus_is_none_of_forwarding(
    low: Peer, high: Peer, message: bytes
) -> None:
    establish(low, high)
    header = low.channels.seal_header(high.id, message)
    assert header is not None
    frame = Frame(low.id, high.id, PeerTraffic.FORWARDED, header)
    assert high.hear(frame) is None
    assert high.hear(replace(frame, kind=PeerTraffic.CONSENSUS))


@attack("channel: another kind of message")
def test_a_forwarded_message_is_none_of_consensus(low: Peer, high: Peer) -> None:
    establish(low, high)
    low.channels.send_encrypted(high.id, COMMAND, b"private" * 9)
    frame = low.one()
    assert high.hear(replace(frame, kind=PeerTraffic.CONSENSUS)) is None
    assert high.hear(replace(frame, kind=PeerTraffic.CHANNEL)) is None
    assert high.hear(frame)


@pytest.mark.slow
@attack("channel: a changed message")
@given(st.data())
def test_a_changed_message_is_refused_and_changes_nothing(data: st.DataObject) -> None:
    one, other = Peer("alice"), Peer("bob")
    establish(one, other)
    one.channels.send_encrypted(other.id, COMMAND, b"private")
    frame = one.one()
    changed = bytearray(frame.payload)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    assert other.hear(replace(frame, payload=bytes(changed))) is None
    assert other.hear(frame)
    assert _works(one, other)


# Steps of an exchange


def test_no_recorded_message_upsets_an_established_channel(
    low: Peer, high: Peer
) -> None:
    """Whatever is said again, the keys in use serve on, in both directions."""
    frames = _recorded(low, high)
    for frame in frames * 2:
        (low if frame.to == low.id else high).hear(frame)
        assert _works(low, high)


@attack("channel: a recorded init")
def test_an_init_replayed_for_ever_costs_answers_and_no_more(
    low: Peer, high: Peer
) -> None:
    first, *_ = _recorded(low, high)
    answers = set()
    for n in range(5):
        high.channels.tick(n * RETRY)
        high.hear(first)
        answers.add(high.one().payload)
        assert _works(low, high)
    assert len(answers) == 1


@attack("channel: a recorded init")
def test_an_init_recorded_in_an_earlier_exchange_is_answered_with_a_fresh_share(
    low: Peer, high: Peer
) -> None:
    """A key derived twice would have its nonces used twice."""
    first, answered, *_ = _recorded(low, high)
    high.hear(first)
    again = high.one()
    one, other = decode(answered.payload), decode(again.payload)
    assert isinstance(one, KeyExchangeResponse)
    assert isinstance(other, KeyExchangeResponse)
    assert one.share != other.share


@attack("channel: a recorded init")
def test_an_answer_to_a_replayed_init_establishes_nothing(
    low: Peer, high: Peer
) -> None:
    first, *_ = _recorded(low, high)
    high.hear(first)
    low.hear(high.one())
    assert low.log.fails == [
        (
            f"<- {high.id} (ESTABLISHED): Ignoring key exchange response - not "
            "expecting it"
        )
    ]
    assert _works(low, high)


@attack("channel: a recorded response")
def test_a_replayed_response_does_not_answer_a_new_exchange(
    low: Peer, high: Peer
) -> None:
    _, answered, *_ = _recorded(low, high)
    low.channels.tick(limits.CHANNEL_IDLE_MS)
    low.channels.send_authenticated(high.id, PROPOSE)
    low.hear(answered)
    assert low.log.fails == [
        f"<- {high.id} (INITIATED): ECDSA signature does not match"
    ]
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


@attack("channel: a recorded final")
def test_a_replayed_final_does_not_end_a_new_exchange(low: Peer, high: Peer) -> None:
    first, _, final, *_ = _recorded(low, high)
    high.hear(first)
    high.hear(final)
    assert high.log.fails == [
        f"<- {low.id} (WAITING_FOR_FINAL): ECDSA signature does not match"
    ]
    assert _works(low, high)
    high.hear(final)
    assert _works(low, high)


def test_a_final_that_nobody_waits_for_is_refused(low: Peer, high: Peer) -> None:
    *_, final, _ = _recorded(low, high)
    high.hear(final)
    assert high.log.fails == [
        (f"<- {low.id} (ESTABLISHED): Ignoring key exchange final - not expecting it")
    ]


def test_an_init_spoiling_an_exchange_does_so_for_two_seconds(
    low: Peer, high: Peer
) -> None:
    """Recorded from the higher id, it goes before what the lower has begun."""
    replayed, *_ = _recorded(high, low)
    for peer in (low, high):
        peer.channels.tick(limits.CHANNEL_IDLE_MS)
    low.channels.send_authenticated(high.id, PROPOSE)
    low.hear(replayed)
    deliver(low, high)
    assert not low.channels.is_established(high.id)
    for peer in (low, high):
        peer.channels.tick(limits.CHANNEL_IDLE_MS + RETRY)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_an_init_spoiling_the_end_of_a_renewal_is_made_good(
    low: Peer, high: Peer
) -> None:
    """One side has the new keys, and the other has lost its way to them."""
    replayed, *_ = _recorded(low, high)
    low.channels._channels[high.id]._try_exchange(0)
    high.hear(low.one())
    low.hear(high.one())
    low.take()  # the final is lost
    high.hear(replayed)
    high.take()
    for now in (0, RETRY):
        high.channels.tick(now)
        low.channels.send_authenticated(high.id, PROPOSE)
        deliver(low, high)
        assert not high.got
    assert _works(low, high)


def test_a_share_is_used_for_one_exchange(low: Peer, high: Peer) -> None:
    """Also when what a node began gives way to what the other did."""
    low.channels.send_authenticated(high.id, PROPOSE)
    high.channels.send_authenticated(low.id, PROPOSE)
    offered = decode(low.one().payload)
    low.hear(high.one())
    answered = decode(low.one().payload)
    assert isinstance(offered, KeyExchangeInit)
    assert isinstance(answered, KeyExchangeResponse)
    assert offered.share != answered.share


@attack("channel: a node's own init sent back")
def test_a_nodes_own_init_sent_back_is_refused(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    frame = low.one()
    low.hear(replace(frame, sender=high.id, to=low.id))
    assert not low.out
    assert f"is of node {low.id}, not of {high.id}" in low.log.fails[0]


@attack("channel: an exchange spliced to a third node")
def test_an_exchange_spliced_to_a_third_node_gives_no_common_key(
    low: Peer, high: Peer
) -> None:
    """An init says to nobody whom it is for; the derivation of keys does."""
    carol = Peer("carol")
    low.channels.send_authenticated(high.id, PROPOSE)
    carol.hear(low.one())
    answer = carol.one()
    low.hear(replace(answer, sender=high.id, to=low.id))
    assert not low.channels.is_established(high.id)
    low.channels.send_authenticated(high.id, PROPOSE)
    for frame in low.take():
        assert carol.hear(frame) is None
    assert not carol.channels.is_established(low.id)


@attack("channel: an exchange spliced to a third node")
def test_a_share_with_anothers_signature_is_refused(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    ours = decode(low.one().payload)
    carol = Peer("carol")
    carol.channels.send_authenticated(high.id, PROPOSE)
    theirs = decode(carol.one().payload)
    assert isinstance(ours, KeyExchangeInit)
    assert isinstance(theirs, KeyExchangeInit)
    forged = replace(ours, share=theirs.share).encode()
    high.hear(Frame(low.id, high.id, PeerTraffic.CHANNEL, forged))
    assert high.log.fails == [f"<- {low.id} (INACTIVE): ECDSA signature does not match"]
    assert not high.out
    assert not high.channels._channels


# Everything at once


@given(st.integers(-1, 4), st.binary(max_size=400))
def test_arbitrary_bytes_never_raise_and_never_break_a_channel(
    kind: int, payload: bytes
) -> None:
    one, other = _ESTABLISHED
    assert one.channels.receive(kind, other.id, payload) is None
    assert one.channels.receive(kind, NodeId("f" * 64), payload) is None
    assert _works(one, other)


@given(st.data())
def test_altered_steps_of_an_exchange_never_raise_and_never_break_a_channel(
    data: st.DataObject,
) -> None:
    one, other = _ESTABLISHED
    frame = data.draw(st.sampled_from(_HISTORY))
    payload = bytearray(frame.payload)
    at = data.draw(st.integers(0, len(payload) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "insert", "copy"])):
        case "flip":
            payload[at] ^= data.draw(st.integers(1, 255))
        case "cut":
            del payload[at : at + data.draw(st.integers(1, len(payload)))]
        case "insert":
            payload[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        case _:
            payload[at : at + 8] = b"\xff" * 8
    receiver, sender = (one, other) if data.draw(st.booleans()) else (other, one)
    kind = data.draw(st.sampled_from(PeerTraffic))
    receiver.channels.receive(kind, sender.id, bytes(payload))
    assert _works(one, other)


def _history() -> tuple[tuple[Peer, Peer], list[Frame]]:
    one, other = Peer("alice"), Peer("bob")
    return (one, other), _recorded(one, other)


_ESTABLISHED, _HISTORY = _history()


@dataclass(slots=True)
class HostileHost:
    """Does to what two nodes send whatever a seed says, and remembers all of it."""

    random: Random
    peers: tuple[Peer, Peer]
    seen: list[Frame] = field(default_factory=list)
    under_way: list[Frame] = field(default_factory=list)
    sent: int = 0
    now_ms: int = 0

    def step(self) -> None:
        for peer in self.peers:
            frames = peer.take()
            self.seen += frames
            self.under_way += frames
        match self.random.randrange(8):
            case 0:
                self.now_ms += self.random.choice([100, 500, RETRY])
                for peer in self.peers:
                    peer.channels.tick(self.now_ms)
            case 1 | 2:
                self.send(self.random.choice(self.peers))
            case 3 | 4 | 5 if self.under_way:
                at = self.random.choice([0, self.random.randrange(len(self.under_way))])
                self.give(self.under_way.pop(at))
            case 6 if self.seen:
                self.give(self.random.choice(self.seen))
            case 7 if self.under_way and self.random.random() < 0.5:
                self.under_way.pop(0)

    def send(self, peer: Peer) -> None:
        """Make it send zeros, whose ciphertext is the key stream itself."""
        self.sent += 1
        header = COMMAND[:8] + self.sent.to_bytes(17, "little")
        peer.channels.send_encrypted(self.other(peer).id, header, bytes(32))

    def other(self, peer: Peer) -> Peer:
        one, other = self.peers
        return other if peer is one else one

    def give(self, frame: Frame) -> None:
        one, other = self.peers
        (one if frame.to == one.id else other).hear(frame)

    def relent(self) -> None:
        """Carry everything in order from now on, long enough for two retries."""
        self.under_way.clear()
        for _ in range(12):
            self.now_ms += 500
            for peer in self.peers:
                peer.channels.tick(self.now_ms)
                self.send(peer)
            while any(peer.out for peer in self.peers):
                for peer in self.peers:
                    frames = peer.take()
                    self.seen += frames
                    for frame in frames:
                        self.give(frame)


@pytest.mark.slow
@attack("nonce: a host that plays with a channel")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_a_hostile_host_gets_no_nonce_repeated_and_no_message_reordered(
    seed: int,
) -> None:
    """And as soon as it relents, the nodes speak to each other again."""
    limit = ChannelSettings(message_limit=30)
    peers = Peer("alice", settings=limit), Peer("bob", settings=limit)
    host = HostileHost(Random(seed), peers)
    for _ in range(400):
        host.step()
    host.relent()
    streams = [
        frame.payload[-32:]
        for frame in host.seen
        if frame.kind is PeerTraffic.FORWARDED
    ]
    assert len(set(streams)) == len(streams)
    for peer in peers:
        numbers = [int.from_bytes(m.header[8:], "little") for m in peer.got]
        assert numbers == sorted(set(numbers))
        assert numbers[-1] >= host.sent - 1
