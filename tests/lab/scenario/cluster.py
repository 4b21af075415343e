"""Nodes, their ledgers and the wires between them, in one thread.

A node's outbox is one queue for all its peers. An `AppendEntries` in it is the bare
message: its entries are read from the sender's ledger when it is delivered, as a host
reads them when it sends. If they are gone by then, so is the message. A wire that is
cut loses what is delivered over it, not what is queued.
"""

from random import Random
from typing import Protocol

from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.consensus.configurations import Configuration
from ccfpy.consensus.messages import AppendEntries, Message, decode
from ccfpy.consensus.raft import Raft
from ccfpy.consensus.raft_state import RaftState, Settings
from ccfpy.consensus.ready import EntryFacts, OfferedEntries, Ready, Send
from ccfpy.consensus.trace import untraced
from tests.lab.scenario.errors import ScenarioFailed
from tests.lab.scenario.ledger import (
    Kind,
    LedgerEntry,
    latest_configuration,
    nodes_payload,
    view_starts,
)
from tests.lab.scenario.outbox import Outbox
from tests.lab.scenario.trace import Trace, tracer

MESSAGE_TIMEOUT_MS = 10
ELECTION_TIMEOUT_MS = 100
FIRST_BATCH_ENTRIES = 4
"""So few that stories can need more than one message."""
DISPATCH_ROUNDS_MAX = 5


class Watch(Protocol):
    """Called after each input of a node."""

    def __call__(
        self, node: "Node", sender: NodeId | None, message: Message | None, /
    ) -> None:
        """Look at a node that took a message from a sender, or another input."""
        ...


def unwatched(_node: "Node", _sender: NodeId | None, _message: Message | None) -> None:
    """Ignore the node."""


