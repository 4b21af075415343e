"""A histogram of whole numbers: how many fell between each two edges, and their sum."""

from bisect import bisect_left
from typing import Final, final

_place: Final = bisect_left


@final
class Histogram:
    """Counts of what was observed, between fixed edges.

    Attributes:
        edges: rising; a number counts at the first edge that is not below it.
        counts: one for each edge, and one for what is beyond the last.
        total: the sum of all numbers.
    """

    __slots__ = ("counts", "edges", "total")

    def __init__(self, edges: tuple[int, ...]) -> None:
        self.edges = edges
        self.counts = [0] * (len(edges) + 1)
        self.total = 0

    def observe(self, number: int) -> None:
        """Count a number."""
        self.counts[_place(self.edges, number)] += 1
        self.total += number

    @property
    def values(self) -> tuple[int, ...]:
        """The counts, and the total behind them."""
        return (*self.counts, self.total)
