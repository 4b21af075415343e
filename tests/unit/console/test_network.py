"""An operator's first question is answered in a sentence; charts show minutes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccfpy.client.survey import NodeReport, Survey
from ccfpy.client.transport import RECOVERED
from ccfpy.console.answers import Network, NodeRow, RatePoint
from ccfpy.console.network import (
    EACH_MS,
    GAP_MS,
    POINTS_MAX,
    Ring,
    network_of,
    unreachable,
)
from tests.unit.client.networked import UNTIL, answered, reported

NOW = UNTIL - timedelta(days=30)
LEADER = reported("a", answered(leads=True, seqno=1500, heard={"b": 40, "c": 5000}))
BACKUP = reported("b", answered(seqno=1499))
SILENT = reported("c")
ALONE = reported("a", answered(leads=True, configurations=("a",)))
NO_MAJORITY = "nothing commits, as no majority of the nodes answers"
ATTENTION = "the service needs an operator"
LEADING = "2 of 2 nodes answer, node aaaaaaaa… leads"


def _survey(*nodes: NodeReport, status: str = "Open") -> Survey:
    return Survey(status=status, valid_until=UNTIL, nodes=nodes)


@pytest.mark.parametrize(
    ("survey", "headline"),
    [
        (
            _survey(ALONE),
            "the service is well: 1 of 1 nodes answers, node aaaaaaaa… leads",
        ),
        (
            _survey(LEADER, BACKUP),
            "the service is well: 2 of 2 nodes answer, node aaaaaaaa… leads",
        ),
        (
            _survey(LEADER, BACKUP, SILENT),
            f"{ATTENTION}: 2 of 3 nodes answer, node aaaaaaaa… leads",
        ),
        (
            _survey(BACKUP, reported("a"), SILENT),
            f"{NO_MAJORITY}: 1 of 3 nodes answers",
        ),
        (
            _survey(BACKUP, reported("a", answered())),
            "nothing commits, as no node leads yet: 2 of 2 nodes answer",
        ),
        (
            _survey(LEADER, BACKUP, reported("d", status="Pending"), status="Opening"),
            f"{ATTENTION}: {LEADING}, the service is Opening",
        ),
    ],
)
def test_the_headline_says_whether_the_service_works(
    survey: Survey, headline: str
) -> None:
    assert network_of(survey, now=NOW).headline == headline


@pytest.mark.parametrize(
    ("survey", "words"),
    [
        (_survey(LEADER, BACKUP, SILENT), ""),
        (_survey(BACKUP, reported("a"), SILENT), NO_MAJORITY),
        (
            _survey(BACKUP, reported("a", answered())),
            "nothing commits, as no node leads yet",
        ),
    ],
)
def test_who_votes_is_told_why_nothing_commits(survey: Survey, words: str) -> None:
    assert network_of(survey, now=NOW).stands_still == words


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (14, ""),
        (13, ", the service's certificate ends in 13 days"),
        (-1, ", the service's certificate has ended"),
    ],
)
def test_a_certificate_that_ends_soon_is_in_the_headline(days: int, words: str) -> None:
    seen = network_of(_survey(LEADER, BACKUP), now=UNTIL - timedelta(days=days))
    assert seen.headline.endswith(f": {LEADING}{words}")
    assert seen.is_well is (not words)
    assert seen.headline.startswith("the service is well") is (not words)


def test_each_node_has_a_row() -> None:
    seen = network_of(_survey(LEADER, BACKUP, SILENT), now=NOW)
    assert (seen.seqno, seen.certificate_days) == (1500, 30)
    rows = {row.id[0]: row for row in seen.nodes}
    assert [(r.role, r.is_well, r.lag, r.heard_ms) for r in seen.nodes] == [
        ("primary", True, 0, None),
        ("backup", True, 1, 40),
        ("no answer", False, None, 5000),
    ]
    assert rows["a"].is_primary
    assert rows["a"].commit == "2.1500"
    assert rows["c"].trouble == "no answer"
    assert not seen.is_well


def test_an_address_hides_no_character() -> None:
    node = replace(reported("0"), interfaces={"x": "a\u202eb:1"})
    (row,) = network_of(_survey(node), now=NOW).nodes
    assert row.addresses == ("a⟦U+202E⟧b:1",)


def test_a_node_that_lags_or_stops_is_not_well() -> None:
    far = reported("b", answered(seqno=499))
    stopping = reported("b", replace(answered(seqno=1499), is_stopping=True))
    for node, role in ((far, "backup"), (stopping, "backup, stopping")):
        seen = network_of(_survey(LEADER, node), now=NOW)
        assert (seen.nodes[1].role, seen.nodes[1].is_well) == (role, False)


def test_nodes_that_are_not_trusted_yet_or_any_more_are_no_trouble() -> None:
    joining = reported("d", status="Pending")
    gone = reported("e", status="Retired", is_removable=True)
    seen = network_of(_survey(LEADER, BACKUP, joining, gone), now=NOW)
    assert seen.is_well
    assert [row.status for row in seen.nodes[2:]] == ["Pending", "Retired, may stop"]
    assert seen.nodes[2].role == "joining"


def test_a_service_that_nobody_reaches_says_why() -> None:
    seen = unreachable(["https://a", "https://b"], "refused", now=NOW)
    assert seen.headline == "no node answers at https://a, https://b: refused"
    assert not seen.is_well
    assert seen.stands_still == "no node answers at https://a, https://b"


def test_a_service_with_another_identity_is_said_to_be_that() -> None:
    seen = unreachable(["https://a"], f"it is not trusted; {RECOVERED}", now=NOW)
    assert seen.stands_still == "another service answers at https://a"
    assert seen.headline.startswith(seen.stands_still)


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
