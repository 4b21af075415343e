"""A node's metrics: in time, in form, or not at all."""

import asyncio
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.histogram import Histogram
from ccfpy.boundary.effects import DescribeMetrics, MetricSeries, ReportMetrics
from ccfpy.boundary.events import Event, ScrapeMetrics
from ccfpy.boundary.metrics import METRICS
from ccfpy.host import metrics
from ccfpy.host.log import Journal
from ccfpy.host.metrics import EnclaveMetrics, Sample, render, samples_of, usage_of
from tests.exposition import read, total, value


def test_no_metric_makes_no_text() -> None:
    assert render([]) == ("", 0)


def test_a_counter_and_a_gauge_in_their_units() -> None:
    text, _ = render(
        [
            Sample("log_lines_total", ("info",), (7,)),
            Sample("ledger_bytes", (), (1 << 40,)),
            Sample("boundary_congested_seconds_total", (), (1_500_000_000,)),
        ]
    )
    assert "ccfpy_ledger_bytes 1099511627776\n" in text
    assert 'ccfpy_log_lines_total{level="info"} 7\n' in text
    assert "ccfpy_boundary_congested_seconds_total 1.5\n" in text
    assert read(text)["ccfpy_log_lines_total"].kind == "counter"


def test_a_histogram_counts_upwards_in_seconds() -> None:
    name = "ledger_append_duration_seconds"
    histogram = Histogram(METRICS[name].edges)
    for elapsed_ns in (50_000, 100_000, 400_000, 20_000_000_000):
        histogram.observe(elapsed_ns)
    text, _ = render([Sample(name, (), histogram.values)])
    assert value(text, f"ccfpy_{name}_bucket", le="0.0001") == 2
    assert value(text, f"ccfpy_{name}_bucket", le="10.0") == 3
    assert value(text, f"ccfpy_{name}_count") == 4
    assert value(text, f"ccfpy_{name}_sum") == pytest.approx(20.00055)


@given(st.text())
def test_any_label_is_read_back_as_it_was(word: str) -> None:
    word = "".join(word.splitlines())  # a host's names have no other line ends
    text, _ = render([Sample("sessions_active", (word,), (1,))])
    assert value(text, "ccfpy_sessions_active", interface=word) == 1


def test_a_line_end_a_quote_and_a_backslash_are_escaped() -> None:
    text, _ = render([Sample("sessions_active", ('a"b\\c\nd',), (1,))])
    assert r'{interface="a\"b\\c\nd"}' in text


def test_as_many_series_as_the_bound_are_served_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ccfpy.host.metrics.METRICS_SERIES_MAX", 3)
    samples = [Sample("sessions_active", (str(i),), (1,)) for i in range(3)]
    assert render(samples)[1] == 0
    text, left_out = render([*samples, Sample("ledger_bytes", (), (1,))])
    assert left_out == 1
    assert total(text, "ccfpy_sessions_active") == 3
    assert "ledger_bytes" not in text


def test_the_bound_is_more_than_all_metrics_without_labels_of_an_app() -> None:
    assert len(METRICS) * 10 < limits.METRICS_SERIES_MAX


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
    monkeypatch.setattr(metrics, "METRICS_ENCLAVE_MS_MAX", 1)
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


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_this_process_takes_something() -> None:
    usage = usage_of(os.getpid())
    assert usage is not None
    assert usage.resident_bytes > 1 << 20
    assert usage.cpu_ns > 0
    assert usage.open_files
    assert 0 < time.time() - usage.started_ns / 1e9 < 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_a_process_that_is_gone_takes_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert usage_of(gone.pid) is None
