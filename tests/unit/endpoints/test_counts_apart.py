"""Endpoints that are counted apart: for whom, and how many of them."""

import pytest

from ccfpy.base import limits
from ccfpy.endpoints.declaration import Endpoint
from ccfpy.endpoints.endpoint_metrics import CountsApart
from ccfpy.endpoints.metrics import RequestCounts
from ccfpy.http.messages import Response
from tests.unit.endpoints.world import MovableClock

TOOK_NS = 5


def _endpoint(path: str, *, is_counted: bool = True) -> Endpoint:
    return Endpoint(
        method="GET",
        path=path,
        handler=lambda _: Response(status=200),
        is_counted=is_counted,
    )


def _answers(counts: RequestCounts) -> int:
    return sum(counts.by_method["GET"])


@pytest.fixture
def shared() -> RequestCounts:
    return RequestCounts()


@pytest.fixture
def apart(shared: RequestCounts) -> CountsApart:
    clock = MovableClock()
    clock.now_ns = TOOK_NS
    return CountsApart(shared, clock)


def test_an_endpoint_has_its_own_counts_only_if_it_is_counted(
    apart: CountsApart, shared: RequestCounts
) -> None:
    for endpoint in (_endpoint("/a"), _endpoint("/b", is_counted=False), None):
        apart.answered(endpoint, "GET", 0, Response(status=200))
    assert list(apart.by_path) == ["/a"]
    assert apart.by_path["/a"].total_ns == TOOK_NS
    assert [each.path for each in apart.for_app.all()] == ["/a"]
    assert _answers(shared) == 2


def test_only_counted_endpoints_count_further_runs(apart: CountsApart) -> None:
    apart.retried(_endpoint("/a"))
    apart.retried(_endpoint("/b", is_counted=False))
    (counted,) = apart.for_app.all()
    assert (counted.path, counted.retries) == ("/a", 1)


def test_endpoints_beyond_the_bound_share_the_frontends_counts(
    apart: CountsApart, shared: RequestCounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ENDPOINTS_COUNTED_MAX", 2)
    for path in ("/a", "/b", "/c", "/a"):
        apart.answered(_endpoint(path), "GET", 0, Response(status=200))
    assert {path: _answers(own) for path, own in apart.by_path.items()} == {
        "/a": 2,
        "/b": 1,
    }
    assert _answers(shared) == 1
