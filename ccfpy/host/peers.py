"""Connections between nodes: what the enclave has for other nodes, and what they send.

Each node opens its own connection to each node whose address it knows, and sends over
this connection alone: if both connections were used, a network that is cut in one
direction would still pass messages in that direction. A node that has just joined may
not know a peer's address. Then it answers over the newest connection that the peer
opened. Both kinds of connection are read. The sender that a frame names is only a
claim: channels inside the enclave prove it, and a false claim gains only lost messages.

Nothing is certain to arrive. A message waits for a connection as long as one may take
to come about, and is lost if its node cannot be reached by then or lets too much pile
up; consensus sends again what matters.

When the enclave does not keep up, clients are no longer read. Other nodes still are, up
to a bound of their own: were they held up with the clients, a busy primary would miss
its backups' answers, and the backups would elect another just when load is highest.

How messages between nodes are framed on their TCP connections.

A frame is a ``u32`` of the bytes that follow, the kind of message as a ``u64``, the
sender's id as a string, and the message to the frame's end
(``src/host/node_connections.h``). After bytes that are not a frame the receiver cannot
find the next frame, so the connection ends.
"""

import asyncio
import struct
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import NodeId, is_hex_id
from ccfpy.base.limits import (
    PEER_BACKLOG_BYTES_MAX,
    PEER_FRAME_BYTES_MAX,
    PEER_RETRY_MS_MAX,
    PEER_RETRY_MS_MIN,
    PEERS_CONGESTED_BYTES_MAX,
    PEERS_INCOMING_MAX,
    PEERS_PARTIAL_BYTES_MAX,
)
from ccfpy.boundary.events import Event, PeerMessage
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.host.connecting import (
    Address,
    ConnectFailed,
    begin,
    connect,
    set_reading,
    soon,
    tune,
)
from ccfpy.host.log import Journal

SIZE_BYTES = 4
SENDER_BYTES = 64
HEADER_BYTES = 8 + 8 + SENDER_BYTES
"""Of a frame, its size not counted: kind, the sender's length, the sender."""

_HEAD = struct.Struct(f"<IQQ{SENDER_BYTES}s")
_KINDS = frozenset(PeerTraffic)


def frame_head(kind: int, sender: NodeId, payload_bytes: int) -> bytes:
    """Write what comes before a message of ``payload_bytes``."""
    size = HEADER_BYTES + payload_bytes
    return _HEAD.pack(size, kind, SENDER_BYTES, sender.encode())


def fits_a_frame(payload_bytes: int) -> bool:
    """Return whether a message of this size may be sent."""
    return HEADER_BYTES + payload_bytes <= PEER_FRAME_BYTES_MAX


class PeerFrames:
    """Cuts the bytes of one connection into messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    @property
    def held_bytes(self) -> int:
        """Bytes of a frame whose end has not come yet."""
        return len(self._held)

    def feed(self, data: bytes) -> list[PeerMessage]:
        """Add bytes and return the messages that they complete.

        Raises:
            Malformed: no node of a service sends that.
        """
        held = self._held
        held += data
        messages: list[PeerMessage] = []
        at, end = 0, len(held)
        while end - at >= SIZE_BYTES:
            size = int.from_bytes(held[at : at + SIZE_BYTES], "little")
            if not HEADER_BYTES <= size <= PEER_FRAME_BYTES_MAX:
                raise Malformed(f"a frame between nodes of {size} bytes")
            following = at + SIZE_BYTES + size
            if end - at >= _HEAD.size:
                kind, sender = _read_head(held, at)
                if following <= end:
                    payload = bytes(held[at + _HEAD.size : following])
                    messages.append(
                        PeerMessage(kind=kind, sender=sender, payload=payload)
                    )
            if following > end:
                break
            at = following
        del held[:at]
        return messages


def _read_head(held: bytearray, at: int) -> tuple[int, NodeId]:
    """Read kind and sender; nothing is kept for a head that is wrong."""
    _, kind, length, raw = _HEAD.unpack_from(held, at)
    sender = raw.decode("latin-1")
    if length != SENDER_BYTES or not is_hex_id(sender):
        raise Malformed("a frame between nodes whose sender is no node's id")
    if kind not in _KINDS:
        raise Malformed(f"a frame between nodes of the unknown kind {kind}")
    return kind, NodeId(sender)


_SOURCE = "peers"


class PeerConnection(asyncio.Protocol):
    """One connection with another node, opened by either.

    Attributes:
        node: the node at the other end: known if this node opened the connection,
            otherwise claimed by the first frame.
        is_outgoing: this node opened it.
    """

    __slots__ = ("_peers", "frames", "is_outgoing", "node", "transport")

    def __init__(self, peers: "Peers", node: NodeId | None = None) -> None:
        self._peers = peers
        self.node = node
        self.is_outgoing = node is not None
        self.frames = PeerFrames()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._peers.opened(self)

    def data_received(self, data: bytes) -> None:
        """Pass on the messages that these bytes complete."""
        self._peers.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop the connection."""
        del exc
        self._peers.closed(self)

    def write(self, frame: bytes) -> bool:
        """Send a frame; tell whether it was taken."""
        transport = self.transport
        assert transport is not None, "only a connection that is there is written to"
        if transport.get_write_buffer_size() + len(frame) > PEER_BACKLOG_BYTES_MAX:
            return False
        transport.write(frame)
        return True


