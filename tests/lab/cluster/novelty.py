"""Where to search next: from states that few runs have reached.

Random schedules spend most of their steps in ordinary places. A rare state is
worth starting from: the steps that led to it are kept, and later runs begin with them.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

Step = TypeVar("Step")
ENTRIES_MAX = 64
"""How many entries are kept; the oldest is dropped first."""


@dataclass(slots=True)
class CorpusEntry(Generic[Step]):
    """Steps that led to a new state.

    Attributes:
        steps: from the very beginning.
        uses: how many runs began with them.
    """

    steps: tuple[Step, ...]
    uses: int = 0


class Corpus(Generic[Step]):
    """The states seen so far, and the steps that led to some of them.

    Attributes:
        seen: how often each state was reached.
    """

    def __init__(self) -> None:
        self.seen: Counter[Hashable] = Counter()
        self._entries: list[CorpusEntry[Step]] = []

    def note(self, state: Hashable) -> bool:
        """Count a state; return whether it is new."""
        self.seen[state] += 1
        return self.seen[state] == 1

    def keep(self, steps: Sequence[Step]) -> None:
        """Keep the steps that led to a new state."""
        self._entries.append(CorpusEntry(tuple(steps)))
        del self._entries[:-ENTRIES_MAX]

    def choose(self, dice: Random) -> tuple[Step, ...]:
        """Choose kept steps that few runs began with; none if none are kept."""
        if not self._entries:
            return ()
        weights = [1 / (1 + entry.uses) for entry in self._entries]
        entry = dice.choices(self._entries, weights)[0]
        entry.uses += 1
        return entry.steps
