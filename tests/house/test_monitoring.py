"""The alert rules and the dashboard use metrics that nodes have."""

import json
import re

import pytest

from ccfpy.boundary.metrics import METRICS, PREFIX, MetricKind
from tests.deploy.tools import need, ok, run
from tests.house.tree import ROOT

FOLDER = ROOT / "deploy/monitoring"
NAME = re.compile(rf"\b{PREFIX}[a-z0-9_]+")
SELECTOR = re.compile(rf"\b({PREFIX}[a-z0-9_]+)\{{([^}}]*)\}}")
LABEL = re.compile(r"([a-z_]+)\s*=~?|!=")
TARGET_LABELS = {"service", "instance", "job", "le"}
FILES = ("rules.yml", "rules.test.yml", "dashboard.json", "prometheus.yml")


def _series() -> dict[str, str]:
    """Return the metric of each name that a series can have."""
    names: dict[str, str] = {}
    for metric in METRICS.values():
        is_histogram = metric.kind is MetricKind.HISTOGRAM
        for end in ("_bucket", "_sum", "_count") if is_histogram else ("",):
            names[PREFIX + metric.name + end] = metric.name
    return names


@pytest.mark.parametrize("file", FILES)
def test_every_metric_that_is_named_exists(file: str) -> None:
    named = set(NAME.findall((FOLDER / file).read_text()))
    assert named <= set(_series()), sorted(named - set(_series()))


@pytest.mark.parametrize("file", ["rules.yml", "dashboard.json"])
def test_every_label_that_is_selected_is_one_of_the_metric(file: str) -> None:
    text = (FOLDER / file).read_text().replace('\\"', '"')
    wrong = [
        (series, label)
        for series, selectors in SELECTOR.findall(text)
        for label in LABEL.findall(selectors)
        if label
        and label not in TARGET_LABELS
        and label not in METRICS[_series()[series]].labels
    ]
    assert not wrong


def test_the_dashboard_shows_every_metric() -> None:
    series = _series()
    text = (FOLDER / "dashboard.json").read_text()
    shown = {series[name] for name in NAME.findall(text)}
    assert not set(METRICS) - shown - {"enclave_answers", "consensus_nodes"}


def test_the_dashboards_panels_have_numbers_of_their_own() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert sum(panel["type"] == "row" for panel in panels) == 6
    assert all(panel["targets"] for panel in panels if panel["type"] != "row")


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules.test.yml"),
        ("check", "config", "prometheus.yml"),
    ],
    ids=" ".join,
)
def test_prometheus_accepts_the_files(words: tuple[str, ...]) -> None:
    need("promtool")
    ok(run("promtool", *words, cwd=FOLDER))
