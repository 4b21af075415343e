"""The channel to one other node: its key exchange, its keys and its queue.

One rule decides the rest: *keys are put to use, and older keys dropped, only when the
peer has proved in this exchange that it takes part*. The initiator has the proof in the
response, whose signature covers a fresh share. The responder has it in the final
message, or in any message under the new keys. A replayed message can therefore make
this node compute and answer, but never changes a channel that works.

During an exchange a message may be encrypted under the current keys, under the new
keys, or under keys that this node has dropped and the peer still uses. Each pair of
keys counts its own messages.

The states have the names of ``src/node/channels.h``, as its log lines print them. A
state says which message of an exchange comes next. It does not say whether there are
keys: the keys of the earlier exchange are used until the next exchange is complete.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto.ec import PublicKey
from ccfpy.node.channels import key_agreement
from ccfpy.node.channels.key_agreement import (
    Credentials,
    KeyExchangeFinal,
    KeyExchangeInit,
    KeyExchangeResponse,
    Offer,
)
from ccfpy.node.channels.keys import Keys, Protected
from ccfpy.node.outbox import NodeLog


class ChannelState(StrEnum):
    """What this side of a channel waits for."""

    INACTIVE = "INACTIVE"
    """Nothing: no exchange was begun, or its keys were given up."""
    INITIATED = "INITIATED"
    """We asked; the response is awaited."""
    WAITING_FOR_FINAL = "WAITING_FOR_FINAL"
    """We were asked and responded; the final message is awaited."""
    ESTABLISHED = "ESTABLISHED"
    """Nothing: both sides have the keys of the last exchange."""


_S = ChannelState

MOVES: Mapping[ChannelState, frozenset[ChannelState]] = {
    _S.INACTIVE: frozenset({_S.INITIATED, _S.WAITING_FOR_FINAL}),
    _S.INITIATED: frozenset({_S.WAITING_FOR_FINAL, _S.ESTABLISHED, _S.INACTIVE}),
    _S.WAITING_FOR_FINAL: frozenset(
        {_S.WAITING_FOR_FINAL, _S.ESTABLISHED, _S.INACTIVE}
    ),
    _S.ESTABLISHED: frozenset({_S.WAITING_FOR_FINAL, _S.INACTIVE}),
}
"""Every legal move; what is not here is a bug of ours. What we begin, begins from
``INACTIVE``, also when it replaces an attempt or the keys of a long-used channel."""


def advance(state: ChannelState, to: ChannelState) -> ChannelState:
    """Return ``to`` if the table allows the move.

    Raises:
        AssertionError: it does not.
    """
    assert to in MOVES[state], f"a channel cannot move from {state} to {to}"
    return to


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderExchange:
    """An exchange that the peer began and has not yet proved to be its own.

    Attributes:
        began_with: the peer's message, by which a repeated one is known.
        response: what we said to it.
        share: our share.
        signer: the peer's key.
        keys: what was agreed on.
    """

    began_with: KeyExchangeInit
    response: bytes
    share: bytes
    signer: PublicKey
    keys: Keys


@dataclass(eq=False)
class Channel:
    """One node's end of a channel.

    Attributes:
        peer: the node at the other end.
        state: which message of an exchange is awaited.
        used_at_ms: when something was last sent or received, for the idle to be found.
    """

    peer: NodeId
    credentials: Credentials
    entropy: Entropy
    send: Callable[[NodeId, PeerTraffic, bytes], None]
    node_log: NodeLog
    message_limit: int

    def __post_init__(self) -> None:
        self.state = ChannelState.INACTIVE
        self.used_at_ms = 0
        self._renew_from = self.message_limit // 2
        self._began_at_ms = 0
        self._offer: Offer | None = None
        self._answer: ResponderExchange | None = None
        self._keys: Keys | None = None
        self._previous: Keys | None = None
        self._consensus: bytes | None = None
        self._forwarded: list[tuple[bytes, bytes]] = []

    @property
    def is_established(self) -> bool:
        """Whether messages can be sealed now."""
        return self._keys is not None

    # Sending

    def send_authenticated(self, data: bytes, now_ms: int) -> None:
        """Send a message of consensus, or keep the newest until there are keys."""
        header = self.seal_header(data, now_ms)
        if header is None:
            self._consensus = data
        else:
            self.send(self.peer, PeerTraffic.CONSENSUS, header)

    def seal_header(self, data: bytes, now_ms: int) -> bytes | None:
        """Return ``data`` and its GCM header, or nothing while there are no keys."""
        keys = self._usable_keys(now_ms)
        return None if keys is None else data + keys.seal(data)

    def send_encrypted(self, header: bytes, plaintext: bytes, now_ms: int) -> bool:
        """Send a forwarded message, or keep it until there are keys.

        Returns:
            False if too many wait already, and this one is lost.
        """
        keys = self._usable_keys(now_ms)
        if keys is not None:
            sealed = header + keys.seal(header, plaintext)
            self.send(self.peer, PeerTraffic.FORWARDED, sealed)
        elif len(self._forwarded) < limits.CHANNEL_FORWARDED_MAX:
            self._forwarded.append((header, plaintext))
        else:
            self.node_log.fail(
                f"-> {self.peer} ({self.state}): Unable to queue outgoing forwarding "
                f"message - already queued maximum {len(self._forwarded)} messages"
            )
            return False
        return True

    def _usable_keys(self, now_ms: int) -> Keys | None:
        """Return the keys in use, and begin to renew them if it is time."""
        self.used_at_ms = now_ms
        self._renew(now_ms)
        if self._keys is None:
            self._try_exchange(now_ms)
        return self._keys

    def _flush(self, now_ms: int) -> None:
        """Send what waited for keys."""
        consensus, forwarded = self._consensus, self._forwarded
        self._consensus, self._forwarded = None, []
        if consensus is not None:
            self.send_authenticated(consensus, now_ms)
        for header, plaintext in forwarded:
            self.send_encrypted(header, plaintext, now_ms)

    # Receiving

    def open(self, kind: PeerTraffic, message: Protected, now_ms: int) -> bytes | None:
        """Return the plaintext of a protected message, or nothing if it is refused."""
        self.used_at_ms = now_ms
        if self._keys is None and self._answer is None:
            how = "authenticated" if kind is PeerTraffic.CONSENSUS else "encrypted"
            self.node_log.info(
                f"Node channel with {self.peer} cannot receive {how} message: not "
                f"established a receive key, status={self.state}"
            )
            self._try_exchange(now_ms)
            return None
        plaintext = self._open(message, now_ms)
        if plaintext is not None:
            self._renew(now_ms)
            return plaintext
        self._refuse(
            "Failed to verify node"
            if kind is PeerTraffic.CONSENSUS
            else "Failed to decrypt node message"
        )
        if self.state is not ChannelState.ESTABLISHED:
            # Perhaps the peer has keys of an exchange that we have not the end of.
            self._try_exchange(now_ms)
        return None

    def _open(self, message: Protected, now_ms: int) -> bytes | None:
        """Open a message under whichever keys its sender had, and learn from it."""
        plaintext = _try_open(self._keys, message)
        if plaintext is not None:
            self._previous = None
            return plaintext
        if self._answer is not None:
            plaintext = _try_open(self._answer.keys, message)
            if plaintext is not None:
                self._confirm(self._answer, now_ms)
                return plaintext
        return _try_open(self._previous, message)

    # The exchange

    def take_handshake(self, payload: bytes, now_ms: int) -> None:
        """Take a step of the key exchange, or refuse it and stay as before."""
        self.used_at_ms = now_ms
        try:
            message = key_agreement.decode(payload)
            if isinstance(message, KeyExchangeInit):
                self._take_init(message, now_ms)
            elif isinstance(message, KeyExchangeResponse):
                self._take_response(message, now_ms)
            else:
                self._take_final(message, now_ms)
        except (Malformed, VerificationFailed) as error:
            self._refuse(str(error))

    def tick(self, now_ms: int) -> None:
        """Try again to get the keys that something waits for."""
        self._renew(now_ms)
        if self._keys is None and (self._consensus is not None or self._forwarded):
            self._try_exchange(now_ms)

    def close(self) -> None:
        """Drop the keys, the exchange and the messages that wait."""
        self._keys = self._previous = None
        self._consensus = None
        self._forwarded.clear()
        self._reset()

    def _renew(self, now_ms: int) -> None:
        """Ask for new keys when those in use have served half their time.

        At its end they are given up, whether or not there are others.
        """
        if self._keys is None or self._keys.used < self._renew_from:
            return
        if self._keys.used >= self.message_limit:
            self._keys = self._previous = None
        self._try_exchange(now_ms)

    def _try_exchange(self, now_ms: int) -> None:
        """Begin an exchange, unless one was begun so lately that it may yet end."""
        is_running = self._offer is not None or self._answer is not None
        if is_running and self._is_recent(now_ms):
            return
        self._reset()
        self.node_log.info(f"Initiating node channel with {self.peer}.")
        self._move(ChannelState.INITIATED, now_ms)
        self._offer = Offer(self.entropy)
        self._say(key_agreement.init(self.credentials, self._offer).encode())

    def _is_recent(self, now_ms: int) -> bool:
        """Return whether the exchange under way may still end by itself."""
        return now_ms - self._began_at_ms < limits.CHANNEL_RETRY_MS

    def _take_init(self, message: KeyExchangeInit, now_ms: int) -> None:
        """Answer, unless we asked as well: then the higher id's exchange goes on.

        Our own does not go before theirs for ever, though: it may have been lost.
        """
        answer = self._answer
        if answer is not None and message == answer.began_with:
            # Keys for it would be the same: counting anew would repeat their nonces.
            self._say(answer.response)
            return
        signer = self._signer(message)
        signer.verify(message.signature, message.share)
        own = self.credentials.node_id
        if self._offer is not None and own > self.peer and self._is_recent(now_ms):
            return
        offer = Offer(self.entropy, salt=message.salt)
        keys = offer.agree(message.share, own=own, peer=self.peer)
        response = key_agreement.respond(
            self.credentials, offer, message.share
        ).encode()
        self._offer = None
        self._answer = ResponderExchange(
            began_with=message,
            response=response,
            share=offer.share,
            signer=signer,
            keys=keys,
        )
        self._move(ChannelState.WAITING_FOR_FINAL, now_ms)
        self._say(response)

    def _take_response(self, message: KeyExchangeResponse, now_ms: int) -> None:
        offer = self._offer
        if offer is None:
            self._refuse("Ignoring key exchange response - not expecting it")
            return
        signer = self._signer(message)
        signer.verify(message.signature, message.share + offer.share)
        own = self.credentials.node_id
        keys = offer.agree(message.share, own=own, peer=self.peer)
        self._say(key_agreement.finish(self.credentials, message).encode())
        self._establish(keys, now_ms, previous=self._keys)

    def _take_final(self, message: KeyExchangeFinal, now_ms: int) -> None:
        answer = self._answer
        if answer is None:
            self._refuse("Ignoring key exchange final - not expecting it")
            return
        answer.signer.verify(message.signature, answer.share)
        self._confirm(answer, now_ms)

    def _confirm(self, answer: ResponderExchange, now_ms: int) -> None:
        self._establish(answer.keys, now_ms, previous=None)

    def _establish(self, keys: Keys, now_ms: int, *, previous: Keys | None) -> None:
        self._keys = keys
        self._previous = previous
        self._offer = self._answer = None
        self._move(ChannelState.ESTABLISHED, now_ms)
        self.node_log.info(f"Node channel with {self.peer} is now established.")
        self._flush(now_ms)

    def _signer(self, message: KeyExchangeInit | KeyExchangeResponse) -> PublicKey:
        try:
            return key_agreement.peer_key(
                message.certificate,
                peer=self.peer,
                service=self.credentials.service_certificate,
            )
        except (Malformed, VerificationFailed) as error:
            raise VerificationFailed(
                f"Peer certificate verification failed: {error}"
            ) from error

    def _reset(self) -> None:
        self._offer = self._answer = None
        if self.state is ChannelState.ESTABLISHED:
            self.node_log.info(f"Resetting channel with {self.peer}")
        if self.state is not ChannelState.INACTIVE:
            self.state = advance(self.state, ChannelState.INACTIVE)

    def _move(self, to: ChannelState, now_ms: int) -> None:
        self.state = advance(self.state, to)
        self._began_at_ms = now_ms

    def _say(self, message: bytes) -> None:
        self.send(self.peer, PeerTraffic.CHANNEL, message)

    def _refuse(self, reason: str) -> None:
        self.node_log.fail(f"<- {self.peer} ({self.state}): {reason}")


def _try_open(keys: Keys | None, message: Protected) -> bytes | None:
    if keys is None:
        return None
    try:
        return keys.open(message.header, message.sealed)
    except VerificationFailed:
        return None
