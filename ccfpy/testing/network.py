"""Several nodes in the test's own thread, and the network between them.

The nodes are the classes that ship, with real channels, TLS and ledgers; only sockets
are replaced, by a queue that delivers in order. Nothing happens between `deliver` and
`advance`, and the same calls always do the same; only TLS and what is encrypted to RSA
keys (shares and rekeyed ledger secrets) draw randomness of their own.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ccfpy.base.ids import CallId, NodeId, SessionId
from ccfpy.boundary.configuration import (
    CommandType,
    ConsensusConfiguration,
    JoinConfiguration,
    NodeConfiguration,
    NodeToNodeInterface,
)
from ccfpy.boundary.effects import (
    CloseSession,
    Effect,
    EndCall,
    ForgetPeer,
    OpenCall,
    SendCall,
    SendData,
    SendEntries,
    SendToPeer,
    SetPeer,
)
from ccfpy.boundary.events import (
    CallData,
    CallEnded,
    CallOpened,
    Event,
    PeerMessage,
    SessionClosed,
    SessionData,
    SessionOpened,
)
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.endpoints.application import Application
from ccfpy.testing.configuration import (
    HOST,
    Person,
    boot_of,
    listener,
    recovering,
    starting,
)
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.surroundings import Remains

if TYPE_CHECKING:
    from ccfpy.base.ports import Platform

TICK_MS = 10
"""How far clocks advance at once."""
DELIVERIES_MAX = 100_000
"""Messages in one `deliver`: with more of them it would never end."""
FIRST_PORT = 8000
PORTS_PER_NODE = 10


@dataclass(slots=True)
class _Wires:
    """Connections between nodes: from either end to the other."""

    sessions: dict[tuple[int, CallId], tuple[InProcessNode, SessionId]] = field(
        default_factory=dict
    )
    calls: dict[tuple[int, SessionId], tuple[InProcessNode, CallId]] = field(
        default_factory=dict
    )


class Network:
    """Nodes of one service, in the order in which they were started.

    Args:
        app: what every node serves under ``/app``.
        constitution: JavaScript source.
        members: the founding members.
        seed: decides every node's keys.
        consensus: its timing.
        configure: changes each node's configuration before it boots.

    Attributes:
        platform: that further nodes run on, if it seals secrets for them.
    """

    def __init__(
        self,
        app: Application,
        *,
        constitution: str,
        members: Sequence[Person],
        seed: int = 1,
        consensus: ConsensusConfiguration | None = None,
        configure: Callable[[NodeConfiguration], NodeConfiguration] = lambda same: same,
    ) -> None:
        self.nodes: list[InProcessNode] = []
        self.platform: Platform | None = None
        self.now_ms = 0
        self.cuts: set[tuple[NodeId, NodeId]] = set()
        self._app = app
        self._members = tuple(members)
        self._constitution = constitution
        self._seed = seed
        self._consensus = consensus or ConsensusConfiguration()
        self._configure = configure
        self._queue: deque[tuple[InProcessNode, Effect]] = deque()
        self._books: dict[int, dict[NodeId, str]] = {}
        self._heard: dict[int, dict[NodeId, str]] = {}
        self._wires = _Wires()
        self._dead: list[InProcessNode] = []
        self._is_delivering = False

    # Nodes

    def start(self) -> InProcessNode:
        """Start the service with its first node."""
        configuration = starting(
            constitution=self._constitution,
            members=[member.founding() for member in self._members],
            interfaces=(listener(),),
        )
        return self._boot(configuration)

    def recover(self, remains: Remains, *, pause_ms: int = 3_600_000) -> InProcessNode:
        """Start a node that recovers a lost service, as the first of a new one.

        Args:
            remains: what is left of the lost service; its members are this network's.
            pause_ms: how long the service was gone.
        """
        self.now_ms = remains.lost_ms + pause_ms
        configuration = recovering(
            previous_identity=remains.identity, interfaces=(listener(),)
        )
        return self._boot(configuration, remains=remains)

    def join(
        self,
        target: InProcessNode | None = None,
        *,
        service_certificate: str | None = None,
        executable_digest: str = "00" * 32,
        follow_redirect: bool = True,
        in_place_of: InProcessNode | None = None,
    ) -> InProcessNode:
        """Boot a node that asks to join, and return it before it is answered.

        Args:
            target: the node that it asks; by default the first.
            service_certificate: that it pins; by default the service's.
            executable_digest: of the program that its host started.
            follow_redirect: as in its configuration.
            in_place_of: a node that is gone, whose addresses it takes.
        """
        by = target or self.nodes[0]
        interface = by.boot.configuration.rpc_interfaces[0]
        configuration = NodeConfiguration(
            command=CommandType.JOIN,
            node_to_node=by.boot.configuration.node_to_node,
            rpc_interfaces=(listener(),),
            join=JoinConfiguration(
                target_rpc_address=interface.published_address,
                service_certificate=(
                    service_certificate or by.service_certificate
                ).encode(),
                follow_redirect=follow_redirect,
                fetch_recent_snapshot=False,
            ),
            ledger_signatures=by.boot.configuration.ledger_signatures,
        )
        place = self.nodes.index(in_place_of) if in_place_of else None
        return self._boot(configuration, executable_digest, place)

    def _boot(
        self,
        configuration: NodeConfiguration,
        executable_digest: str = "00" * 32,
        place: int | None = None,
        remains: Remains | None = None,
    ) -> InProcessNode:
        index = len(self.nodes)
        port = FIRST_PORT + PORTS_PER_NODE * (index if place is None else place)
        to_nodes = f"{HOST}:{port + 1}"
        configuration = self._configure(
            replace(
                configuration,
                consensus=self._consensus,
                rpc_interfaces=(listener(port=port),),
                node_to_node=NodeToNodeInterface(
                    bind_address=to_nodes, published_address=to_nodes
                ),
            )
        )
        node = InProcessNode.among(
            self,
            self._app,
            boot_of(
                configuration, now_ms=self.now_ms, executable_digest=executable_digest
            ),
            members=self._members,
            seed=1000 * self._seed + index,
            remains=remains,
        )
        self.nodes.append(node)
        return node

    def kill(self, node: InProcessNode) -> None:
        """Kill a node, which reports nothing to the others."""
        self._dead.append(node)
        for other in self.nodes:
            self._hang_up(other, node)

    def is_alive(self, node: InProcessNode) -> bool:
        """Return whether a node was not killed and did not stop itself."""
        return node not in self._dead and node.host.stop is None

    def cut(self, one: InProcessNode, other: InProcessNode) -> None:
        """Lose every message between two nodes from now on."""
        self.cuts |= {(one.node_id, other.node_id), (other.node_id, one.node_id)}

    def heal(self) -> None:
        """Deliver messages again."""
        self.cuts.clear()

    # Time and delivery

    def deliver(self) -> None:
        """Deliver messages between nodes until none is under way."""
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            for _ in range(DELIVERIES_MAX):
                if not self._queue:
                    return
                self._carry(*self._queue.popleft())
        finally:
            self._is_delivering = False
        raise AssertionError("nodes go on sending each other messages for ever")

    def advance(self, ms: int, *, tick_ms: int = TICK_MS) -> None:
        """Advance time for every node, a tick at a time."""
        end = self.now_ms + ms
        while self.now_ms < end:
            step = min(tick_ms, end - self.now_ms)
            self.now_ms += step
            for node in self.nodes:
                if self.is_alive(node):
                    node.advance(step)
            self.deliver()

    def wait_until(self, holds: Callable[[], bool], *, most_ms: int = 20_000) -> None:
        """Advance time until ``holds()``.

        Raises:
            AssertionError: the condition does not hold within ``most_ms``.
        """
        self.deliver()
        end = self.now_ms + most_ms
        while not holds():
            assert self.now_ms < end, f"not so within {most_ms} ms"
            self.advance(TICK_MS)

    def has_settled(self, *nodes: InProcessNode) -> bool:
        """Return whether all that was written is final at these nodes, or at all.

        A test that waits for this begins where nothing is under way.
        """
        alive = [node for node in self.nodes if self.is_alive(node)]
        last = max(node.host.after + len(node.host.entries) for node in alive)
        return last > 0 and all(node.host.commit == last for node in nodes or alive)

    def wait_until_settled(self, *nodes: InProcessNode) -> None:
        """Advance time until all that was written is final at these nodes, or at all.

        Raises:
            AssertionError: that does not happen.
        """
        self.wait_until(lambda: self.has_settled(*nodes))

    # What `ccfpy.testing.surroundings.Outside` asks for

    def take(self, node: InProcessNode, effect: Effect) -> bool:
        """Queue the effects that concern other nodes."""
        match effect:
            case SetPeer():
                self._books.setdefault(id(node), {})[effect.node] = effect.address
            case ForgetPeer():
                self._books.get(id(node), {}).pop(effect.node, None)
            case SendToPeer() | SendEntries() | OpenCall() | SendCall() | EndCall():
                self._queue.append((node, effect))
            case SendData() | CloseSession():
                if (id(node), effect.session) not in self._wires.calls:
                    return False
                self._queue.append((node, effect))
            case _:
                return False
        return True

    def settle(self) -> None:
        """Deliver."""
        self.deliver()

    def pass_time(self, node: InProcessNode, ms: int) -> None:
        """Advance time for all."""
        del node
        self.advance(ms)

    # Carrying

    def _carry(self, node: InProcessNode, effect: Effect) -> None:
        match effect:
            case SendToPeer():
                self._send(node, effect.to, effect.kind, effect.payload)
            case SendEntries():
                first = effect.first - node.host.after - 1
                last = effect.last - node.host.after
                entries = b"".join(node.host.entries[max(first, 0) : last])
                if first >= 0 and last <= len(node.host.entries):
                    self._send(
                        node, effect.to, PeerTraffic.CONSENSUS, effect.header + entries
                    )
            case OpenCall():
                self._connect(node, effect)
            case SendCall() | EndCall():
                self._to_session(node, effect)
            case SendData() | CloseSession():
                self._to_caller(node, effect)
            case _:
                raise AssertionError(f"{effect} was not to be carried")

    def _send(
        self, sender: InProcessNode, to: NodeId, kind: int, payload: bytes
    ) -> None:
        # As the host does: over its own connection, or over the peer's.
        books = self._books.get(id(sender), {}), self._heard.get(id(sender), {})
        address = books[0].get(to) or books[1].get(to)
        if address is None or (sender.node_id, to) in self.cuts:
            return
        for node in self.nodes:
            if _address(node) == address and self.is_alive(node):
                heard = self._heard.setdefault(id(node), {})
                heard[sender.node_id] = _address(sender)
                message = PeerMessage(kind=kind, sender=sender.node_id, payload=payload)
                self._step(node, message)

    def _connect(self, caller: InProcessNode, effect: OpenCall) -> None:
        for node in self.nodes:
            for interface in node.boot.configuration.rpc_interfaces:
                if interface.published_address == effect.address and self.is_alive(
                    node
                ):
                    session = node.number_session()
                    self._wires.sessions[id(caller), effect.call] = node, session
                    self._wires.calls[id(node), session] = caller, effect.call
                    opened = SessionOpened(
                        session=session, interface=interface.name, peer="node:1"
                    )
                    self._step(node, opened)
                    self._step(caller, CallOpened(call=effect.call))
                    return
        refused = CallEnded(call=effect.call, reason="connection refused")
        self._step(caller, refused)

    def _to_session(self, caller: InProcessNode, effect: SendCall | EndCall) -> None:
        found = self._wires.sessions.get((id(caller), effect.call))
        if found is None:
            return
        node, session = found
        if isinstance(effect, SendCall):
            self._step(node, SessionData(session=session, data=effect.data))
        else:
            self._forget(caller, effect.call)
            self._step(node, SessionClosed(session=session))

    def _to_caller(self, node: InProcessNode, effect: SendData | CloseSession) -> None:
        found = self._wires.calls.get((id(node), effect.session))
        if found is None:
            return
        caller, call = found
        if isinstance(effect, SendData):
            self._step(caller, CallData(call=call, data=effect.data))
        else:
            self._forget(caller, call)
            self._step(caller, CallEnded(call=call))

    def _forget(self, caller: InProcessNode, call: CallId) -> None:
        node, session = self._wires.sessions.pop((id(caller), call))
        del self._wires.calls[id(node), session]

    def _hang_up(self, caller: InProcessNode, gone: InProcessNode) -> None:
        ended = [
            call
            for (by, call), (node, _) in self._wires.sessions.items()
            if by == id(caller) and node is gone
        ]
        for call in ended:
            self._forget(caller, call)
            self._step(caller, CallEnded(call=call, reason="connection reset"))

    def _step(self, node: InProcessNode, event: Event) -> None:
        if self.is_alive(node):
            node.step(event)


def _address(node: InProcessNode) -> str:
    return node.boot.configuration.node_to_node.published_address
