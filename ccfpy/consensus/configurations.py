"""Which nodes count, from which seqno on.

One entry of the ledger changes any number of nodes at once. Its configuration is active
as soon as it is appended; the one before stays active until the new one is committed.
While several are active, votes, commits and liveness need a majority in each.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ccfpy.base.ids import NodeId, Seqno


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """The nodes that count from ``seqno`` on."""

    seqno: Seqno
    nodes: frozenset[NodeId]


class Configurations:
    """The active configurations, oldest first."""

    __slots__ = ("_active",)

    def __init__(self, active: Iterable[Configuration] = ()) -> None:
        self._active = deque(active)

    def __iter__(self) -> Iterator[Configuration]:
        return iter(self._active)

    def __len__(self) -> int:
        return len(self._active)

    @property
    def latest(self) -> frozenset[NodeId]:
        """The nodes of the newest configuration; none before the first."""
        return self._active[-1].nodes if self._active else frozenset()

    @property
    def nodes(self) -> frozenset[NodeId]:
        """Every node of any active configuration: for sending, never for counting."""
        return frozenset().union(*self.node_sets)

    @property
    def node_sets(self) -> list[frozenset[NodeId]]:
        """Each active configuration's nodes, to count majorities in."""
        return [configuration.nodes for configuration in self._active]

    def seqno_with(self, node: NodeId) -> Seqno:
        """Return the seqno of the newest active configuration with ``node``, or 0."""
        found = (c.seqno for c in reversed(self._active) if node in c.nodes)
        return next(found, 0)

    def add(self, configuration: Configuration) -> bool:
        """Append a configuration; tell whether it differs from the latest."""
        if self._active and configuration.nodes == self.latest:
            return False
        self._active.append(configuration)
        return True

    def commit(self, to: Seqno) -> bool:
        """Drop configurations that a committed one replaces; return whether any was."""
        before = len(self._active)
        while len(self._active) > 1 and self._active[1].seqno <= to:
            self._active.popleft()
        return len(self._active) != before

    def rollback(self, to: Seqno) -> None:
        """Drop configurations that began after ``to``."""
        while self._active and self._active[-1].seqno > to:
            self._active.pop()
