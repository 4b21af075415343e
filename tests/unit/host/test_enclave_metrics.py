"""The enclave's metrics in the host: in time, in form, or not at all."""

import asyncio
import io
from collections.abc import Callable

import pytest

from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.events import Event, ScrapeMetrics
from ccfpy.host import enclave_metrics
from ccfpy.host.enclave_metrics import EnclaveMetrics, samples_of
from ccfpy.host.log import Journal
from ccfpy.host.metrics_text import Sample

VIEW = MetricSeries(name="consensus_view", labels=())
WAITS = MetricSeries(name="http_commit_wait_seconds", labels=())


def _asked(answer: Callable[[EnclaveMetrics], None]) -> list[Sample] | None:
    posted: list[Event] = []
    journal = Journal(io.BytesIO())

    async def run() -> list[Sample] | None:
        metrics = EnclaveMetrics(posted.append, journal)
        asyncio.get_running_loop().call_soon(answer, metrics)
        return await metrics.samples()

    samples = asyncio.run(run())
    assert posted == [ScrapeMetrics()]
    return samples


def test_a_report_is_read_by_the_series_described_before() -> None:
    def answer(metrics: EnclaveMetrics) -> None:
        metrics.described(DescribeMetrics(series=(VIEW,)))
        metrics.reported(ReportMetrics(values=(7,)))
        metrics.reported(ReportMetrics(values=(8,)))

    assert _asked(answer) == [Sample("consensus_view", (), (7,))]


def test_an_enclave_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enclave_metrics, "METRICS_ENCLAVE_MS_MAX", 1)
    assert _asked(lambda _: None) is None


def test_an_answer_out_of_form_is_none() -> None:
    assert _asked(lambda metrics: metrics.reported(ReportMetrics(values=(1,)))) is None


@pytest.mark.parametrize(
    ("series", "count"),
    [
        ((VIEW,), 0),
        ((VIEW,), 2),
        ((VIEW, WAITS), 15),
        ((VIEW, WAITS), 17),
        ((MetricSeries(name="nothing", labels=()),), 1),
        ((MetricSeries(name="ledger_bytes", labels=()),), 1),
        ((MetricSeries(name="consensus_view", labels=("a",)),), 1),
    ],
)
def test_values_that_do_not_fit_their_series_are_refused(
    series: tuple[MetricSeries, ...], count: int
) -> None:
    with pytest.raises(ValueError, match="series"):
        list(samples_of(series, (1,) * count))


def test_a_histogram_takes_as_many_values_as_it_has() -> None:
    (view, waits) = samples_of((VIEW, WAITS), tuple(range(16)))
    assert view.values == (0,)
    assert waits.values == tuple(range(1, 16))
