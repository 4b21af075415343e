"""Benchmarks count the work of a real service, with every kind of client."""

from collections.abc import Iterator

import pytest

from benchmarks import newcomers
from benchmarks.harness import generator, works
from benchmarks.harness.asking import ask_often, send_before
from benchmarks.harness.generator import Failed, has_wrk
from benchmarks.harness.pinning import Layout
from benchmarks.harness.service import Service, sandbox

pytestmark = pytest.mark.alone

CONNECTIONS = 3
WINDOW_S = 1.5
"""Longer than most pauses of a crowded machine: no answer in it is an error."""
LAYOUTS = (Layout.ONE_CORE, Layout.FREE)
IS_WRK = [False, *([True] if has_wrk() else [])]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with sandbox() as running:
        yield running


@pytest.fixture(params=IS_WRK, autouse=True)
def asked_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clients: our own program, and ``wrk`` if it is installed."""
    monkeypatch.setattr(generator, "has_wrk", lambda: request.param)


def test_each_while_of_a_load_has_its_own_counts(service: Service) -> None:
    told = ask_often(
        service,
        works.reads("public"),
        connections=CONNECTIONS,
        seconds=WINDOW_S,
        repeats=2,
        layouts=LAYOUTS,
    )
    assert set(told) == set(LAYOUTS)
    for whiles in told.values():
        assert len(whiles) == 2
        for asked in whiles:
            assert asked.per_s > 0
            assert asked.cpu_us > 0
            assert 0 < asked.p50_ms <= asked.p99_ms


def test_a_load_that_is_refused_is_no_measurement(service: Service) -> None:
    with pytest.raises(Failed):
        ask_often(
            service,
            works.additions("no_such_app"),
            connections=CONNECTIONS,
            seconds=0.1,
            repeats=1,
        )


def test_clients_who_cannot_connect_are_told_of(service: Service) -> None:
    nobody = Service(
        host=service.host, port=1, ports=(1,), pids=service.pids, common=service.common
    )
    with pytest.raises(Failed, match="were not made"):
        ask_often(nobody, works.writes(), connections=1, seconds=0.1, repeats=1)


def test_newcomers_are_served_and_those_who_are_connected_are_timed(
    service: Service,
) -> None:
    send_before(service, works.reads())
    told = newcomers.arrival(service, connected=CONNECTIONS, newcomers=2 * CONNECTIONS)
    assert told.served_s > 0
    assert told.p99_ms > 0
    assert newcomers.cpu_ms(service, CONNECTIONS) >= 0
