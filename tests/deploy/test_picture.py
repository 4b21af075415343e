"""The dashboard's picture: what its panels say of the series that were found."""

import json
from xml.etree import ElementTree as ET

import pytest

from deploy.monitoring.picture import (
    DASHBOARD,
    LEGENDS_MAX,
    Picture,
    Series,
    named,
    shown,
    ticks_of,
)

BEGIN, END = 1000.0, 1060.0
TEXT = "{http://www.w3.org/2000/svg}text"


class _Found:
    """Answers each query but one with the same series, and keeps the queries."""

    def __init__(self, series: list[Series], *, nothing_for: str = "never") -> None:
        self.queries: list[str] = []
        self._series = series
        self._nothing_for = nothing_for

    def ask(self, query: str, _: str, /) -> list[Series]:
        self.queries.append(query)
        return [] if self._nothing_for in query else self._series


def _line(name: str, *values: float) -> Series:
    return Series(name, tuple((BEGIN + 10 * n, v) for n, v in enumerate(values)))


def _drawn(found: _Found) -> tuple[Picture, list[str]]:
    picture = Picture(found, BEGIN, END, "mine")
    root = ET.fromstring(picture.draw(json.loads(DASHBOARD.read_text())))
    return picture, [element.text or "" for element in root.iter(TEXT)]


def test_the_whole_dashboard_is_drawn_by_its_own_queries() -> None:
    found = _Found([_line("one", 0, 5, 9), _line("two & more", 1, 1, 1)])
    picture, texts = _drawn(found)
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert not picture.empty
    assert {panel["title"] for panel in panels} <= set(texts)
    assert texts.count("two & more") > 40
    assert "00:16:40" in texts
    assert len(found.queries) == sum(len(each.get("targets", [])) for each in panels)
    assert not [query for query in found.queries if "$" in query]
    assert 'service="mine"' in found.queries[0]


def test_a_panel_without_data_says_so() -> None:
    found = _Found([_line("one", 1)], nothing_for="ccfpy_consensus_view{")
    picture, texts = _drawn(found)
    assert picture.empty == ["View"]
    assert texts.count("no data") == 1


def test_a_stat_leaves_out_what_has_ended() -> None:
    _, texts = _drawn(_Found([_line("now", 1, 1, 1), _line("then", 1, 1)]))
    stats = sum(
        panel["type"] == "stat" for panel in json.loads(DASHBOARD.read_text())["panels"]
    )
    assert texts.count("now") - texts.count("then") == stats


def test_a_legend_that_is_too_long_says_how_many_it_leaves_out() -> None:
    _, texts = _drawn(_Found([_line(f"n{at}", 1) for at in range(LEGENDS_MAX + 2)]))
    assert "and 2 more" in texts
    assert f"n{LEGENDS_MAX}" not in texts


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0025, "s", "2.5 ms"),
        (7_776_000, "s", "90 d"),
        (78_260_000_000, "bytes", "78.3 GB"),
        (1500, "Bps", "1.5 kB/s"),
        (0.08, "percentunit", "8 %"),
        (12, "reqps", "12/s"),
        (4321, "none", "4321"),
        (0, "s", "0"),
    ],
)
def test_values_are_shown_in_their_units(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (0, 0), (3, 3), (78.2e9, 78.3e9), (0, 0.0007), (-1, 8)]
)
def test_an_axis_has_a_few_round_values_around_what_is_shown(
    low: float, high: float
) -> None:
    ticks = ticks_of(low, high)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert ticks == sorted(ticks)


def test_a_series_is_named_by_its_legend_or_by_its_labels() -> None:
    labels = {"__name__": "up", "instance": "a:1", "of": "node"}
    assert named("{{instance}} {{of}}", labels) == "a:1 node"
    assert named("{{missing}} x", labels) == "x"
    assert named("", labels) == "a:1, node"


def test_a_line_ends_where_there_are_no_values() -> None:
    points = ((BEGIN, 1.0), (BEGIN + 10, 1.0), (BEGIN + 40, 2.0), (BEGIN + 60, 2.0))
    whole, broken = (
        Picture(_Found([Series("one", each)]), BEGIN, END, "mine")
        for each in (points[:2], points)
    )
    dashboard = json.loads(DASHBOARD.read_text())
    lines = [picture.draw(dashboard).count("<polyline") for picture in (whole, broken)]
    assert lines[1] == 3 * lines[0] > 0


def test_a_legend_of_long_names_has_a_few_lines() -> None:
    long = [
        _line(f"a name that takes most of a line of a legend {at}", 1)
        for at in range(6)
    ]
    _, texts = _drawn(_Found(long))
    assert "and 3 more" in texts
