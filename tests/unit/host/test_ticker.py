"""The node's clock."""

import pytest

from ccfpy.boundary.events import Tick
from ccfpy.host.ticker import Ticker, tick_interval_s


def test_a_tick_is_made_when_the_millisecond_changed() -> None:
    times = iter([5_000_000, 5_999_999, 6_000_000, 6_000_000])
    ticker = Ticker(monotonic_ns=times.__next__, unix_ns=lambda: 7_654_321)
    assert ticker.now() == Tick(monotonic_ms=5, unix_us=7654)
    assert ticker.if_moved() is None
    assert ticker.if_moved() == Tick(monotonic_ms=6, unix_us=7654)


@pytest.mark.parametrize(
    ("configured_us", "interval_s"), [(0, 0.01), (1000, 0.01), (50_000, 0.05)]
)
def test_idle_ticks_are_never_closer_than_ten_milliseconds(
    configured_us: int, interval_s: float
) -> None:
    assert tick_interval_s(configured_us) == pytest.approx(interval_s)


@pytest.mark.parametrize(
    ("now_ns", "due_s"),
    [
        (5_900_000, 0.01),
        (9_000_000, 0.006),
        (14_999_999, 0.001),
        (15_000_000, 0.0),
        (9_000_000_000, 0.0),
    ],
)
def test_an_idle_tick_is_due_an_interval_after_the_last_of_any_kind(
    now_ns: int, due_s: float
) -> None:
    times = iter([5_000_000, now_ns])
    ticker = Ticker(monotonic_ns=times.__next__)
    ticker.now()
    assert ticker.due_in_s(0.01) == pytest.approx(due_s)
