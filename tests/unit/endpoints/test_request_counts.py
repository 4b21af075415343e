"""Requests counted by method and class of status."""

import pytest

from ccfpy.boundary.metrics import TIME_EDGES_NS
from ccfpy.endpoints.metrics import RequestCounts, status_class

MS = 1_000_000


def test_an_answer_counts_by_its_method_its_class_and_its_time() -> None:
    counts = RequestCounts()
    counts.count("GET", 200, 1 * MS)
    counts.count("GET", 404, 2 * MS)
    counts.count("GET", 403, 3 * MS)
    assert counts.by_method["GET"] == [0, 0, 1, 0, 2, 0]
    assert counts.times[:3] == [1, 1, 1]


def test_methods_of_the_callers_own_count_together() -> None:
    counts = RequestCounts()
    for method in ("get", "BREW", "x" * 100):
        counts.count(method, 200, 0)
    assert counts.by_method["other"] == [0, 0, 3, 0, 0, 0]
    assert "BREW" not in counts.by_method


@pytest.mark.parametrize(("status", "place"), [(99, 0), (100, 1), (199, 1), (599, 5)])
def test_a_status_at_the_edge_counts(status: int, place: int) -> None:
    counts = RequestCounts()
    counts.count("PUT", status, 0)
    assert counts.by_method["PUT"][place] == 1


@pytest.mark.parametrize("status", [600, 1 << 40, -1])
def test_a_status_of_no_class_counts_as_a_failure(status: int) -> None:
    counts = RequestCounts()
    counts.count("PUT", status, 0)
    assert counts.by_method["PUT"] == [0, 0, 0, 0, 0, 1]


def test_the_sum_of_times_is_beside_their_counts() -> None:
    counts = RequestCounts()
    for elapsed_ns in (5, 7, 20_000 * MS):
        counts.count("PUT", 200, elapsed_ns)
    assert (counts.times[0], counts.times[-1]) == (2, 1)
    assert counts.total_ns == 12 + 20_000 * MS


def test_a_time_at_an_edge_counts_below_it() -> None:
    counts = RequestCounts()
    for edge in TIME_EDGES_NS:
        counts.count("PUT", 200, edge)
        counts.count("PUT", 200, edge + 1)
    assert counts.times == [1, *[2] * (len(TIME_EDGES_NS) - 1), 1]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (99, "none"),
        (100, "1xx"),
        (204, "2xx"),
        (404, "4xx"),
        (599, "5xx"),
        (700, "5xx"),
    ],
)
def test_a_status_is_named_by_its_class_alone(status: int, name: str) -> None:
    assert status_class(status) == name
