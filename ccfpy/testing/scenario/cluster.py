"""Nodes, their ledgers and the wires between them, in one thread.

A node's outbox is one queue for all its peers. An `AppendEntries` in it is the bare
message: its entries are read from the sender's ledger when it is delivered, as a host
reads them when it sends. If they are gone by then, so is the message. A wire that is
cut loses what is delivered over it, not what is queued.
"""

from collections import deque
from collections.abc import Iterable
from random import Random

from ccfpy.base.ids import NodeId, TxId
from ccfpy.consensus.messages import AppendEntries, decode
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.ready import Entry, Offer, Ready, Send
from ccfpy.consensus.replica import Replica
from ccfpy.consensus.settings import Settings
from ccfpy.consensus.trace import untraced
from ccfpy.testing.scenario.errors import ScenarioFailed
from ccfpy.testing.scenario.ledger import Kind, LedgerEntry, nodes_payload
from ccfpy.testing.scenario.trace import Trace, tracer

MESSAGE_TIMEOUT_MS = 10
ELECTION_TIMEOUT_MS = 100
DISPATCH_ROUNDS_MAX = 5


class Node:
    """One node: its consensus, its ledger and what it has to send."""

    def __init__(
        self, node_id: NodeId, settings: Settings, dice: Random, trace: Trace | None
    ) -> None:
        def replica() -> Replica:
            return self.raft.replica

        self.id = node_id
        self.raft = Raft(
            node_id,
            settings,
            jitter=lambda most: dice.randint(0, most),
            tracer=untraced if trace is None else tracer(trace, replica),
        )
        self.raft.start_ticking()
        self.ledger: list[LedgerEntry] = []
        self.outbox: deque[Send] = deque()

    def append(
        self,
        data: bytes,
        *,
        is_committable: bool = False,
        configuration: frozenset[NodeId] | None = None,
        retired: frozenset[NodeId] | None = None,
    ) -> None:
        """Write an entry as the leader."""
        kind, nodes, removed = Kind.RAW, frozenset[NodeId](), frozenset[NodeId]()
        if configuration is not None:
            kind, nodes = Kind.RECONFIGURATION, configuration
            removed = self.raft.replica.configurations.latest - nodes
            data = nodes_payload(nodes)
        elif retired is not None:
            kind, nodes, data = Kind.RETIRED_COMMITTED, retired, nodes_payload(retired)
        entry = LedgerEntry(
            tx_id=TxId(self.raft.view, len(self.ledger) + 1),
            kind=kind,
            data=data,
            is_committable=is_committable,
            nodes=nodes,
            removed=removed,
        )
        self.ledger.append(entry)
        self.perform(self.raft.append(entry.meta), ())

    def perform(self, ready: Ready, payload: tuple[LedgerEntry, ...]) -> None:
        """Do what consensus asks, in its order."""
        if ready.rollback_to is not None:
            del self.ledger[ready.rollback_to :]
        self.outbox.extend(ready.messages)
        if ready.offer is not None:
            entries = self._apply(ready.offer, payload)
            self.perform(self.raft.accept(entries), ())

    def _apply(self, offer: Offer, payload: Iterable[LedgerEntry]) -> list[Entry]:
        """Take the offered entries as far as they are what the offer says."""
        taken = []
        for entry in list(payload)[-offer.entry_count :]:
            if entry.tx_id != (offer.view, len(self.ledger) + 1):
                break
            self.ledger.append(entry)
            taken.append(entry.meta)
        return taken


