"""A figure: a measured quantity, each repeat of it, and its budget.

This file contains only arithmetic on numbers that other files measure.
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Better(StrEnum):
    """The direction in which a figure should move."""

    LESS = "less"
    MORE = "more"


class Held(StrEnum):
    """The repeat that is compared with a budget."""

    MEDIAN = "median"
    BEST = "best"
    WORST = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The place of a figure in a plot.

    Attributes:
        plot: the plot's title; figures of the same title share one plot and one unit.
        series: the line to which the point belongs.
        x: the place along the plot.
        along: the unit of ``x``, the same in all of the plot.
    """

    plot: str
    series: str
    x: float
    along: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One answer to a question.

    Attributes:
        name: the measured quantity, once in its question.
        unit: of all its numbers: "µs", "ms", "s", "a second", "MiB" or another.
        values: one for each repeat, in the order in which they were measured.
        budget: the limit for the value, on the reference machine if the figure
            ``scales``.
        held: the repeat that is compared with the budget.
        peers: the values of other programs for the same work in the same run, by name.
        scales: whether the value is proportional to the machine's speed, as CPU time
            and values that CPU time limits are. Memory and values that depend on a
            timer are not.
        point: the place in a plot, if the figure is drawn.
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
        """Return the middle of the values, or the mean of the two in the middle."""
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """Return the least value."""
        return min(self.values)

    @property
    def high(self) -> float:
        """Return the greatest value."""
        return max(self.values)

    def held_value(self) -> float:
        """Return the value that is compared with the budget."""
        match self.held:
            case Held.MEDIAN:
                return self.median
            case Held.BEST:
                return self.low if self.better is Better.LESS else self.high
            case Held.WORST:
                return self.high if self.better is Better.LESS else self.low

    def on_reference(self, slowness: float) -> "Figure":
        """Return the figure as the reference machine would have measured it.

        Peers ran on the same machine, so their values scale as well. Budgets are for
        the reference machine, and do not scale.

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
