"""Draws figures as SVG: the same figures yield the same bytes.

One plot holds the figures of one title. Each series is a line through the medians, with
the range of the repeats as a band. Peers and budgets are dashed lines in the same
colour.
"""

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmarks.harness.figure import Figure
from benchmarks.harness.table import number

COLOURS: Final = ("#0b6e99", "#c4552d", "#5b8c3a", "#7d4fa0", "#8a6d1b", "#4a4a4a")
SIZE_INCHES: Final = (8, 3.4)
SPREAD_MIN: Final = 20
"""If values differ by more than this factor, their axis is logarithmic."""


@dataclass(slots=True)
class Series:
    """A line: its points in order, and the points of peers for the same work."""

    points: dict[float, Figure] = field(default_factory=dict)

    def others(self) -> dict[str, dict[float, float]]:
        """Return the points of peers and of budgets, by their names."""
        found: dict[str, dict[float, float]] = {}
        for x, figure in sorted(self.points.items()):
            for name, value in figure.peers.items():
                found.setdefault(name, {})[x] = value
            if figure.budget is not None:
                found.setdefault("budget", {})[x] = figure.budget
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The series of one plot."""

    title: str
    unit: str
    along: str
    series: Mapping[str, Series]


def plots(figures: Iterable[Figure]) -> list[Plot]:
    """Gather the figures that are drawn, in the order in which their titles come."""
    by_title: dict[str, dict[str, Series]] = {}
    axes: dict[str, tuple[str, str]] = {}
    for figure in figures:
        point = figure.point
        if point is None:
            continue
        series = by_title.setdefault(point.plot, {})
        series.setdefault(point.series, Series()).points[point.x] = figure
        axes.setdefault(point.plot, (figure.unit, point.along))
    return [
        Plot(title=title, unit=axes[title][0], along=axes[title][1], series=series)
        for title, series in by_title.items()
    ]


def drawn(plot: Plot) -> bytes:
    """Draw a plot as SVG."""
    return _drawing(lambda axes: _draw(axes, plot))


def _drawing(draw: Callable[[Axes], None]) -> bytes:
    with mpl.rc_context():
        _choose_looks()
        drawing = Drawing(figsize=SIZE_INCHES, layout="constrained")
        draw(drawing.add_subplot())
        drawing.legend(loc="outside right upper", fontsize="small")
        file = io.BytesIO()
        drawing.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    lines = file.getvalue().splitlines()
    return b"\n".join(line.rstrip() for line in lines) + b"\n"


def _choose_looks() -> None:
    """Set everything that determines the bytes, whatever the machine's own settings
    are."""
    mpl.rcdefaults()
    mpl.rcParams["svg.hashsalt"] = (
        "ccfpy"  # for names in the file, which would otherwise be random
    )
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["font.size"] = 9
    mpl.rcParams["axes.spines.top"] = False
    mpl.rcParams["axes.spines.right"] = False
    mpl.rcParams["axes.grid"] = True
    mpl.rcParams["grid.color"] = "#dddddd"
    mpl.rcParams["legend.frameon"] = False


def _draw(axes: Axes, plot: Plot) -> None:
    for place, (name, series) in enumerate(plot.series.items()):
        colour = COLOURS[place % len(COLOURS)]
        xs = sorted(series.points)
        drawn = [series.points[x] for x in xs]
        medians = [figure.median for figure in drawn]
        axes.plot(xs, medians, color=colour, marker="o", markersize=4, label=name)
        axes.fill_between(
            xs,
            [figure.low for figure in drawn],
            [figure.high for figure in drawn],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        for mark, (other, points) in enumerate(series.others().items()):
            axes.plot(
                list(points),
                list(points.values()),
                color=colour,
                linestyle=("--", ":", "-.")[mark % 3],
                marker="x",
                markersize=4,
                label=f"{name}, {other}",
            )
    axes.set_title(plot.title, loc="left")
    axes.set_xlabel(plot.along)
    axes.set_ylabel(plot.unit)
    _scale(axes, plot)


def _scale(axes: Axes, plot: Plot) -> None:
    points = [item for each in plot.series.values() for item in each.points.items()]
    xs = sorted({x for x, _ in points})
    values = [
        value
        for _, figure in points
        for value in (*figure.values, figure.budget, *figure.peers.values())
        if value is not None
    ]
    plain = FuncFormatter(lambda value, _: number(value))
    if min(xs) > 0 and max(xs) > SPREAD_MIN * min(xs):
        axes.set_xscale("log")
        axes.set_xticks(xs, minor=False)
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter(plain)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if min(values) > 0 and max(values) > SPREAD_MIN * min(values):
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(lambda _value, _place: "")
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(plain)