class PeerCounts(NamedTuple):
    """The traffic with another node.

    Attributes:
        is_connected: this node has a connection that it opened.
        sent: bytes of the messages that were given to a connection.
        received: bytes that came from a sender that claims to be the other node.
    """

    is_connected: bool
    sent: int
    received: int


class _Peer:
    """What is known of a node that this one may connect to."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.attempt: asyncio.Task[None] | None = None
        self.connection: PeerConnection | None = None
        self.waiting: deque[tuple[float, bytes]] = deque()
        self.waiting_bytes = 0
        self.retry_at = 0.0
        self.retry_s = PEER_RETRY_MS_MIN / 1000
        self.has_failed = False
        self.is_lossy = False
        self.sent_bytes = 0
        self.received_bytes = 0

    def keep(self, frame: bytes, now_s: float) -> bool:
        """Keep a frame until there is a connection; tell whether there was room."""
        if self.waiting_bytes + len(frame) > PEER_BACKLOG_BYTES_MAX:
            return False
        self.waiting.append((now_s, frame))
        self.waiting_bytes += len(frame)
        return True

    def forget_older(self, than_s: float) -> None:
        """Lose the frames that have waited since before ``than_s``."""
        while self.waiting and self.waiting[0][0] < than_s:
            _, frame = self.waiting.popleft()
            self.waiting_bytes -= len(frame)

    def write(self, frame: bytes) -> bool:
        """Send a frame; tell whether it was taken."""
        assert self.connection is not None, "there is a connection"
        was_taken = self.connection.write(frame)
        if was_taken:
            self.sent_bytes += len(frame)
        return was_taken

    def take_waiting(self) -> list[bytes]:
        """Return the frames that were kept."""
        frames = [frame for _, frame in self.waiting]
        self.waiting.clear()
        self.waiting_bytes = 0
        return frames


class Peers:
    """All connections of a node with others."""

    def __init__(
        self,
        post: Callable[[Event], None],
        *,
        journal: Journal,
        timeout_s: float,
        source: Address | None = None,
    ) -> None:
        self._post = post
        self._journal = journal
        self._timeout_s = timeout_s
        self._source = source
        self._own_id: NodeId | None = None
        self._book: dict[NodeId, _Peer] = {}
        self._incoming: OrderedDict[PeerConnection, None] = OrderedDict()
        self._answering: dict[NodeId, PeerConnection] = {}
        self._outgoing: set[PeerConnection] = set()
        self._partial_bytes = 0
        self._is_congested = False
        self._congested_bytes = 0

    def __len__(self) -> int:
        """Count the connections."""
        return len(self._incoming) + len(self._outgoing)

    @property
    def is_alone(self) -> bool:
        """Whether there is no other node to speak with."""
        return not self._book and not self._incoming and not self._outgoing

    def name_self(self, node: NodeId) -> None:
        """Set this node's own id, with which every frame begins."""
        self._own_id = node

    def accept(self) -> PeerConnection:
        """Return the protocol for a connection that another node opens."""
        return PeerConnection(self)

    def set_peer(self, node: NodeId, address: str) -> None:
        """Learn, or learn anew, where another node is."""
        known = self._book.get(node)
        if known is not None:
            if known.address == address:
                return
            self._leave(known)
        self._book[node] = _Peer(address)

    def forget_peer(self, node: NodeId) -> None:
        """Connect to another node no more."""
        peer = self._book.pop(node, None)
        if peer is not None:
            self._leave(peer)

    def send(self, to: NodeId, kind: int, payload: bytes) -> None:
        """Send a message to another node, or lose it."""
        if self._own_id is None:
            return
        if not fits_a_frame(len(payload)):
            self._journal.fail(
                f"Dropping a message of {len(payload)} bytes to node {to}: too large",
                file=_SOURCE,
            )
            return
        frame = frame_head(kind, self._own_id, len(payload)) + payload
        peer = self._book.get(to)
        if peer is None:
            answering = self._answering.get(to)
            if answering is not None:
                answering.write(frame)
        elif peer.connection is not None:
            self._note_loss(peer, to, was_taken=peer.write(frame))
        else:
            now_s = asyncio.get_running_loop().time()
            self._note_loss(peer, to, was_taken=peer.keep(frame, now_s))
            self._begin_to_connect(peer, to)

    def traffic(self) -> Mapping[NodeId, PeerCounts]:
        """Return the traffic with each node that this node may connect to."""
        return {
            node: PeerCounts(
                peer.connection is not None, peer.sent_bytes, peer.received_bytes
            )
            for node, peer in self._book.items()
        }

    def set_congested(self, *, is_congested: bool) -> None:
        """Set whether the enclave keeps up."""
        self._is_congested = is_congested
        if not is_congested:
            self._congested_bytes = 0
            for connection in [*self._incoming, *self._outgoing]:
                set_reading(connection.transport, is_reading=True)

    def close_all(self) -> None:
        """End every connection once what was sent has left; open no more."""
        for node in list(self._book):
            self.forget_peer(node)
        for connection in list(self._incoming):
            _close(connection)

    def abort_all(self) -> None:
        """End every connection now."""
        self.close_all()
        for connection in [*self._incoming, *self._outgoing]:
            if connection.transport is not None:
                connection.transport.abort()

    def opened(self, connection: PeerConnection) -> None:
        """Add a connection that was opened."""
        assert connection.transport is not None, "it has just connected"
        tune(connection.transport, timeout_s=self._timeout_s)
        connection.transport.set_write_buffer_limits(high=PEER_BACKLOG_BYTES_MAX)
        if connection.is_outgoing:
            self._outgoing.add(connection)
        else:
            if len(self._incoming) >= PEERS_INCOMING_MAX:
                # The connection that was silent longest ends: nodes send all the time.
                self._drop(next(iter(self._incoming)))
            self._incoming[connection] = None
        if self._is_holding_up:
            soon(
                lambda: set_reading(
                    connection.transport, is_reading=not self._is_holding_up
                )
            )

    def received(self, connection: PeerConnection, data: bytes) -> None:
        """Pass on what another node sent."""
        before = connection.frames.held_bytes
        try:
            messages = connection.frames.feed(data)
        except Malformed as error:
            self._partial_bytes -= before
            connection.frames = PeerFrames()
            self._journal.debug(
                f"Closing a connection with node {connection.node}: {error}",
                file=_SOURCE,
            )
            self._drop(connection)
            return
        self._partial_bytes += connection.frames.held_bytes - before
        if messages and not connection.is_outgoing:
            self._heard(connection, messages[-1].sender)
        known = None if connection.node is None else self._book.get(connection.node)
        if known is not None:
            known.received_bytes += len(data)
        for message in messages:
            self._post(message)
        if self._partial_bytes > PEERS_PARTIAL_BYTES_MAX:
            self._journal.debug(
                f"Closing a connection with node {connection.node}: too many messages "
                "have begun and not ended",
                file=_SOURCE,
            )
            self._drop(connection)
        elif self._is_congested:
            self._hold_up(len(data))

    def closed(self, connection: PeerConnection) -> None:
        """Forget a connection that ended."""
        self._partial_bytes -= connection.frames.held_bytes
        connection.frames = PeerFrames()
        self._outgoing.discard(connection)
        self._incoming.pop(connection, None)
        node = connection.node
        if node is None:
            return
        if self._answering.get(node) is connection:
            del self._answering[node]
        peer = self._book.get(node)
        if peer is not None and peer.connection is connection:
            peer.connection = None
            peer.retry_at = asyncio.get_running_loop().time() + peer.retry_s
            self._journal.info(f"Lost the connection with node {node}", file=_SOURCE)

    @property
    def _is_holding_up(self) -> bool:
        return self._is_congested and self._congested_bytes > PEERS_CONGESTED_BYTES_MAX

    def _hold_up(self, more: int) -> None:
        """Count what nodes send while the enclave does not keep up, to its bound."""
        was_holding_up = self._is_holding_up
        self._congested_bytes += more
        if self._is_holding_up and not was_holding_up:
            for connection in [*self._incoming, *self._outgoing]:
                set_reading(connection.transport, is_reading=False)

    def _heard(self, connection: PeerConnection, sender: NodeId) -> None:
        """Answer ``sender`` by the connection on which it was heard last."""
        if connection not in self._incoming:
            return
        self._incoming.move_to_end(connection)
        if connection.node != sender:
            old = connection.node
            if old is not None and self._answering.get(old) is connection:
                del self._answering[old]
            connection.node = sender
        self._answering[sender] = connection

    def _drop(self, connection: PeerConnection) -> None:
        self._incoming.pop(connection, None)
        if connection.transport is not None:
            connection.transport.abort()

    def _leave(self, peer: _Peer) -> None:
        if peer.attempt is not None:
            peer.attempt.cancel()
        if peer.connection is not None:
            _close(peer.connection)
            peer.connection = None

    def _begin_to_connect(self, peer: _Peer, node: NodeId) -> None:
        if peer.attempt is None:
            peer.attempt = begin(self._connect(peer, node))

    async def _connect(self, peer: _Peer, node: NodeId) -> None:
        """Connect, not sooner after a failure than its back-off says.

        A caller that drops a new connection must forget it too: uvloop, unlike the
        standard loop, does not report that it has ended.
        """
        wait_s = peer.retry_at - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        connection = PeerConnection(self, node)
        try:
            await connect(
                lambda: connection,
                peer.address,
                timeout_s=self._timeout_s,
                source=self._source,
            )
        except ConnectFailed as failure:
            self.closed(connection)
            peer.attempt = None
            self._back_off(peer, node, str(failure))
            return
        except asyncio.CancelledError:
            self.closed(connection)
            raise
        peer.attempt = None
        peer.retry_s = PEER_RETRY_MS_MIN / 1000
        peer.has_failed = False
        assert connection.transport is not None, "it has just connected"
        if connection.transport.is_closing():
            peer.take_waiting()
            return
        peer.connection = connection
        self._journal.info(
            f"Added node connection with {node} ({peer.address})", file=_SOURCE
        )
        for frame in peer.take_waiting():
            self._note_loss(peer, node, was_taken=peer.write(frame))

    def _back_off(self, peer: _Peer, node: NodeId, why: str) -> None:
        """Try again after a while, longer each time, for fresh messages."""
        now_s = asyncio.get_running_loop().time()
        peer.retry_at = now_s + peer.retry_s
        peer.retry_s = min(2 * peer.retry_s, PEER_RETRY_MS_MAX / 1000)
        peer.forget_older(now_s - self._timeout_s)
        if peer.waiting:
            self._begin_to_connect(peer, node)
        if not peer.has_failed:
            peer.has_failed = True
            self._journal.fail(
                f"Failed to connect to {node} on {peer.address}: {why}", file=_SOURCE
            )

    def _note_loss(self, peer: _Peer, node: NodeId, *, was_taken: bool) -> None:
        """Log once that messages are being lost, until one is accepted again."""
        if not was_taken and not peer.is_lossy:
            self._journal.fail(
                f"Dropping messages to node {node}: it does not read what waits for it",
                file=_SOURCE,
            )
        peer.is_lossy = not was_taken


def _close(connection: PeerConnection) -> None:
    if connection.transport is not None:
        connection.transport.close()
