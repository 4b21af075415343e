"""The faults: what is done to a node, and how it is undone.

Undoing leaves a service as large as before: a node that died, of the fault or by it,
is replaced by a new one, for a node's identity dies with its process.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.testing.faults.disks import SizedDisks
from ccfpy.testing.faults.namespaces import Namespaces
from ccfpy.testing.processes.configuration import Placement
from ccfpy.testing.processes.network import ProcessNetwork
from ccfpy.testing.processes.node import NodeProcess


class FaultKind(StrEnum):
    """What can be done to a node."""

    KILL = "kill"
    """The process ends at once, as by a power cut."""
    STOP = "stop"
    """The process stands still, then goes on as if nothing had been."""
    PARTITION = "partition"
    """It and the other nodes cannot reach each other; clients reach all."""
    ONEWAY = "oneway"
    """It reaches the others or they reach it, but not both."""
    FULL_DISK = "full-disk"
    """There is no room left for its ledger."""
    SLOW_DISK = "slow-disk"
    """Its disk takes its time."""


NAMESPACED = (FaultKind.PARTITION, FaultKind.ONEWAY)
"""Faults that need nodes in network namespaces."""

DELAY_FILE = "disk_delay_ms"
"""In a node's folder: how many milliseconds its disk takes, while it is there."""
DELAYS_MS = (20, 50, 200)

Undo: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What faults are made with; what is missing rules out the faults that need it.

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
        """Give a place for one more node."""
        return Placement() if self.namespaces is None else self.namespaces.place()

    async def replace(self, node: NodeProcess) -> None:
        """Put a new node in the place of a dead one, in one order or the other."""
        network = self.network
        if self.dice.random() < 0.5:  # noqa: PLR2004  # one as often as the other
            await network.remove(node)
            await network.add(self.place())
        else:
            await network.add(self.place())
            await network.remove(node)


async def inflict(kind: FaultKind, node: NodeProcess, means: Means) -> Undo:
    """Do it to a node; give how to undo it."""
    return await _FAULTS[kind](node, means)


async def _kill(node: NodeProcess, means: Means) -> Undo:
    node.kill()

    async def undo() -> None:
        await means.replace(node)

    return undo


async def _stop(node: NodeProcess, means: Means) -> Undo:
    node.pause()

    async def undo() -> None:
        node.resume()
        await _replace_if_dead(node, means)

    return undo


async def _partition(node: NodeProcess, means: Means) -> Undo:
    others = _other_hosts(node, means)
    return _cut(node, means, ([node.placement.host], others), back=True)


async def _oneway(node: NodeProcess, means: Means) -> Undo:
    here, others = [node.placement.host], _other_hosts(node, means)
    is_out = means.dice.random() < 0.5  # noqa: PLR2004  # one as often as the other
    return _cut(node, means, (here, others) if is_out else (others, here), back=False)


def _other_hosts(node: NodeProcess, means: Means) -> list[str]:
    return [other.placement.host for other in means.network.alive if other is not node]


def _cut(
    node: NodeProcess, means: Means, link: tuple[list[str], list[str]], *, back: bool
) -> Undo:
    namespaces = means.namespaces
    assert namespaces is not None, "partitions are not chosen without namespaces"
    sources, targets = link
    namespaces.cut(sources, targets)
    if back:
        namespaces.cut(targets, sources)

    async def undo() -> None:
        namespaces.heal()
        await _replace_if_dead(node, means)

    return undo


async def _fill(node: NodeProcess, means: Means) -> Undo:
    disks = means.disks
    assert disks is not None, "full disks are not chosen without disks"
    disks.fill(node.ledger)

    async def undo() -> None:
        disks.free(node.ledger)
        await _replace_if_dead(node, means)

    return undo


async def _slow(node: NodeProcess, means: Means) -> Undo:
    control = node.folder / DELAY_FILE
    control.write_text(str(means.dice.choice(DELAYS_MS)))

    async def undo() -> None:
        control.unlink(missing_ok=True)
        await _replace_if_dead(node, means)

    return undo


async def _replace_if_dead(node: NodeProcess, means: Means) -> None:
    if not node.is_alive:
        await means.replace(node)


_FAULTS: Mapping[FaultKind, Callable[[NodeProcess, Means], Awaitable[Undo]]] = {
    FaultKind.KILL: _kill,
    FaultKind.STOP: _stop,
    FaultKind.PARTITION: _partition,
    FaultKind.ONEWAY: _oneway,
    FaultKind.FULL_DISK: _fill,
    FaultKind.SLOW_DISK: _slow,
}
