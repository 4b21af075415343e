"""Draws the dashboard as one picture, by its own queries, from what Prometheus has.

    python -m deploy.monitoring.picture --service NAME --minutes 5 --out dashboard.svg

Grafana is not needed. The picture has the dashboard's grid, titles, units and legends.
The program ends with 1 if a panel has no data.
"""

import argparse
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol
from xml.sax.saxutils import escape

DASHBOARD: Final = Path(__file__).with_name("dashboard.json")
WIDTH: Final = 1200
COLUMN: Final = WIDTH / 24
ROW: Final = 28
"""Pixels of one unit of the dashboard's grid, across and down."""
LEGENDS_MAX: Final = 6
LEGEND_LINES_MAX: Final = 3
POINTS: Final = 60
COLORS: Final = (
    "#1f6fb4",
    "#d1601f",
    "#2a8a43",
    "#b3306e",
    "#7a5bb5",
    "#8a6d1d",
    "#2b9aa0",
    "#6b6b6b",
)
_LEGEND: Final = re.compile(r"\{\{(\w+)\}\}")
_CHAR: Final = 5.7
"""About how wide a character of a legend is."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, and its values by their times."""

    name: str
    points: tuple[tuple[float, float], ...]


class Source(Protocol):
    """Answers a query with what it found between two times."""

    def ask(self, query: str, legend: str, /) -> list[Series]:
        """Return the series of a query, named as the legend says."""
        ...


class Prometheus:
    """A server of Prometheus, asked about a span of time."""

    def __init__(self, url: str, begin: float, end: float) -> None:
        self.begin, self.end = begin, end
        self._url = url
        self._step = max(1, round((end - begin) / POINTS))

    def ask(self, query: str, legend: str, /) -> list[Series]:
        """Return the series of a query, named as the legend says."""
        words = urllib.parse.urlencode(
            {"query": query, "start": self.begin, "end": self.end, "step": self._step}
        )
        url = f"{self._url}/api/v1/query_range?{words}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # as given
            found = json.load(answer)["data"]["result"]
        return [
            Series(named(legend, each["metric"]), tuple(_finite(each["values"])))
            for each in found
        ]


def named(legend: str, labels: dict[str, str]) -> str:
    """Return a series' name: a legend with labels in it, or the labels."""
    if legend and legend != "__auto":
        return _LEGEND.sub(lambda word: labels.get(word[1], ""), legend).strip()
    return ", ".join(value for name, value in labels.items() if name[0] != "_")


def _finite(values: Sequence[tuple[float, str]]) -> Iterator[tuple[float, float]]:
    for at, text in values:
        if math.isfinite(value := float(text)):
            yield at, value


def shown(value: float, unit: str, digits: int = 3) -> str:
    """Write a value in its unit, short enough for an axis."""
    match unit:
        case "s":
            return _duration(value, digits)
        case "bytes" | "Bps":
            return _scaled(value, "B", digits) + ("/s" if unit == "Bps" else "")
        case "percentunit":
            return f"{_number(value * 100, digits)} %"
        case "reqps" | "ops":
            return f"{_number(value, digits)}/s"
        case _:
            return _scaled(value, "", digits).rstrip()


