"""A figure: what was measured, each repeat of it, and what it is held against.

Everything here is arithmetic on numbers that somebody else measured.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Better(StrEnum):
    """Which way a figure should move."""

    LESS = "less"
    MORE = "more"


class Held(StrEnum):
    """Which of the repeats a budget is held against."""

    MEDIAN = "median"
    BEST = "best"
    WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a figure is drawn.

    Attributes:
        plot: the plot's title; figures of the same title share one plot and one unit.
        series: the line that it is a point of.
        x: where along the plot.
        along: what ``x`` counts, the same in all of the plot.
    """

    plot: str
    series: str
    x: float
    along: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One answer of a question.

    Attributes:
        name: what it tells, once in its question.
        unit: of all its numbers: "µs", "ms", "s", "a second", "MiB" or another.
        values: one for each repeat, in the order in which they were measured.
        budget: the value that it must not be worse than, on the reference machine if
            it ``scales``.
        held: which repeat the budget is held against.
        peers: what other programs did at the same work in the same run, by name.
        scales: whether it is proportional to the machine's speed, as CPU time and what
            CPU time limits are; not so what waits for a timer, or memory.
        point: where it is drawn, if it is.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    better: Better = Better.LESS
    budget: float | None = None
    held: Held = Held.MEDIAN
    peers: Mapping[str, float] = field(default_factory=dict)
    scales: bool = False
    point: Point | None = None

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError(f"a figure without a value: {self.name}")

    @property
    def median(self) -> float:
        """The middle of the values, or the mean of the two there."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The least value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The greatest value."""
        return max(self.values)

    def held_value(self) -> float:
        """Return the value that the budget is held against."""
        match self.held:
            case Held.MEDIAN:
                return self.median
            case Held.BEST:
                return self.low if self.better is Better.LESS else self.high
            case Held.WORST:
                return self.high if self.better is Better.LESS else self.low

    def on_reference(self, slowness: float) -> "Figure":
        """Return the figure as the reference machine would have measured it.

        Peers ran where we did, so they scale as well; budgets are of the reference
        machine as they are.

        Args:
            slowness: how many times as long this machine takes for the same work.
        """
        if not self.scales:
            return self
        factor = 1 / slowness if self.better is Better.LESS else slowness
        return replace(
            self,
            values=tuple(factor * value for value in self.values),
            peers={name: factor * value for name, value in self.peers.items()},
        )

    def is_exceeded(self, slowness: float) -> bool:
        """Return whether the value is worse than its budget."""
        if self.budget is None:
            return False
        value = self.on_reference(slowness).held_value()
        if self.better is Better.LESS:
            return value > self.budget
        return value < self.budget
