"""Where a run takes place: a cluster that follows commands, and remembers them."""

import hashlib
from typing import TypeAlias

from ccfpy.base.ids import NodeId, View
from ccfpy.consensus.messages import Message
from tests.lab.invariants import Violated
from tests.lab.invariants.consensus import Consensus
from tests.lab.scenario.cluster import Cluster, Node
from tests.lab.scenario.language import commands

Words: TypeAlias = tuple[str, ...]
"""A command and its arguments."""

_DICTIONARY = commands(lambda _: None)


class Stage:
    """A cluster under test, what was done to it, and what it did.

    Attributes:
        cluster: the nodes. Their timers are the same in every run, those of a
            scenario's first seed, so that the commands are all there is to tell.
        invariants: what must hold.
        lines: the commands so far.
        steps: how many inputs nodes took.
        view: the newest view of any node.
    """

    def __init__(self) -> None:
        self.cluster = Cluster(watch=self._see)
        self.invariants = Consensus()
        self.lines: list[Words] = []
        self.steps = 0
        self.view: View = 0
        self.has_turned = False
        self._roles: dict[NodeId, str] = {}
        self._trace = hashlib.blake2b(digest_size=16)

    @property
    def nodes(self) -> dict[NodeId, Node]:
        """Every node, the crashed included."""
        return self.cluster.nodes

    @property
    def trace_hash(self) -> str:
        """Return a digest of every step so far."""
        return self._trace.hexdigest()

    def do(self, *words: str) -> None:
        """Follow a command.

        Raises:
            ScenarioFailed: it cannot be followed.
            Violated: what must hold does not.
            AssertionError: consensus found itself at fault.
        """
        self.lines.append(words)
        _DICTIONARY[words[0]].action(self.cluster, list(words[1:]))

    def live(self) -> list[Node]:
        """Return the nodes that have not crashed."""
        return [node for node in self.nodes.values() if not node.is_crashed]

    def leaders(self) -> list[Node]:
        """Return the living nodes that lead some view."""
        return [node for node in self.live() if node.is_leader]

    def _see(self, node: Node, sender: NodeId | None, message: Message | None) -> None:
        self.steps += 1
        state = node.raft.state
        view, role = state.view, state.leadership.value
        self._trace.update(
            f"{node.id} {role} {view} {len(node.ledger)} {node.commit_seqno}\n".encode()
        )
        if self._roles.get(node.id) != role or view > self.view:
            self._roles[node.id] = role
            self.view = max(self.view, view)
            self.has_turned = True
        self.invariants.check(node, sender, message)


def shape(stage: Stage) -> tuple[object, ...]:
    """Return what makes a state unlike others: roles, and how far logs go.

    Views are counted from the oldest, and seqnos from the last final one, so that
    states which differ only in their age are the same.
    """
    nodes = stage.live()
    first = min((node.view for node in nodes), default=0)
    final = len(stage.invariants.safety.final)
    told = []
    for node in nodes:
        state = node.raft.state
        last = state.log.last_committable
        told.append(
            (
                state.leadership.value[:3],
                min(node.view - first, 3),
                max(min(last.seqno - final, 2), -2),
                min(stage.view - last.view, 3),
                min(len(node.ledger) - last.seqno, 1),
                len(state.configurations),
                state.retirement.phase,
            )
        )
    return tuple(told)


def name_of(error: Exception) -> str:
    """Name a failure by what it violates."""
    return error.invariant if isinstance(error, Violated) else "Assertion"
