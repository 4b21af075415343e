"""The list of metrics obeys Prometheus's rules for names."""

import re

import pytest

from ccfpy.boundary.metrics import METRICS, Metric, MetricKind

ALL = list(METRICS.values())
NAMES = [metric.name for metric in ALL]


@pytest.mark.parametrize("metric", ALL, ids=NAMES)
def test_a_name_says_its_kind_and_unit(metric: Metric) -> None:
    assert re.fullmatch("[a-z][a-z0-9_]*", metric.name)
    assert metric.name.endswith("_total") is (metric.kind is MetricKind.COUNTER)
    if metric.per_unit != 1:
        assert "_seconds" in metric.name
    assert metric.about.endswith(".")
    assert "\n" not in metric.about


@pytest.mark.parametrize("metric", ALL, ids=NAMES)
def test_a_histogram_alone_has_rising_edges(metric: Metric) -> None:
    assert bool(metric.edges) is (metric.kind is MetricKind.HISTOGRAM)
    assert list(metric.edges) == sorted(set(metric.edges))
    assert metric.value_count == (len(metric.edges) + 2 if metric.edges else 1)


def test_no_name_occurs_twice() -> None:
    assert len(set(NAMES)) == len(NAMES)


def test_no_label_is_one_of_histograms() -> None:
    assert not [m.name for m in ALL if {"le", "quantile"} & set(m.labels)]
