"""Shrinking keeps what a failure needs, and nothing else."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.lab.cluster.shrinking import ATTEMPTS_MAX, shrink


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=60),
    st.data(),
)
def test_what_is_needed_is_all_that_stays(
    steps: list[int], data: st.DataObject
) -> None:
    needed = data.draw(st.sets(st.sampled_from(steps), max_size=4))
    shortest = shrink(steps, lambda left: needed <= set(left))
    assert sorted(shortest) == sorted(needed)


def test_order_is_kept() -> None:
    assert shrink([5, 3, 9, 1], lambda left: {9, 3} <= set(left)) == [3, 9]


def test_attempts_are_bounded() -> None:
    attempts = 0

    def fails(_: Sequence[int]) -> bool:
        nonlocal attempts
        attempts += 1
        return False

    assert len(shrink(range(2 * ATTEMPTS_MAX), fails)) == 2 * ATTEMPTS_MAX
    assert attempts == ATTEMPTS_MAX
