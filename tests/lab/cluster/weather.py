"""What goes wrong around nodes: links that lose or hold messages, clocks, pauses.

Weather says only what *is*; whoever moves messages and time asks it. A link is one way.
Every choice comes from the dice given, and nothing iterates over a set, so that a seed
decides all.
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
class Weather:
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
        """Tell whether a link delivers, or loses, what waits on it now."""
        source, to = link
        return (
            self.held.get(link, 0) <= view
            and to not in self.paused
            and source not in self.clogged
            and to not in self.clogged
        )

    def elapsed_ms(self, node: NodeId, real_ms: int) -> int:
        """Give how much time passes on a node's clock."""
        return int(real_ms * self.rates.get(node, 1.0))


Change: TypeAlias = Callable[[Weather, Sequence[NodeId], View, Random], None]
"""Changes the weather of some nodes, in a view, by the dice."""


def clear(weather: Weather, _: Sequence[NodeId], _view: View, _dice: Random) -> None:
    """End it all."""
    weather.clear()


def split(weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Part the nodes in two, both ways."""
    _cut(weather, *_halves(nodes, dice))


def cut_one_way(
    weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Let one part of the nodes hear nothing of the other, which hears all."""
    some, others = _halves(nodes, dice)
    weather.lost.update((a, b) for a in some for b in others)


def ring(weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Let each node reach two neighbours only."""
    order = dice.sample(nodes, len(nodes))
    for i, a in enumerate(order):
        near = {order[i - 1], order[(i + 1) % len(order)]}
        weather.lost.update((a, b) for b in order if b not in near and b != a)


def bridge(
    weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Part the nodes in two but for one, which reaches all."""
    middle, *rest = dice.sample(nodes, len(nodes))
    if len(rest) > 1:
        _cut(weather, *_halves(rest, dice))
    weather.lost -= {(middle, b) for b in nodes} | {(b, middle) for b in nodes}


def isolate(
    weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Part one node from all others."""
    cut_off(weather, nodes, dice.choice(nodes))


def cut_off(weather: Weather, nodes: Sequence[NodeId], node: NodeId) -> None:
    """Part a certain node from all others."""
    _cut(weather, [node], [other for other in nodes if other != node])


def hold(weather: Weather, nodes: Sequence[NodeId], view: View, dice: Random) -> None:
    """Let what waits on one link arrive some views late."""
    a, b = dice.sample(nodes, 2)
    weather.held[a, b] = view + dice.randint(1, VIEWS_LATE_MAX)


def swizzle(
    weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Clog one more node, or let one go: in no order, as often as this is asked."""
    free = [node for node in nodes if node not in weather.clogged]
    if weather.clogged and (dice.random() < len(weather.clogged) / len(nodes)):
        weather.clogged.remove(dice.choice(weather.clogged))
    elif free:
        weather.clogged.append(dice.choice(free))


def pause(weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random) -> None:
    """Stop a node, or let it go on."""
    weather.paused ^= {dice.choice(nodes)}


def bend_clock(
    weather: Weather, nodes: Sequence[NodeId], _view: View, dice: Random
) -> None:
    """Let one node's time go at another pace."""
    weather.rates[dice.choice(nodes)] = dice.uniform(SLOWEST, FASTEST)


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


def _cut(weather: Weather, some: list[NodeId], others: list[NodeId]) -> None:
    for a in some:
        for b in others:
            weather.lost.add((a, b))
            weather.lost.add((b, a))
