"""Two ends of one channel agree on keys, use them, and renew them."""

import itertools
from dataclasses import dataclass, field
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto.ec import Curve
from ccfpy.node.channels import ChannelSettings, Received
from ccfpy.node.channels.channel import MOVES, ChannelState, advance
from ccfpy.node.channels.key_agreement import (
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
    decode,
)
from ccfpy.node.channels.keys import Keys
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


def _kinds(frames: list[Frame]) -> list[str]:
    return [
        type(decode(frame.payload)).__name__
        if frame.kind is PeerTraffic.CHANNEL
        else frame.kind.name
        for frame in frames
    ]


def test_an_exchange_is_three_signed_messages(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    begun = low.one()
    init = decode(begun.payload)
    assert isinstance(init, KeyExchangeInit)
    assert high.hear(begun) is None
    answered = high.one()
    response = decode(answered.payload)
    assert isinstance(response, KeyExchangeResponse)
    assert low.hear(answered) is None
    ended, waiting = low.take()
    final = decode(ended.payload)
    assert isinstance(final, KeyExchangeFinal)
    ecdsa = ec.ECDSA(Curve.SECP384R1.hash)
    ours = low.key.public_key.library_key
    theirs = high.key.public_key.library_key
    ours.verify(init.signature, init.share, ecdsa)
    theirs.verify(response.signature, response.share + init.share, ecdsa)
    ours.verify(final.signature, response.share, ecdsa)
    assert low.channels.is_established(high.id)
    assert not high.channels.is_established(low.id)
    high.hear(ended)
    assert high.channels.is_established(low.id)
    assert high.hear(waiting) == Received(header=PROPOSE, body=b"")
    assert not low.log.fails
    assert not high.log.fails


def test_the_log_says_what_ccfs_says(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    deliver(low, high)
    assert low.log.infos == [
        f"Initiating node channel with {high.id}.",
        f"Node channel with {high.id} is now established.",
    ]
    assert high.log.infos == [f"Node channel with {low.id} is now established."]


def test_a_whole_exchange_repeats_from_its_seeds() -> None:
    def run() -> list[Frame]:
        one, other = Peer("alice"), Peer("bob")
        frames: list[Frame] = []

        def keep(frame: Frame) -> bool:
            frames.append(frame)
            return False

        one.channels.send_authenticated(other.id, PROPOSE)
        one.channels.send_encrypted(other.id, COMMAND, b"private")
        deliver(one, other, lose=keep)
        return frames

    first = run()
    assert _kinds(first) == [
        "KeyExchangeInit",
        "KeyExchangeResponse",
        "KeyExchangeFinal",
        "CONSENSUS",
        "FORWARDED",
    ]
    assert run() == first


@pytest.mark.parametrize("curves", [("384", "256"), ("256", "384"), ("256", "256")])
def test_nodes_may_have_keys_of_either_curve(curves: tuple[str, str]) -> None:
    of = {"384": Curve.SECP384R1, "256": Curve.SECP256R1}
    establish(Peer("alice", curve=of[curves[0]]), Peer("bob", curve=of[curves[1]]))


# What waits


def test_the_newest_message_of_consensus_waits(low: Peer, high: Peer) -> None:
    messages = [PROPOSE[:8] + view.to_bytes(8, "little") for view in range(5)]
    for message in messages:
        low.channels.send_authenticated(high.id, message)
    deliver(low, high)
    assert high.got == [Received(header=messages[-1], body=b"")]


def test_ten_forwarded_messages_wait_and_the_eleventh_is_lost(
    low: Peer, high: Peer
) -> None:
    sent = [
        low.channels.send_encrypted(high.id, COMMAND, b"command %d" % n)
        for n in range(limits.CHANNEL_FORWARDED_MAX + 1)
    ]
    assert sent == [True] * limits.CHANNEL_FORWARDED_MAX + [False]
    assert low.log.fails == [
        (
            f"-> {high.id} (INITIATED): Unable to queue outgoing forwarding message - "
            "already queued maximum 10 messages"
        )
    ]
    deliver(low, high)
    assert [m.body for m in high.got] == [b"command %d" % n for n in range(10)]


def test_entries_do_not_wait_but_begin_the_exchange(low: Peer, high: Peer) -> None:
    assert low.channels.seal_header(high.id, APPEND) is None
    assert _kinds(low.take()) == ["KeyExchangeInit"]
    assert low.channels.seal_header(high.id, APPEND) is None
    assert not low.out


def test_the_answering_node_sends_nothing_sealed_before_the_final(
    low: Peer, high: Peer
) -> None:
    """A recorded init must not have it seal what nobody reads."""
    low.channels.send_authenticated(high.id, PROPOSE)
    high.hear(low.one())
    high.channels.send_encrypted(low.id, COMMAND, b"private")
    assert _kinds(list(high.out)) == ["KeyExchangeResponse"]
    deliver(low, high)
    assert low.got == [Received(header=COMMAND, body=b"private")]


# Both begin


def test_when_both_begin_the_exchange_of_the_higher_id_goes_on(
    low: Peer, high: Peer
) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    high.channels.send_authenticated(low.id, PROPOSE)
    from_low, from_high = low.one(), high.one()
    high.hear(from_low)
    assert not high.out
    low.hear(from_high)
    assert _kinds(list(low.out)) == ["KeyExchangeResponse"]
    deliver(low, high)
    assert low.got == high.got == [Received(header=PROPOSE, body=b"")]
    assert not low.log.fails
    assert not high.log.fails


def test_the_lower_ids_exchange_goes_on_if_the_higher_had_not_begun(
    low: Peer, high: Peer
) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    high.hear(low.one())
    high.channels.send_authenticated(low.id, PROPOSE)
    assert _kinds(list(high.out)) == ["KeyExchangeResponse"]
    deliver(low, high)
    assert low.got == high.got == [Received(header=PROPOSE, body=b"")]


def test_the_lower_ids_exchange_goes_on_once_the_highers_is_old(
    low: Peer, high: Peer
) -> None:
    """Nothing waits at the higher, so that it does not try again by itself."""
    establish(low, high)
    _tick(limits.CHANNEL_IDLE_MS, low, high)
    high.hear(Frame(low.id, high.id, PeerTraffic.CONSENSUS, PROPOSE + bytes(24)))
    assert _kinds(high.take()) == ["KeyExchangeInit"]
    low.channels.send_authenticated(high.id, PROPOSE)
    deliver(low, high)
    assert not high.got
    _tick(limits.CHANNEL_IDLE_MS + RETRY, low, high)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


# Trying again


def test_a_lost_init_is_sent_again_after_two_seconds(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    lost = low.one()
    _tick(RETRY - 1, low, high)
    low.channels.send_authenticated(high.id, PROPOSE)
    assert not low.out
    _tick(RETRY, low, high)
    again = low.one()
    assert again.payload != lost.payload
    high.hear(again)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_an_answer_to_an_attempt_given_up_is_refused(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    first = low.one()
    _tick(RETRY, low, high)
    second = low.one()
    high.hear(first)
    low.hear(high.one())
    assert low.log.fails == [
        f"<- {high.id} (INITIATED): ECDSA signature does not match"
    ]
    high.hear(second)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_a_lost_response_is_made_good(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    deliver(low, high, lose=lambda frame: frame.sender == high.id)
    _tick(RETRY, low, high)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_a_lost_final_is_made_good_by_the_next_message(low: Peer, high: Peer) -> None:
    low.channels.send_authenticated(high.id, PROPOSE)
    high.channels.send_encrypted(low.id, COMMAND, b"waiting")
    low.take()
    high.take()
    _tick(RETRY, low, high)
    high_init = high.one()
    low.take()
    low.hear(high_init)
    high.hear(low.one())
    final, *rest = high.take()
    assert _kinds([final, *rest]) == ["KeyExchangeFinal", "FORWARDED"]
    low.hear(rest[0])
    assert low.got == [Received(header=COMMAND, body=b"waiting")]
    assert low.channels.is_established(high.id)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_an_init_said_twice_is_answered_with_the_same_words(
    low: Peer, high: Peer
) -> None:
    """Other keys would lose the exchange; the same ones counted anew, their nonces."""
    low.channels.send_authenticated(high.id, PROPOSE)
    begun = low.one()
    high.hear(begun)
    answered = high.one()
    high.hear(begun)
    assert high.one() == answered
    low.hear(answered)
    deliver(low, high)
    assert high.got == [Received(header=PROPOSE, body=b"")]


def test_messages_without_keys_ask_for_an_exchange(low: Peer, high: Peer) -> None:
    """As when this side was idle and the other was not."""
    establish(low, high)
    low.channels.tick(limits.CHANNEL_IDLE_MS)
    high.channels.tick(limits.CHANNEL_IDLE_MS - 1)
    assert not low.channels.is_established(high.id)
    high.channels.send_authenticated(low.id, PROPOSE)
    deliver(low, high)
    assert not low.got
    assert low.log.infos[1:3] == [
        (
            f"Node channel with {high.id} cannot receive authenticated message: not "
            "established a receive key, status=INACTIVE"
        ),
        f"Initiating node channel with {high.id}.",
    ]
    high.channels.send_authenticated(low.id, PROPOSE)
    deliver(low, high)
    assert low.got == [Received(header=PROPOSE, body=b"")]


def _tick(now_ms: int, *peers: Peer) -> None:
    for peer in peers:
        peer.channels.tick(now_ms)


PAIRS = list(itertools.product(ChannelState, ChannelState))


@pytest.mark.parametrize(("state", "to"), PAIRS)
def test_a_channel_makes_the_tables_moves_and_no_other(
    state: ChannelState, to: ChannelState
) -> None:
    if to in MOVES[state]:
        assert advance(state, to) is to
    else:
        with pytest.raises(AssertionError, match="cannot move"):
            advance(state, to)


def test_a_channel_is_established_only_by_an_exchange() -> None:
    before = {state for state in MOVES if ChannelState.ESTABLISHED in MOVES[state]}
    assert before == {ChannelState.INITIATED, ChannelState.WAITING_FOR_FINAL}


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(ChannelState)


LIMIT = 40


def _pair(limit: int = LIMIT) -> tuple[Peer, Peer]:
    """Return two nodes with a channel, the lower id first."""
    one, other = (
        Peer(name, settings=ChannelSettings(message_limit=limit))
        for name in ("alice", "bob")
    )
    low, high = sorted((one, other), key=lambda peer: peer.id)
    establish(low, high)
    return low, high


def _keys(peer: Peer, other: Peer) -> Keys:
    keys = peer.channels._channels[other.id]._keys
    assert keys is not None
    return keys


def _use(low: Peer, high: Peer, used: int) -> None:
    """Count that so many messages were sent from ``low`` and arrived."""
    _keys(low, high).sent = used
    _keys(high, low).received = used


def _is_handshake(frame: Frame) -> bool:
    return frame.kind is PeerTraffic.CHANNEL


@pytest.mark.parametrize("limit", [LIMIT, limits.CHANNEL_MESSAGES_MAX])
def test_new_keys_are_sought_from_half_of_the_limit(limit: int) -> None:
    low, high = _pair(limit)
    _use(low, high, limit // 2 - 1)
    low.channels.send_authenticated(high.id, PROPOSE)
    assert not any(map(_is_handshake, low.out))
    low.channels.send_authenticated(high.id, PROPOSE)
    assert list(map(_is_handshake, low.out)) == [False, True, False]
    deliver(low, high)
    assert len(high.got) == 2
    assert _keys(low, high).used == _keys(high, low).used == 0


@attack("channel: one key for more messages than it may seal")
@pytest.mark.parametrize("limit", [LIMIT, limits.CHANNEL_MESSAGES_MAX])
def test_no_more_messages_than_the_limit_are_sealed_under_one_key(limit: int) -> None:
    """The exchange's own messages are lost here."""
    low, high = _pair(limit)
    _use(low, high, limit - 3)
    for _ in range(9):
        low.channels.send_authenticated(high.id, PROPOSE)
    sealed = [frame for frame in low.out if not _is_handshake(frame)]
    counts = [int.from_bytes(f.payload[-7:], "little") for f in sealed]
    assert counts == [limit - 2, limit - 1, limit]
    assert not low.channels.is_established(high.id)
    assert low.channels.seal_header(high.id, APPEND) is None


def test_the_node_that_received_the_last_message_gives_its_keys_up_too() -> None:
    low, high = _pair()
    _use(low, high, LIMIT - 1)
    header = low.channels.seal_header(high.id, APPEND)
    assert header is not None
    low.take()
    assert high.hear(Frame(low.id, high.id, PeerTraffic.CONSENSUS, header))
    assert not high.channels.is_established(low.id)


@attack("channel: one key for more messages than it may seal")
def test_at_the_limit_messages_wait_for_new_keys() -> None:
    low, high = _pair()
    _use(low, high, LIMIT)
    assert low.channels.send_encrypted(high.id, COMMAND, b"waiting")
    assert all(map(_is_handshake, low.out))
    deliver(low, high)
    assert high.got == [Received(header=COMMAND, body=b"waiting")]


def test_the_old_keys_serve_while_the_exchange_is_on_its_way() -> None:
    low, high = _pair()
    _use(low, high, LIMIT // 2)
    held: list[Frame] = []

    def hold(frame: Frame) -> bool:
        if _is_handshake(frame):
            held.append(frame)
        return _is_handshake(frame)

    for _ in range(4):
        low.channels.send_authenticated(high.id, PROPOSE)
        high.channels.send_authenticated(low.id, PROPOSE)
        deliver(low, high, lose=hold)
    assert len(low.got) == len(high.got) == 4
    assert len(held) == 2  # each side asked, and neither heard it yet
    for step in range(1, 4):
        frames, held = held, []
        for frame in frames:
            (low if frame.to == low.id else high).hear(frame)
        low.channels.send_authenticated(high.id, PROPOSE)
        high.channels.send_authenticated(low.id, PROPOSE)
        deliver(low, high, lose=hold)
        assert len(low.got) == 4 + step
    assert not held
    assert len(high.got) >= 6
    assert _keys(low, high).used < 4


def test_a_lost_renewal_is_tried_again_after_two_seconds() -> None:
    low, high = _pair()
    _use(low, high, LIMIT // 2)
    low.channels.send_authenticated(high.id, PROPOSE)
    low.take()
    for now in (RETRY - 1, RETRY):
        low.channels.tick(now)
        assert len(low.out) == (now == RETRY)
    deliver(low, high)
    assert _keys(low, high).used == 0


def test_when_both_come_to_the_half_at_once_one_exchange_goes_on() -> None:
    low, high = _pair()
    _use(low, high, LIMIT // 2)
    low.channels.send_authenticated(high.id, PROPOSE)
    high.channels.send_authenticated(low.id, PROPOSE)
    deliver(low, high)
    assert len(low.got) == len(high.got) == 1
    assert not low.log.fails
    assert not high.log.fails
    assert _keys(low, high).used == _keys(high, low).used == 0


@dataclass(slots=True)
class Line:
    """One direction of a connection: in order, and slow."""

    to: Peer
    frames: list[Frame] = field(default_factory=list)


@pytest.mark.slow
@attack("channel: new keys while messages flow")
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_under_traffic_with_delays_no_message_is_lost(seed: int) -> None:
    random = Random(seed)
    low, high = _pair(100)  # so that no delay lasts from the half to the limit
    lines = {low: Line(high), high: Line(low)}
    sent: dict[Peer, list[bytes]] = {low: [], high: []}
    for n in range(500):
        peer = random.choice([low, high])
        line = lines[peer]
        if len(line.frames) < 5 and random.random() < 0.6:
            body = b"%d" % n
            assert peer.channels.send_encrypted(line.to.id, COMMAND, body)
            sent[peer].append(body)
        line.frames += peer.take()
        for _ in range(random.randrange(len(line.frames) + 1)):
            line.to.hear(line.frames.pop(0))
    deliver_lines(lines)
    for peer, line in lines.items():
        assert [m.body for m in line.to.got] == sent[peer]
    assert not low.log.fails
    assert not high.log.fails
    assert len(low.log.infos + high.log.infos) > 6  # keys were renewed several times


def deliver_lines(lines: dict[Peer, Line]) -> None:
    """Carry what is under way until nothing is."""
    while any(line.frames or peer.out for peer, line in lines.items()):
        for peer, line in lines.items():
            line.frames += peer.take()
            while line.frames:
                line.to.hear(line.frames.pop(0))