class Node:
    """One node: its consensus, its ledger and what it has to send.

    Attributes:
        ledger: its entries.
        outbox: what it has to send.
        sent: what the last input made it send.
        clock_ms: how much time has passed for it.
        is_crashed: whether it is gone, for ever.
        origin: who counts before any entry says so.
        snapshot_seqno: where the snapshot ends that it began with; 0 without one.
    """

    def __init__(
        self,
        node_id: NodeId,
        settings: Settings,
        dice: Random,
        trace: Trace | None,
        watch: Watch = unwatched,
    ) -> None:
        def state() -> RaftState:
            return self.raft.state

        self.id = node_id
        self.raft = Raft(
            node_id,
            settings,
            jitter=lambda most: dice.randint(0, most),
            tracer=untraced if trace is None else tracer(trace, state),
        )
        self.ledger: list[LedgerEntry] = []
        self.outbox = Outbox()
        self.sent: list[Send] = []
        self.clock_ms = 0
        self.is_crashed = False
        self.origin: frozenset[NodeId] = frozenset()
        self.snapshot_seqno: Seqno = 0
        self._watch = watch

    @property
    def view(self) -> View:
        """The newest view it knows."""
        return self.raft.state.view

    @property
    def is_leader(self) -> bool:
        """Whether it leads that view."""
        return self.raft.state.is_leader

    @property
    def commit_seqno(self) -> Seqno:
        """Up to where it takes its ledger for final."""
        return self.raft.state.log.commit_seqno

    def begin(self) -> None:
        """Lead a new service."""
        self._take(self.raft.begin())

    def join(self, configuration: Configuration) -> None:
        """Follow a service that has a configuration from nowhere."""
        self.origin = configuration.nodes
        self._take(
            self.raft.join(starts=(), last=TxId(0, 0), configurations=[configuration])
        )

    def join_from_snapshot(self, final: list[LedgerEntry]) -> None:
        """Follow a service from a snapshot of entries that end with a final signature.

        As a whole node does, this one begins no election before it has a signature that
        covers its own trust.
        """
        self.ledger = final
        self.snapshot_seqno = len(final)
        self._take(
            self.raft.join(
                starts=view_starts(final),
                last=final[-1].tx_id,
                configurations=latest_configuration(final),
            )
        )

    def tick(self, elapsed_ms: int) -> None:
        """Advance time."""
        self.clock_ms += elapsed_ms
        self._take(self.raft.tick(elapsed_ms))

    def flush(self) -> None:
        """End a turn: send what waits for that, as a whole node does."""
        self._take(self.raft.flush())

    def receive(
        self, sender: NodeId, message: Message, payload: tuple[LedgerEntry, ...]
    ) -> None:
        """Take a message and the entries that came with it."""
        ready = self.raft.receive(sender, message)
        self._take(ready, payload, sender, message)

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
            removed = self.raft.state.configurations.latest - nodes
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
        self._take(self.raft.append(entry.meta))

    def _take(
        self,
        ready: Ready,
        payload: tuple[LedgerEntry, ...] = (),
        sender: NodeId | None = None,
        message: Message | None = None,
    ) -> None:
        """Carry out what consensus asks after an input, and show it to the watch."""
        self.sent.clear()
        self._perform(ready, payload)
        self._watch(self, sender, message)

    def _perform(self, ready: Ready, payload: tuple[LedgerEntry, ...]) -> None:
        """Carry out what consensus asks, in its order."""
        if ready.rollback_to is not None:
            del self.ledger[ready.rollback_to :]
        if ready.messages:
            self.outbox.extend(ready.messages)
            self.sent += ready.messages
        if ready.offer is not None:
            entries = self._apply(ready.offer, payload)
            self._perform(self.raft.accept(entries), ())

    def _apply(
        self, offer: OfferedEntries, payload: tuple[LedgerEntry, ...]
    ) -> list[EntryFacts]:
        """Take the offered entries as far as they are what the offer says."""
        taken = []
        for entry in payload[offer.first - offer.message.previous.seqno - 1 :]:
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

    def __init__(
        self,
        *,
        seed: int = 0,
        trace: Trace | None = None,
        watch: Watch = unwatched,
    ) -> None:
        self.nodes: dict[NodeId, Node] = {}
        self.is_pre_vote_enabled = False
        self.dice = Random(f"{seed} messages")  # noqa: S311 - a schedule, not a secret
        self._seed = seed
        self._trace = trace
        self._watch = watch
        self._wires: set[tuple[NodeId, NodeId]] = set()

    def add(self, node_id: NodeId, *, is_ticking: bool = True) -> Node:
        """Create a node.

        Args:
            node_id: its name.
            is_ticking: whether it may begin elections before a signature of its
                service's covers its trust.

        Raises:
            ScenarioFailed: it exists.
        """
        if node_id in self.nodes:
            raise ScenarioFailed(f"node {node_id} exists already")
        settings = Settings(
            message_timeout_ms=MESSAGE_TIMEOUT_MS,
            election_timeout_ms=ELECTION_TIMEOUT_MS,
            first_batch_entries=FIRST_BATCH_ENTRIES,
            is_pre_vote_enabled=self.is_pre_vote_enabled,
        )
        dice = Random(f"{self._seed} {node_id}")  # noqa: S311 - a schedule, not a secret
        node = Node(node_id, settings, dice, self._trace, self._watch)
        if is_ticking:
            node.raft.start_ticking()
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
        """Return every node that leads some view, in the order of ids."""
        return [node for node in self.nodes.values() if node.raft.is_leader]

    def latest_leader(self) -> Node | None:
        """Return the leader of the newest view that has one."""
        return max(
            self.leaders(), key=lambda node: (node.raft.view, node.id), default=None
        )

    def connect(self, a: NodeId, b: NodeId) -> None:
        """Connect two nodes both ways, unless one of them is gone."""
        if self.nodes[a].is_crashed or self.nodes[b].is_crashed:
            return
        self._wires |= {(a, b), (b, a)}

    def disconnect(self, a: NodeId, b: NodeId) -> None:
        """Lose what is delivered either way from now on."""
        self._wires -= {(a, b), (b, a)}

    def tick(self, node: Node, elapsed_ms: int) -> None:
        """Advance time for one node, unless it is gone."""
        if not node.is_crashed:
            node.tick(elapsed_ms)

    def crash(self, node: Node) -> None:
        """Crash a node for ever, with all that it had to send."""
        node.is_crashed = True
        node.outbox = Outbox()
        for other in self.nodes:
            self.disconnect(node.id, other)

    def deliver(self, source: Node, send: Send, *, sound: int | None = None) -> bool:
        """Deliver or lose one message; return whether it arrived.

        Args:
            source: the sender.
            send: the message, and to whom.
            sound: how many of its entries arrive undamaged; all if not given.
        """
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
        self.node(to).receive(source.id, decode(message.encode()), payload[:sound])
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
        message = source.outbox.take(to)
        if message is not None:
            self.deliver(source, Send(to, message))

    def dispatch_damaged(self, source: Node, to: NodeId, sound: int) -> None:
        """Deliver the oldest message between two nodes, few of its entries undamaged.

        The receiver refuses the first damaged entry, and every one after it.
        """
        message = source.outbox.take(to)
        if message is not None:
            self.deliver(source, Send(to, message), sound=sound)

    def drop_single(self, source: Node, to: NodeId) -> None:
        """Lose the oldest message from one node to another, if there is one."""
        message = source.outbox.take(to)
        if message is not None:
            self._lose(source, Send(to, message))

    def drop_pending(self, source: Node, to: NodeId) -> None:
        """Lose every message that waits to go from one node to another."""
        while source.outbox.waiting(to):
            self.drop_single(source, to)

    def _lose(self, source: Node, send: Send) -> None:
        if self._trace is not None:
            self._trace.dropped(source.raft.state, send.to, send.message)
