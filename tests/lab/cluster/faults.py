"""What goes wrong around nodes: links that lose or hold messages, clocks, pauses.

`Faults` holds what is wrong now, for the code that moves messages and time. A link is
one way. Every choice comes from the given dice, and nothing iterates over a set: a seed
decides everything.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from ccfpy.base.ids import NodeId, View

Link: TypeAlias = tuple[NodeId, NodeId]
"""From one node to another."""

SLOWEST, FASTEST = 0.5, 2.0
"""How fast a node's clock may go."""
VIEWS_LATE_MAX = 3
"""For how many views a message may be under way."""


@dataclass(slots=True)
class Faults:
    """The faults of now.

    Attributes:
        lost: links that lose what is sent over them.
        held: links that deliver nothing before a view begins.
        paused: nodes that do nothing, until they go on.
        clogged: nodes whose links are held, in the order of being clogged.
        rates: how fast clocks go, where not at 1.
    """

    lost: set[Link] = field(default_factory=set)
    held: dict[Link, View] = field(default_factory=dict)
    paused: set[NodeId] = field(default_factory=set)
    clogged: list[NodeId] = field(default_factory=list)
    rates: dict[NodeId, float] = field(default_factory=dict)

    def clear(self) -> None:
        """End every fault of the network, and every pause."""
        self.lost.clear()
        self.held.clear()
        self.paused.clear()
        self.clogged.clear()

    def is_open(self, link: Link, view: View) -> bool:
        """Return whether a link delivers, or loses, what waits on it now."""
        source, to = link
        return (
            self.held.get(link, 0) <= view
            and to not in self.paused
            and source not in self.clogged
            and to not in self.clogged
        )

    def elapsed_ms(self, node: NodeId, real_ms: int) -> int:
        """Return how much time passes on a node's clock, in milliseconds."""
        return int(real_ms * self.rates.get(node, 1.0))


Change: TypeAlias = Callable[[Faults, Sequence[NodeId], View, Random], None]
"""Changes the faults of some nodes, in a view, by the dice."""


def clear(faults: Faults, _: Sequence[NodeId], _view: View, _dice: Random) -> None:
    """End all faults."""
    faults.clear()


def split(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Split the nodes in two parts, both ways."""
    _cut(faults, *_halves(nodes, dice))


def cut_one_way(
    faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Cut messages from one part of the nodes to the other, and none back."""
    some, others = _halves(nodes, dice)
    faults.lost.update((a, b) for a in some for b in others)


def ring(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Leave each node links to two neighbours only."""
    order = dice.sample(nodes, len(nodes))
    for i, a in enumerate(order):
        near = {order[i - 1], order[(i + 1) % len(order)]}
        faults.lost.update((a, b) for b in order if b not in near and b != a)


def bridge(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Split the nodes in two parts, except one node, which reaches all."""
    middle, *rest = dice.sample(nodes, len(nodes))
    if len(rest) > 1:
        _cut(faults, *_halves(rest, dice))
    faults.lost -= {(middle, b) for b in nodes} | {(b, middle) for b in nodes}


def isolate(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Cut one node off from all others."""
    cut_off(faults, nodes, dice.choice(nodes))


def cut_off(faults: Faults, nodes: Sequence[NodeId], node: NodeId) -> None:
    """Cut a certain node off from all others."""
    _cut(faults, [node], [other for other in nodes if other != node])


def hold(faults: Faults, nodes: Sequence[NodeId], view: View, dice: Random) -> None:
    """Hold what waits on one link for some views."""
    a, b = dice.sample(nodes, 2)
    faults.held[a, b] = view + dice.randint(1, VIEWS_LATE_MAX)


def swizzle(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Clog one more node, or unclog one, in any order."""
    free = [node for node in nodes if node not in faults.clogged]
    if faults.clogged and (dice.random() < len(faults.clogged) / len(nodes)):
        faults.clogged.remove(dice.choice(faults.clogged))
    elif free:
        faults.clogged.append(dice.choice(free))


def pause(faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Pause a node, or resume it."""
    faults.paused ^= {dice.choice(nodes)}


def bend_clock(
    faults: Faults, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Change the pace of one node's clock."""
    faults.rates[dice.choice(nodes)] = dice.uniform(SLOWEST, FASTEST)


CHANGES: tuple[tuple[Change, float], ...] = (
    (clear, 3),
    (split, 2),
    (cut_one_way, 2),
    (isolate, 2),
    (bridge, 1),
    (ring, 1),
    (hold, 4),
    (swizzle, 3),
    (pause, 2),
    (bend_clock, 2),
)
"""Every change, and how likely it is among the others."""


def _halves(nodes: Sequence[NodeId], dice: Random) -> tuple[list[NodeId], list[NodeId]]:
    order = dice.sample(nodes, len(nodes))
    at = dice.randint(1, max(len(nodes) - 1, 1))
    return order[:at], order[at:]


def _cut(faults: Faults, some: list[NodeId], others: list[NodeId]) -> None:
    for a in some:
        for b in others:
            faults.lost.add((a, b))
            faults.lost.add((b, a))
