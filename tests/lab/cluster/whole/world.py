"""Nodes, and what is between them: links that hold messages, connections, and time.

Messages wait on links, one way each, until they are delivered. Connections (of
nodes to nodes over HTTPS, of clients to nodes) are streams: they keep their order and
lose nothing, but may stall or break.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ccfpy.base.errors import CcfpyError
from ccfpy.base.ids import NodeId
from ccfpy.boundary.effects import (
    CloseSession,
    Effect,
    EndCall,
    OpenCall,
    SendCall,
    SendData,
    SendEntries,
    SendToPeer,
    Stop,
)
from ccfpy.boundary.events import Event, PeerMessage, Tick
from ccfpy.boundary.peers import PeerTraffic
from ccfpy.host.ledger_store import LedgerStoreFailed
from ccfpy.host.peers import fits_a_frame
from ccfpy.testing.configuration import START_UNIX_US
from tests.lab.cluster.faults import Faults, Link
from tests.lab.cluster.whole.host import SimulatedNode
from tests.lab.cluster.whole.lies import BentMessage
from tests.lab.cluster.whole.streams import Streams
from tests.lab.invariants.violated import Violated
from tests.lab.slow_calls import SlowCall

ROUNDS_MAX = 6
"""How many rounds of answers are delivered within one moment."""
ANSWERED_MAX = 1000
"""How often a node may ask its host for something within one moment."""
WAITING_MAX = 400
"""Messages on one link; the oldest are lost beyond it, as a host would lose them."""

Watch = Callable[[SimulatedNode, Sequence[Effect]], None]
ClientsTake = Callable[[SimulatedNode, SendData | CloseSession], None]


@dataclass(slots=True)
class World:
    """All nodes there ever were, and everything under way.

    Attributes:
        watch: sees every step of a node, with its effects.
        clients: receive what nodes send on sessions that no node opened.
        now_ms: since time began.
        links: messages under way.
        streams: connections of nodes to nodes.
    """

    watch: Watch
    clients: ClientsTake
    nodes: list[SimulatedNode] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    now_ms: int = 0
    steps: int = 0
    links: dict[Link, deque[PeerMessage]] = field(default_factory=dict)
    streams: Streams = field(init=False)

    def __post_init__(self) -> None:
        self.streams = Streams(self)

    # Questions

    def node(self, name: str) -> SimulatedNode | None:
        """Return a node by its name, if there ever was one."""
        found = [node for node in self.nodes if node.name == name]
        return found[0] if found else None

    def by_id(self, node_id: NodeId) -> SimulatedNode | None:
        """Return a node by its id."""
        found = [node for node in self.nodes if node.id == node_id]
        return found[0] if found else None

    @property
    def alive(self) -> list[SimulatedNode]:
        """The nodes that run."""
        return [node for node in self.nodes if node.is_alive]

    @property
    def awake(self) -> list[SimulatedNode]:
        """The running nodes that are not paused."""
        paused = self.faults.paused
        return [node for node in self.alive if node.name not in paused]

    @property
    def leaders(self) -> list[SimulatedNode]:
        """Nodes that lead a view, the newest view last."""
        leading = [node for node in self.alive if node.running.is_primary]
        return sorted(leading, key=lambda node: node.view)

    @property
    def view(self) -> int:
        """The newest view that any node knows."""
        return max((node.view for node in self.alive), default=0)

    # Steps

    def step(self, node: SimulatedNode, *events: Event) -> None:
        """Pass events to a node, and carry out the effects."""
        self._take_step(node, lambda: node.slow.step(node.trusted, events))

    def run_on(self, node: SimulatedNode, call: SlowCall) -> None:
        """Run a node's slow call to its next stop or its end."""
        self._take_step(node, lambda: node.slow.run_on(call))

    def _take_step(
        self, node: SimulatedNode, take: Callable[[], Sequence[Effect]]
    ) -> None:
        """Perform a step of a node, carry out its effects, and tell it the answers.

        Raises:
            Violated: an invariant does not hold, or it asks its host for ever.
        """
        self._take_one_step(node, take)
        for _ in range(ANSWERED_MAX):
            if not node.answers or not node.is_alive:
                return
            answers = tuple(node.answers)
            node.answers.clear()
            self._take_one_step(node, partial(node.slow.step, node.trusted, answers))
        raise Violated("StepEnds", f"node {node.name} asks its host for ever")

    def _take_one_step(
        self, node: SimulatedNode, take: Callable[[], Sequence[Effect]]
    ) -> None:
        if not node.is_alive:
            return
        self.steps += 1
        try:
            effects = take()
        except (Violated, CcfpyError, AssertionError, ArithmeticError) as error:
            raise _crashed(node, error) from error
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise _crashed(node, error) from error
        self._perform(node, effects)
        self.watch(node, effects)

    def end(self, node: SimulatedNode, why: str) -> None:
        """End a node, and break its connections."""
        node.is_alive = False
        node.end = why
        node.slow.end()
        self.streams.break_all(node)

    def tick(self, node: SimulatedNode, ms: int) -> None:
        """Advance time on a node's clock, at its pace."""
        for finish in node.aside:
            finish()
        node.aside.clear()
        node.clock_us += int(ms * 1000 * node.rate)
        self.step(node, self.clock(node))

    def jump(self, node: SimulatedNode, ms: int) -> None:
        """Advance a node's clock by a jump."""
        node.clock_us += ms * 1000
        self.step(node, self.clock(node))

    def clock(self, node: SimulatedNode) -> Tick:
        """Return what a node's host says of the time."""
        return Tick(
            monotonic_ms=node.clock_us // 1000, unix_us=START_UNIX_US + node.clock_us
        )

    def _perform(self, node: SimulatedNode, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if not node.is_alive:
                return
            if isinstance(effect, SendData):
                node.took(effect)
            self._perform_one(node, effect)

    def _perform_one(self, node: SimulatedNode, effect: Effect) -> None:
        match effect:
            case SendToPeer():
                self._send(node, effect.to, effect.kind, effect.payload)
            case SendEntries():
                self._send_entries(node, effect)
            case OpenCall() | SendCall() | EndCall():
                self.streams.put(node, effect)
            case SendData() | CloseSession():
                if self.streams.has(node, effect.session):
                    self.streams.put(node, effect)
                else:
                    self.clients(node, effect)
            case Stop():
                node.stop = effect
                self.end(node, effect.reason)
            case _:
                try:
                    node.keep(effect)
                except LedgerStoreFailed as failure:
                    self.end(node, str(failure))

    # Messages

    def _send_entries(self, node: SimulatedNode, effect: SendEntries) -> None:
        entries = node.files.storage.entries_for_peer(effect.first, effect.last)
        if entries is not None:
            payload = b"".join([effect.header, *entries])
            self._send(node, effect.to, PeerTraffic.CONSENSUS, payload)

    def _send(
        self, sender: SimulatedNode, to: NodeId, kind: int, payload: bytes
    ) -> None:
        # As the host does: over its own connection, or over the peer's.
        address = sender.address_book.get(to) or sender.heard.get(to)
        if address is None or not fits_a_frame(len(payload)):
            return
        for node in self.nodes:
            link = NodeId(sender.name), NodeId(node.name)
            if address_of(node) != address or link in self.faults.lost:
                continue
            if node.is_alive:
                waiting = self.links.setdefault(link, deque(maxlen=WAITING_MAX))
                waiting.append(
                    PeerMessage(kind=kind, sender=sender.id, payload=payload)
                )

    def deliver(self, link: Link, count: int = 1) -> int:
        """Deliver the oldest messages of a link; return how many."""
        waiting = self.links.get(link)
        node = self.node(link[1])
        if not waiting or node is None or not self.faults.is_open(link, self.view):
            return 0
        sender = self.node(link[0])
        arrived = 0
        while waiting and arrived < count:
            message = waiting.popleft()
            arrived += 1
            if link in self.faults.lost:
                continue
            if sender is not None and sender.is_alive:
                node.heard[message.sender] = address_of(sender)
            node.is_lied_to = isinstance(message, BentMessage)
            self.step(node, message)
            node.is_lied_to = False
        return arrived

    def deliver_all(self) -> None:
        """Deliver everything that the faults let through, and the answers."""
        for _ in range(ROUNDS_MAX):
            self.streams.carry()
            links = sorted(link for link, waiting in self.links.items() if waiting)
            if not sum(self.deliver(link, len(self.links[link])) for link in links):
                return


def address_of(node: SimulatedNode) -> str:
    """Return where other nodes reach it."""
    return node.boot.configuration.node_to_node.published_address


def _crashed(node: SimulatedNode, error: Exception) -> Violated:
    if isinstance(error, Violated):
        return error
    return Violated("StepEnds", f"node {node.name}: {type(error).__name__}: {error}")
