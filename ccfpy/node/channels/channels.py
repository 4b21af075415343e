"""All channels of a node: bytes to send, and verified bytes received.

The host names the sender of a frame; only the channel proves it. An unknown peer costs
no memory. A channel is made for a node that this node wants to send to, or for a peer
that proved its membership with a signed share and a certificate of the service. The
channel to a node is closed for good once the node's retirement is final, because the
node's certificate would still be valid.

`AddressBook` passes the addresses in ``nodes.info`` to the host, which connects but
need not know which nodes are trusted. A node is reachable as soon as it is trusted in
this node's ledger, committed or not, because the commit may need its vote. It is
dropped when its retirement is final. A pending node whose record was removed did not
retire: it may ask again and become trusted later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import ConfigurationRefused, Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, is_hex_id
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import ForgetPeer, SetPeer
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.hashing import sha256_hex
from ccfpy.node.channels import keys
from ccfpy.node.channels.channel import Channel, ChannelState
from ccfpy.node.channels.key_agreement import Credentials
from ccfpy.node.channels.keys import COUNT_BITS
from ccfpy.node.outbox import NodeLog, Outbox
from ccfpy.service.tables.nodes import INFO, NodeInfo

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.store import Store


MESSAGE_LIMIT_MIN = 2
"""One message, and then the one with which new keys are sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """What a node's configuration says of its channels.

    Attributes:
        message_limit: messages under one pair of keys, both directions together; new
            keys are sought from half of it (``node_to_node_message_limit``).
        idle_timeout_ms: after which unused keys are given up; None keeps them
            (``idle_connection_timeout``).
    """

    message_limit: int = limits.CHANNEL_MESSAGES_MAX
    idle_timeout_ms: int | None = limits.CHANNEL_IDLE_MS

    def __post_init__(self) -> None:
        """Check the limit.

        Raises:
            ConfigurationRefused: keys cannot be renewed by it, or not counted to it.
        """
        if not MESSAGE_LIMIT_MIN <= self.message_limit < 1 << COUNT_BITS:
            raise ConfigurationRefused(
                f"node_to_node_message_limit is {self.message_limit}; it must be at "
                f"least {MESSAGE_LIMIT_MIN} and less than 2^{COUNT_BITS}"
            )


@dataclass(slots=True, kw_only=True)
class Received:
    """A message that its channel bears out.

    Attributes:
        header: the struct that leads it: one message of consensus, or a forwarded
            message's header.
        body: what follows. Of a forwarded message its plaintext; behind an
            ``AppendEntries`` the ledger entries, which the channel does *not* protect:
            they protect themselves.
    """

    header: bytes
    body: bytes


