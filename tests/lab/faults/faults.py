"""The faults: what is done to a node, and how it is undone.

Undoing a fault removes the fault and nothing more. A node that died stays dead: its
identity ended with its process, and ``Means.replace`` starts a new node in its place.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.local.configuration import Placement
from ccfpy.local.network import ProcessNetwork
from ccfpy.local.node import NodeProcess
from tests.lab.faults.disks import SizedDisks
from tests.lab.faults.namespaces import Namespaces


class FaultKind(StrEnum):
    """The faults of nodes."""

    KILL = "kill"
    """The process ends at once, as by a power cut."""
    STOP = "stop"
    """The process stands still, then goes on as if nothing had been."""
    PARTITION = "partition"
    """They and the other nodes cannot reach each other; clients reach all."""
    ONEWAY = "oneway"
    """They reach the others or the others reach them, but not both."""
    FULL_DISK = "full-disk"
    """There is no room left for its ledger."""
    SLOW_DISK = "slow-disk"
    """Its disk takes its time."""


FATAL = (FaultKind.FULL_DISK,)
"""Faults after which a node may end by itself, some time later."""
NAMESPACED = (FaultKind.PARTITION, FaultKind.ONEWAY)
"""Faults that need nodes in network namespaces."""
DELAY_FILE = "disk_delay_ms"
"""In a node's folder: how many milliseconds its disk takes, while it is there."""
DELAYS_MS = (20, 50, 200)

Undo: TypeAlias = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What faults are made with; without a means its faults are ruled out.

    Attributes:
        network: the nodes.
        dice: decides what the seed decides.
        namespaces: for partitions.
        disks: for full disks.
    """

    network: ProcessNetwork
    dice: random.Random
    namespaces: Namespaces | None = None
    disks: SizedDisks | None = None

    def place(self) -> Placement:
        """Return a place for one more node."""
        return Placement() if self.namespaces is None else self.namespaces.place()

    def is_lucky(self) -> bool:
        """Toss a coin."""
        return self.dice.choice((True, False))

    async def has_ended(self, kind: FaultKind, node: NodeProcess) -> bool:
        """Return whether a node has ended because of a fault that is undone.

        A node that may still end is waited for, until it has ended or serves again.

        Raises:
            NotInTime: it does neither.
        """
        if node.is_alive and kind in FATAL:
            return await self.network.has_ended(node)
        return not node.is_alive

    async def replace(self, node: NodeProcess) -> None:
        """Replace a dead node by a new one: remove and then add, or the reverse."""
        network = self.network
        if self.is_lucky():
            await network.remove(node)
            await network.add(self.place())
        else:
            await network.add(self.place())
            await network.remove(node)


def inflict(kind: FaultKind, nodes: Sequence[NodeProcess], means: Means) -> Undo:
    """Make a fault at some nodes; return how to undo it.

    Nodes that are cut off together still reach each other.
    """
    if kind in NAMESPACED:
        return _cut_off(nodes, means, is_both_ways=kind is FaultKind.PARTITION)
    return _all([_FAULTS[kind](node, means) for node in nodes])


def _all(undo: Sequence[Undo]) -> Undo:
    def undo_all() -> None:
        for one in undo:
            one()

    return undo_all


def _kill(node: NodeProcess, _: Means) -> Undo:
    node.kill()
    return lambda: None


def _stop(node: NodeProcess, _: Means) -> Undo:
    node.pause()
    return node.resume


def _cut_off(nodes: Sequence[NodeProcess], means: Means, *, is_both_ways: bool) -> Undo:
    here = [node.placement.host for node in nodes]
    alive = [node.placement.host for node in means.network.alive]
    others = [host for host in alive if host not in here]
    if is_both_ways:
        return _all([_cut(here, others, means), _cut(others, here, means)])
    if means.is_lucky():
        return _cut(here, others, means)
    return _cut(others, here, means)


def _cut(sources: list[str], targets: list[str], means: Means) -> Undo:
    namespaces = means.namespaces
    assert namespaces is not None, "partitions are not chosen without namespaces"
    cuts = namespaces.cut(sources, targets)
    return lambda: namespaces.heal(cuts)


def _fill(node: NodeProcess, means: Means) -> Undo:
    disks = means.disks
    assert disks is not None, "full disks are not chosen without disks"
    disks.fill(node.ledger)
    return lambda: disks.free(node.ledger)


def _slow(node: NodeProcess, means: Means) -> Undo:
    control = node.folder / DELAY_FILE
    control.write_text(str(means.dice.choice(DELAYS_MS)))
    return lambda: control.unlink(missing_ok=True)


_FAULTS: Mapping[FaultKind, Callable[[NodeProcess, Means], Undo]] = {
    FaultKind.KILL: _kill,
    FaultKind.STOP: _stop,
    FaultKind.FULL_DISK: _fill,
    FaultKind.SLOW_DISK: _slow,
}
