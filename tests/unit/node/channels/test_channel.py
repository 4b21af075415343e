"""One channel: its exchange, what waits for it, and when it is tried again."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ccfpy.base import limits
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto.ec import Curve
from ccfpy.node.channels import Received
from ccfpy.node.channels.key_agreement import (
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
    decode,
)
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
