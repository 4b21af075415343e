"""Numbers counted between edges."""

from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.histogram import Histogram


def test_a_number_on_an_edge_counts_below_it() -> None:
    histogram = Histogram((10, 20))
    for number in (0, 10, 11, 20, 21, 1000):
        histogram.observe(number)
    assert histogram.counts == [2, 2, 2]
    assert histogram.values == (2, 2, 2, 1062)


@given(st.lists(st.integers(0, 100)), st.sets(st.integers(0, 100)))
def test_each_number_is_counted_once(numbers: list[int], edges: set[int]) -> None:
    histogram = Histogram(tuple(sorted(edges)))
    for number in numbers:
        histogram.observe(number)
    assert sum(histogram.counts) == len(numbers)
    assert histogram.total == sum(numbers)
    for position, edge in enumerate(sorted(edges)):
        below = sum(histogram.counts[: position + 1])
        assert below == sum(number <= edge for number in numbers)