def _duration(value: float, digits: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if abs(value) >= size:
            return f"{_number(value / size, digits)} {unit}"
    return f"{_number(value * 1000, digits)} ms" if value else "0"


def _scaled(value: float, unit: str, digits: int) -> str:
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        # Small whole numbers, such as seqnos, stay as they are.
        if abs(value) >= size * (1 if unit else 10):
            return f"{_number(value / size, digits)} {prefix}{unit}"
    return f"{_number(value, digits)} {unit}"


def _number(value: float, digits: int) -> str:
    whole = len(str(abs(round(value))))
    return f"{value:.{max(digits, whole)}g}"


def _labels(ticks: Sequence[float], unit: str) -> list[str]:
    """Write the values of an axis with as many digits as tell them apart."""
    labels: list[str] = []
    for digits in range(3, 9):
        labels = [shown(tick, unit, digits) for tick in ticks]
        if len(set(labels)) == len(labels):
            break
    return labels


def ticks_of(low: float, high: float) -> list[float]:
    """Return round values from ``low`` to ``high`` or beyond, three to six of them."""
    span = high - low or abs(high) or 1
    step = 10 ** math.floor(math.log10(span / 3))
    step *= next(times for times in (1, 2, 5, 10) if span / (step * times) <= 4)  # noqa: PLR2004
    first, last = math.floor(low / step), math.ceil(high / step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


class Picture:
    """An SVG of a dashboard, panel by panel.

    Attributes:
        empty: titles of the panels that have no data.
    """

    def __init__(self, source: Source, begin: float, end: float, service: str) -> None:
        self.empty: list[str] = []
        self._source = source
        self._begin, self._end = begin, end
        window = max(10, round((end - begin) / 12))
        self._words = {"$service": service, "$__rate_interval": f"{window}s"}
        self._parts: list[str] = []

    def draw(self, dashboard: dict[str, Any]) -> str:
        """Return the picture."""
        panels = dashboard["panels"]
        height = ROW * max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels)
        for panel in panels:
            self._panel(panel)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{height}" viewBox="0 0 {WIDTH} {height}" '
            'font-family="DejaVu Sans, Verdana, sans-serif">\n'
            '<rect width="100%" height="100%" fill="#f4f5f7"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )

    def _panel(self, panel: dict[str, Any]) -> None:
        grid = panel["gridPos"]
        x, y = grid["x"] * COLUMN, grid["y"] * ROW
        width, height = grid["w"] * COLUMN, grid["h"] * ROW
        if panel["type"] == "row":
            self._text(x + 10, y + 20, panel["title"], size=16, weight="bold")
            return
        self._parts.append(
            f'<rect x="{x + 3:g}" y="{y + 3:g}" width="{width - 6:g}" '
            f'height="{height - 6:g}" rx="3" fill="#fff" stroke="#d4d7dc"/>'
        )
        self._text(x + 12, y + 20, panel["title"], size=12, weight="bold")
        found = [
            series
            for target in panel["targets"]
            for series in self._source.ask(
                self._query(target["expr"]), target.get("legendFormat", "")
            )
            if series.points
        ]
        if not found:
            self.empty.append(panel["title"])
            self._text(x + width / 2, y + height / 2, "no data", size=12, mid=True)
            return
        found.sort(key=lambda series: series.name)
        unit = panel["fieldConfig"]["defaults"].get("unit", "none")
        if panel["type"] == "stat":
            self._stat(panel, found, unit, (x, y, width, height))
        else:
            self._lines(found, unit, (x, y, width, height))

    def _query(self, query: str) -> str:
        for word, value in self._words.items():
            query = query.replace(word, value)
        return query

    def _stat(
        self,
        panel: dict[str, Any],
        found: Sequence[Series],
        unit: str,
        place: tuple[float, float, float, float],
    ) -> None:
        """Write the newest values, each with its name."""
        x, y, width, _ = place
        # What has ended since is not shown.
        newest = max(series.points[-1][0] for series in found)
        is_now = [each for each in found if each.points[-1][0] == newest]
        with_value = panel.get("options", {}).get("textMode") != "name"
        for number, series in enumerate(is_now[:5]):
            at = y + 52 + number * 28
            self._text(x + 14, at, series.name, size=12 if with_value else 14)
            if with_value:
                value = shown(series.points[-1][1], unit)
                self._text(
                    x + width - 16, at, value, size=20, color=COLORS[0], end=True
                )

    def _lines(
        self,
        found: Sequence[Series],
        unit: str,
        place: tuple[float, float, float, float],
    ) -> None:
        """Draw each series over time, with the axes and a legend."""
        x, y, width, height = place
        rows = _legend_rows([series.name for series in found], width - 24)
        left, right = x + 66, x + width - 14
        top, bottom = y + 32, y + height - 26 - 13 * len(rows)
        values = [value for series in found for _, value in series.points]
        low, high = min(values), max(values)
        if 0 <= low < high * 0.7 or low == high:
            low = min(low, 0)
        ticks = ticks_of(low, high)
        low, high = ticks[0], ticks[-1]

        def down(value: float) -> float:
            return bottom - (value - low) / (high - low) * (bottom - top)

        def across(at: float) -> float:
            span = self._end - self._begin
            return left + (at - self._begin) / span * (right - left)

        for tick, label in zip(ticks, _labels(ticks, unit), strict=True):
            self._rule(left, down(tick), right, down(tick))
            self._text(left - 5, down(tick) + 3.5, label, end=True)
        for part in (0, 1 / 3, 2 / 3, 1):
            at = self._begin + part * (self._end - self._begin)
            clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
            self._text(
                across(at), bottom + 13, clock, mid=part not in {0, 1}, end=part == 1
            )
        for number, series in enumerate(found):
            for piece in _pieces(series.points):
                path = " ".join(
                    f"{across(at):.1f},{down(value):.1f}" for at, value in piece
                )
                self._parts.append(
                    f'<polyline points="{path}" fill="none" stroke-width="1.4" '
                    f'stroke="{COLORS[number % len(COLORS)]}" stroke-linejoin="round" '
                    'stroke-linecap="round"/>'
                )
        self._legend(rows, x + 12, bottom + 28)

    def _legend(
        self, rows: Sequence[Sequence[tuple[int, str]]], x: float, y: float
    ) -> None:
        for line, row in enumerate(rows):
            at = x
            for number, name in row:
                color = COLORS[number % len(COLORS)]
                below = y + line * 13
                self._parts.append(
                    f'<rect x="{at:.0f}" y="{below - 6:.0f}" width="10" height="4" '
                    f'fill="{color}"/>'
                )
                self._text(at + 14, below, name)
                at += 26 + len(name) * _CHAR

    def _rule(self, x: float, y: float, to: float, down: float) -> None:
        self._parts.append(
            f'<path d="M{x:.1f} {y:.1f}L{to:.1f} {down:.1f}" stroke="#e3e5e8"/>'
        )

    def _text(  # noqa: PLR0913  # what SVG's text has
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 10,
        weight: str = "normal",
        color: str = "#24292e",
        mid: bool = False,
        end: bool = False,
    ) -> None:
        anchor = "middle" if mid else "end" if end else "start"
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'fill="{color}" text-anchor="{anchor}">{escape(text)}</text>'
        )