class Channels:
    """Every channel of one node.

    Before `identify` nothing is sent or received. Only one step of a key exchange may
    wait for it: a primary sends to a node as soon as the node has joined, which may be
    before the node knows. Sending to a node begins its channel. Messages that are lost
    meanwhile are not sent again.
    """

    def __init__(
        self,
        *,
        key: KeyPair,
        entropy: Entropy,
        send: Callable[[NodeId, PeerTraffic, bytes], None],
        log: NodeLog,
        now_ms: int,
        settings: ChannelSettings | None = None,
    ) -> None:
        """Make them.

        Args:
            key: this node's own; its digest is the node's id.
            entropy: for shares and salts.
            send: hands a message to the host; it must not call back.
            log: for what CCF logs of channels.
            now_ms: the host's clock, as in `tick`.
            settings: CCF's defaults if not given.
        """
        self.node_id = NodeId(sha256_hex(key.public_key.der))
        self._key = key
        self._entropy = entropy
        self._send = send
        self._log = log
        self._settings = settings or ChannelSettings()
        self._credentials: Credentials | None = None
        self._channels: dict[NodeId, Channel] = {}
        self._closed: dict[NodeId, None] = {}
        self._early: tuple[NodeId, bytes] | None = None
        self._now_ms = now_ms

    # Who we are, and when

    def identify(
        self, *, service_certificate: Certificate, node_certificate: Certificate
    ) -> None:
        """Begin to speak as a node of a service, or go on with renewed certificates.

        Channels that are established stay so: a renewed certificate has the same key.

        Raises:
            VerificationFailed: the node's certificate is not the service's, or not for
                this node's key.
        """
        node_certificate.verify_signed_by(service_certificate)
        if node_certificate.public_key != self._key.public_key:
            raise VerificationFailed(f"{node_certificate} is not of {self.node_id}")
        if self._credentials is None:
            self._credentials = Credentials(
                node_id=self.node_id,
                key=self._key,
                node_certificate=node_certificate,
                service_certificate=service_certificate,
            )
        self._credentials.node_certificate = node_certificate
        self._credentials.service_certificate = service_certificate
        early, self._early = self._early, None
        if early is not None:
            self.receive(PeerTraffic.CHANNEL, *early)

    def tick(self, now_ms: int) -> None:
        """Advance the clock: try exchanges again, and close idle channels."""
        self._now_ms = now_ms
        for channel in self._channels.values():
            if self._is_idle(channel):
                if channel.state is not ChannelState.INACTIVE:
                    channel.close()
            else:
                channel.tick(now_ms)

    def _is_idle(self, channel: Channel) -> bool:
        timeout = self._settings.idle_timeout_ms
        return timeout is not None and self._now_ms - channel.used_at_ms >= timeout

    # Whom we speak to

    def is_established(self, node: NodeId) -> bool:
        """Return whether messages can be sent to ``node`` now."""
        channel = self._channels.get(node)
        return channel is not None and channel.is_established

    def close(self, node: NodeId) -> None:
        """End the channel to a node for good; nothing of its is accepted any more.

        For nodes whose retirement is final. Ids are not used twice.
        """
        channel = self._channels.pop(node, None)
        if channel is not None:
            channel.close()
        self._closed[node] = None
        if len(self._closed) > limits.CHANNELS_CLOSED_MAX:
            del self._closed[next(iter(self._closed))]

    # Sending

    def send_authenticated(self, to: NodeId, data: bytes) -> None:
        """Send a message of consensus that no entries follow.

        While there are no keys the newest waits for them, and older ones are lost.
        """
        channel = self._to(to)
        if channel is not None:
            channel.send_authenticated(data, self._now_ms)

    def seal_header(self, to: NodeId, data: bytes) -> bytes | None:
        """Protect an ``AppendEntries`` for the host to put entries behind.

        Returns:
            ``data`` and its GCM header; nothing while there are no keys. They are then
            being sought, and the message is the caller's to send again.
        """
        channel = self._to(to)
        return None if channel is None else channel.seal_header(data, self._now_ms)

    def send_encrypted(self, to: NodeId, header: bytes, plaintext: bytes) -> bool:
        """Send a forwarded message: ``header`` in the clear, both parts protected.

        Returns:
            False if it is lost: ``to`` is closed, or too many wait for its keys.
        """
        channel = self._to(to)
        return channel is not None and channel.send_encrypted(
            header, plaintext, self._now_ms
        )

    # Receiving

    def receive(self, kind: int, sender: NodeId, payload: bytes) -> Received | None:
        """Receive what the host says ``sender`` sent.

        It never raises, whatever the bytes, and what it refuses changes nothing.

        Args:
            kind: a `PeerTraffic` number.
            sender: whose id the frame names.
            payload: what followed in it.

        Returns:
            The message, if it is one of consensus or forwarding and is what the sender
            sealed. Nothing if it was a step of a key exchange, which is dealt with
            here, or refused, which is logged.
        """
        if self._credentials is None:
            is_step = kind == PeerTraffic.CHANNEL
            if is_step and len(payload) <= limits.CHANNEL_EARLY_BYTES_MAX:
                self._early = sender, payload
            return None
        if not is_hex_id(sender) or sender == self.node_id or sender in self._closed:
            self._log.fail(f"Refused a message from {sender[:64]}: not a node to hear")
            return None
        match kind:
            case PeerTraffic.CHANNEL:
                self._take_handshake(sender, payload)
                return None
            case PeerTraffic.CONSENSUS:
                return self._open(sender, PeerTraffic.CONSENSUS, payload)
            case PeerTraffic.FORWARDED:
                return self._open(sender, PeerTraffic.FORWARDED, payload)
            case _:
                self._log.fail(f"Unknown node message type: {kind}")
                return None

    def _take_handshake(self, sender: NodeId, payload: bytes) -> None:
        channel = self._channels.get(sender) or self._new(sender)
        channel.take_handshake(payload, self._now_ms)
        if channel.state is not ChannelState.INACTIVE:
            self._keep(channel)

    def _open(
        self, sender: NodeId, kind: PeerTraffic, payload: bytes
    ) -> Received | None:
        channel = self._channels.get(sender)
        if channel is None:
            self._log.info(
                f"Node channel with {sender} cannot receive message: not established "
                f"a receive key, status={ChannelState.INACTIVE}"
            )
            return None
        try:
            message = keys.split(kind, payload)
        except Malformed as error:
            self._log.fail(f"<- {sender} ({channel.state}): {error}")
            return None
        plaintext = channel.open(kind, message, self._now_ms)
        if plaintext is None:
            return None
        return Received(header=message.header, body=message.entries or plaintext)

    # Making channels

    def _to(self, node: NodeId) -> Channel | None:
        """Return the channel to a node that this node wants to reach."""
        assert self._credentials is not None, "a node without a service has no peers"
        assert node != self.node_id, "a node does not speak to itself"
        channel = self._channels.get(node)
        if channel is None and node not in self._closed:
            channel = self._new(node)
            self._keep(channel)
        return channel

    def _new(self, peer: NodeId) -> Channel:
        assert self._credentials is not None
        return Channel(
            peer,
            self._credentials,
            entropy=self._entropy,
            send=self._send,
            node_log=self._log,
            message_limit=self._settings.message_limit,
        )

    def _keep(self, channel: Channel) -> None:
        """Keep a channel, forgetting the one that was unused the longest if need be."""
        if channel.peer not in self._channels:
            if len(self._channels) >= limits.CHANNELS_MAX:
                idlest = min(self._channels.values(), key=lambda c: c.used_at_ms)
                del self._channels[idlest.peer]
            self._channels[channel.peer] = channel


