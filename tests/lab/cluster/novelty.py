"""Where to look next: from states that few runs have seen.

Random schedules spend most of their steps in ordinary places. A rare state is
worth starting from: the steps that led to it are kept, and later runs begin with them.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

Step = TypeVar("Step")
ROADS_MAX = 64
"""How many beginnings are kept; the oldest goes first."""


@dataclass(slots=True)
class Road(Generic[Step]):
    """Steps that lead to a state which was new.

    Attributes:
        steps: from the very beginning.
        uses: how many runs began with them.
    """

    steps: tuple[Step, ...]
    uses: int = 0


class Atlas(Generic[Step]):
    """The states seen so far, and the ways there.

    Attributes:
        seen: how often each state was reached.
    """

    def __init__(self) -> None:
        self.seen: Counter[Hashable] = Counter()
        self._roads: list[Road[Step]] = []

    def note(self, state: Hashable) -> bool:
        """Count a state; return whether it is new."""
        self.seen[state] += 1
        return self.seen[state] == 1

    def keep(self, steps: Sequence[Step]) -> None:
        """Keep the way to a state that was new."""
        self._roads.append(Road(tuple(steps)))
        del self._roads[:-ROADS_MAX]

    def choose(self, dice: Random) -> tuple[Step, ...]:
        """Choose a way that few runs have gone; the empty way before any is known."""
        if not self._roads:
            return ()
        weights = [1 / (1 + road.uses) for road in self._roads]
        road = dice.choices(self._roads, weights)[0]
        road.uses += 1
        return road.steps