def _pieces(
    points: Sequence[tuple[float, float]],
) -> Iterator[list[tuple[float, float]]]:
    """Break a line where it has no values; each piece has two points at least."""
    step = min((b[0] - a[0] for a, b in pairwise(points)), default=1)
    piece = [points[0]]
    for point in points[1:]:
        if point[0] - piece[-1][0] > 1.5 * step:
            yield piece if piece[1:] else piece * 2
            piece = []
        piece.append(point)
    yield piece if piece[1:] else piece * 2


def _legend_rows(names: Sequence[str], width: float) -> list[list[tuple[int, str]]]:
    """Break a legend into a few lines; say how many names are left out, if some are."""
    rows: list[list[tuple[int, str]]] = []
    for count in range(min(len(names), LEGENDS_MAX), 0, -1):
        entries = list(enumerate(names[:count]))
        if count < len(names):
            entries.append((count, f"and {len(names) - count} more"))
        rows = _broken(entries, width)
        if len(rows) <= LEGEND_LINES_MAX:
            break
    return rows


def _broken(
    entries: Sequence[tuple[int, str]], width: float
) -> list[list[tuple[int, str]]]:
    rows: list[list[tuple[int, str]]] = [[]]
    room = width
    for number, name in entries:
        need = 26 + len(name) * _CHAR
        if rows[-1] and need > room:
            rows.append([])
            room = width
        rows[-1].append((number, name))
        room -= need
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the dashboard; return 1 if a panel has no data."""
    parser = argparse.ArgumentParser(prog="python -m deploy.monitoring.picture")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--service", required=True, help="the label `service`")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    end = time.time()
    begin = end - chosen.minutes * 60
    source = Prometheus(chosen.prometheus, begin, end)
    picture = Picture(source, begin, end, chosen.service)
    chosen.out.write_text(picture.draw(json.loads(DASHBOARD.read_text())))
    for title in picture.empty:
        sys.stderr.write(f"no data: {title}\n")
    return 1 if picture.empty else 0


if __name__ == "__main__":
    sys.exit(main())