@dataclass(eq=False)
class AddressBook:
    """The nodes that this one may have to speak to.

    Attributes:
        addresses: ``host:port`` by node, this one's own included.
    """

    own: "NodeId"
    channels: "Channels"
    outbox: "Outbox"

    def __post_init__(self) -> None:
        self.addresses: dict[NodeId, str] = {}
        self._since: dict[NodeId, Seqno] = {}

    def watch(self, store: "Store") -> None:
        """Follow the table from now on."""
        store.on_local(INFO.name, self._learn)
        store.on_global(INFO.name, self._let_go)

    def _learn(self, seqno: "Seqno", writes: "Writes") -> None:
        for node, info in INFO.decode_writes(writes).items():
            if info is None or info.status is NodeStatus.PENDING:
                continue
            address = info.node_to_node_interface.published_address
            if info.retired_committed or self.addresses.get(node) == address:
                continue
            if node not in self.addresses:
                self._since[node] = seqno
            self.addresses[node] = address
            if node != self.own:
                self.outbox.put(SetPeer(node=node, address=address))

    def _let_go(self, seqno: "Seqno", writes: "Writes") -> None:
        for node, info in INFO.decode_writes(writes).items():
            if node == self.own or not self._is_gone(node, info, seqno):
                continue
            self.channels.close(node)
            self._since.pop(node, None)
            if self.addresses.pop(node, None) is not None:
                self.outbox.put(ForgetPeer(node=node))

    def _is_gone(self, node: "NodeId", info: NodeInfo | None, seqno: "Seqno") -> bool:
        """Return whether a record that is now final says that a node has gone."""
        if info is not None:
            return info.retired_committed
        # It may have been entered again, and trusted, since.
        return node in self.addresses and self._since[node] <= seqno
