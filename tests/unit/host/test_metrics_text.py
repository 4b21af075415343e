"""Metrics as Prometheus reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.base.histogram import Histogram
from ccfpy.boundary.metrics import METRICS
from ccfpy.host.metrics_text import Sample, render
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
    monkeypatch.setattr("ccfpy.host.metrics_text.METRICS_SERIES_MAX", 3)
    samples = [Sample("sessions_active", (str(i),), (1,)) for i in range(3)]
    assert render(samples)[1] == 0
    text, left_out = render([*samples, Sample("ledger_bytes", (), (1,))])
    assert left_out == 1
    assert total(text, "ccfpy_sessions_active") == 3
    assert "ledger_bytes" not in text


def test_the_bound_is_more_than_all_metrics_without_labels_of_an_app() -> None:
    assert len(METRICS) * 10 < limits.METRICS_SERIES_MAX
