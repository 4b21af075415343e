"""New keys are agreed on while messages flow, and none is lost for it."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.node.channels import ChannelSettings, Received
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

LIMIT = 40
RETRY = limits.CHANNEL_RETRY_MS


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
