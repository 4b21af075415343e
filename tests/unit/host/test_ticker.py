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
