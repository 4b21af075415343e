"""The last minutes of a service, for charts."""

from dataclasses import replace
from datetime import UTC, datetime

from ccfpy.console.answers import Network, NodeRow, RatePoint
from ccfpy.console.network import unreachable
from ccfpy.console.rates import EACH_MS, GAP_MS, POINTS_MAX, Ring

DOWN = unreachable(["https://node"], "down", now=datetime(2026, 1, 1, tzinfo=UTC))
BEGIN = 1_000_000
NODE = NodeRow(
    id="aa", addresses=(), status="Trusted", role="backup", is_primary=False,
    is_well=True, view=2, commit="2.1", lag=None, heard_ms=None,
    certificate_days=None, trouble="",
)  # fmt: skip


def _at(seqno: int | None, *lags: int | None) -> Network:
    return replace(
        DOWN, seqno=seqno, nodes=tuple(replace(NODE, lag=lag) for lag in lags)
    )


def _seen(*looks: tuple[int, Network]) -> list[tuple[float | None, int | None]]:
    """Return what the points say after looks at times in milliseconds."""
    ring = Ring()
    points: tuple[RatePoint, ...] = ()
    for after_ms, network in looks:
        rates = ring.take(network, now_ms=BEGIN + after_ms)
        points = points if rates is None else rates.points
    return [(point.per_second, point.lag) for point in points]


def test_a_rate_is_of_the_time_between_two_points() -> None:
    looks = (0, _at(100, None, 3)), (EACH_MS, _at(150, 0, 7)), (5000, _at(180, None))
    assert _seen(*looks) == [(None, 3), (25.0, 7), (10.0, None)]


def test_looks_between_two_points_are_passed_over() -> None:
    looks = (0, _at(100)), (EACH_MS - 1, _at(500)), (EACH_MS, _at(104))
    assert _seen(*looks) == [(None, None), (2.0, None)]


def test_nothing_is_known_of_a_gap_or_of_a_service_that_began_anew() -> None:
    gap = (0, _at(100)), (GAP_MS + 1, _at(200)), (GAP_MS + EACH_MS + 1, _at(50))
    assert [rate for rate, _ in _seen(*gap)] == [None, None, None]
    down = (0, _at(100)), (EACH_MS, DOWN), (2 * EACH_MS, _at(100))
    assert [rate for rate, _ in _seen(*down)] == [None, None, None]


def test_old_points_are_dropped() -> None:
    looks = [(number * EACH_MS, _at(number)) for number in range(POINTS_MAX + 1)]
    assert len(_seen(*looks)) == POINTS_MAX