class Cluster:
    """All nodes of a scenario.

    Attributes:
        nodes: by id, in the order of ids.
        is_pre_vote_enabled: for nodes that are created from now on.
    """

    def __init__(self, *, seed: int = 0, trace: Trace | None = None) -> None:
        self.nodes: dict[NodeId, Node] = {}
        self.is_pre_vote_enabled = False
        self.dice = Random(f"{seed} messages")  # noqa: S311 - a schedule, not a secret
        self._seed = seed
        self._trace = trace
        self._wires: set[tuple[NodeId, NodeId]] = set()

    def add(self, node_id: NodeId) -> Node:
        """Create a node.

        Raises:
            ScenarioFailed: it exists.
        """
        if node_id in self.nodes:
            raise ScenarioFailed(f"node {node_id} exists already")
        settings = Settings(
            message_timeout_ms=MESSAGE_TIMEOUT_MS,
            election_timeout_ms=ELECTION_TIMEOUT_MS,
            is_pre_vote_enabled=self.is_pre_vote_enabled,
        )
        dice = Random(f"{self._seed} {node_id}")  # noqa: S311 - a schedule, not a secret
        node = Node(node_id, settings, dice, self._trace)
        self.nodes = dict(sorted([*self.nodes.items(), (node_id, node)]))
        return node

    def node(self, node_id: str) -> Node:
        """Find a node.

        Raises:
            ScenarioFailed: there is none of that id.
        """
        node = self.nodes.get(NodeId(node_id))
        if node is None:
            raise ScenarioFailed(f"no node {node_id}")
        return node

    def leaders(self) -> list[Node]:
        """Give every node that leads some view, in the order of ids."""
        return [node for node in self.nodes.values() if node.raft.is_leader]

    def latest_leader(self) -> Node | None:
        """Give the leader of the newest view that has one."""
        return max(
            self.leaders(), key=lambda node: (node.raft.view, node.id), default=None
        )

    def connect(self, a: NodeId, b: NodeId) -> None:
        """Let messages pass both ways."""
        self._wires |= {(a, b), (b, a)}

    def disconnect(self, a: NodeId, b: NodeId) -> None:
        """Lose what is delivered either way from now on."""
        self._wires -= {(a, b), (b, a)}

    def tick(self, node: Node, elapsed_ms: int) -> None:
        """Let time pass for one node."""
        node.perform(node.raft.tick(elapsed_ms), ())

    def deliver(self, source: Node, send: Send) -> bool:
        """Carry one message, or lose it; tell which."""
        to, message = send
        payload: tuple[LedgerEntry, ...] = ()
        is_sent = (source.id, to) in self._wires
        if isinstance(message, AppendEntries):
            first, last = message.previous.seqno, message.last.seqno
            payload = tuple(source.ledger[first:last])
            is_sent &= len(payload) == last - first
        if not is_sent:
            self._lose(source, send)
            return False
        target = self.node(to)
        ready = target.raft.receive(source.id, decode(message.encode()))
        target.perform(ready, payload)
        return True

    def dispatch(self, node: Node, most: int | None = None) -> None:
        """Deliver a node's outbox, until ``most`` messages have arrived."""
        arrived = 0
        while node.outbox and (most is None or arrived < most):
            arrived += self.deliver(node, node.outbox.popleft())

    def dispatch_all_once(self) -> None:
        """Deliver as many messages of each node as it has now."""
        counts = [(node, len(node.outbox)) for node in self.nodes.values()]
        for node, count in counts:
            self.dispatch(node, count)

    def dispatch_all(self) -> None:
        """Deliver messages and the answers to them, for a few rounds."""
        for _ in range(DISPATCH_ROUNDS_MAX):
            if not any(node.outbox for node in self.nodes.values()):
                return
            self.dispatch_all_once()

    def dispatch_single(self, source: Node, to: NodeId) -> None:
        """Deliver the oldest message from one node to another, if there is one."""
        for position, send in enumerate(source.outbox):
            if send.to == to:
                del source.outbox[position]
                self.deliver(source, send)
                return

    def drop_pending(self, source: Node, to: NodeId) -> None:
        """Lose every message that waits to go from one node to another."""
        for send in [send for send in source.outbox if send.to == to]:
            source.outbox.remove(send)
            self._lose(source, send)

    def _lose(self, source: Node, send: Send) -> None:
        if self._trace is not None:
            self._trace.dropped(source.raft.replica, send.to, send.message)
