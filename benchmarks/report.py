"""Writes ``docs/benchmarks.md`` and its plots from the kept runs.

    python -m benchmarks.report

The page shows the last run of each question, and plots over time show all runs. The
page shows each figure as measured. If a figure is proportional to the machine's speed,
the page also scales the figure to the reference machine, for which the budgets hold.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.__main__ import questions
from benchmarks.harness import record, table
from benchmarks.harness.figure import Better, Figure, Held, Point
from benchmarks.harness.plots import drawn, plots
from benchmarks.harness.question import described
from benchmarks.harness.record import Record

DOCS = Path(__file__).parents[1] / "docs"
PAGE = "benchmarks.md"
PLOTS = "benchmarks"
OVER_TIME_MAX = 6
"""The number of figures of a question that are drawn over time: more lines look
alike."""
INTRODUCTION = """\
# What was measured

`python -m benchmarks.report` makes this page from the runs in `benchmarks/results/`.
`make bench` asks all questions anew. [The page on benchmarks](../benchmarks/README.md)
says how to read a figure, and how to ask a new question.
[The page of results](../benchmarks/RESULTS.md) has figures that were measured by hand,
with their circumstances. It also compares ccfpy with CCF, both loaded in turns on one
machine.

A figure is the median of its repeats. Each run measures how many times as long its
machine takes as a reference machine. The scaled figure is the figure divided by that
number, or multiplied where more is better. Budgets are compared with scaled figures,
and plots show scaled figures, with the range of the repeats as a band. Compare a scaled
figure with a budget and with nothing else: other programs are compared only within one
run. Some budgets are compared with the best or the worst of the repeats, and say so.
"""
SUMMARY = ("question", "figure", "scaled", "budget", "")


def page(records: Mapping[str, Sequence[Record]]) -> dict[str, bytes]:
    """Return the page and its plots, by their names from the folder of documents."""
    files: dict[str, bytes] = {}
    last = [runs[-1] for runs in records.values() if runs]
    parts = [INTRODUCTION, _speeds(last), *_unkept(records), _summary(last)]
    for name, runs in records.items():
        if not runs:
            continue
        parts.append(_section(name, runs[-1]))
        for title, svg in _drawings(runs):
            path = f"{PLOTS}/{name}-{_slug(title)}.svg"
            assert path not in files, path
            files[path] = svg
            parts.append(f"![{title}]({path})\n")
    return {PAGE: "\n".join(parts).encode()} | files


def _speeds(runs: Sequence[Record]) -> str:
    """Return a sentence on how much the speeds of the measuring machines differ."""
    timed = [run for run in runs if any(figure.scales for figure in run.figures)]
    each = [run.machine.slowness for run in timed]
    if not each:
        return ""
    least, most = table.number(min(each)), table.number(max(each))
    return (
        f"Depending on the run, a machine took from {least} to {most} times as long as"
        " the reference machine. On one machine, a smaller difference between two"
        " figures means nothing.\n"
    )


def _unkept(records: Mapping[str, Sequence[Record]]) -> Iterable[str]:
    """Return the names of the questions that have no answer here."""
    names = [f"`{name}`" for name in questions() if not records.get(name)]
    if names:
        yield f"No run was kept of {', '.join(names)}.\n"


def _summary(runs: Iterable[Record]) -> str:
    """Return a row for each figure that has a budget."""
    rows = [
        table.row(
            (
                f"[{run.question}](#{run.question})",
                figure.name,
                f"{table.number(reference.held_value())} {figure.unit}{_held(figure)}",
                table.bound(figure),
                "over" if figure.is_exceeded(run.machine.slowness) else "within",
            )
        )
        for run in runs
        for figure in run.figures
        if figure.budget is not None
        for reference in (figure.on_reference(run.machine.slowness),)
    ]
    lines = ["## At a glance\n", table.row(SUMMARY), table.row("---" for _ in SUMMARY)]
    return "\n".join([*lines, *rows]) + "\n"


def _held(figure: Figure) -> str:
    if figure.held is Held.MEDIAN or len(figure.values) == 1:
        return ""
    return f", {figure.held} of {len(figure.values)}"


def _section(name: str, run: Record) -> str:
    how = ", quick" if run.is_quick else ""
    state = run.commit.name + ("" if run.commit.is_clean else " and changes")
    lines = [
        f"## {name}\n",
        f"{run.text}\n",
        f"{run.at}{how}, at {state}. {described(run.machine)}.\n",
        table.head(),
        *(table.figure_row(figure, run.machine.slowness) for figure in run.figures),
    ]
    return "\n".join(lines) + "\n"


def _drawings(runs: Sequence[Record]) -> Iterable[tuple[str, bytes]]:
    last = runs[-1]
    figures = [figure.on_reference(last.machine.slowness) for figure in last.figures]
    for plot in [*plots(figures), *plots(_over_time(runs))]:
        yield plot.title, drawn(plot)


def _over_time(runs: Sequence[Record]) -> list[Figure]:
    """Return each run's figures as parts of their budgets, if there are many.

    The runs are of the same kind as the last one: quick runs differ from thorough runs,
    and compiled modules from others, even if the code did not change. The figures are
    those that were closest to their budgets, or worst, in the last run.
    """
    runs = [run for run in runs if _kind(run) == _kind(runs[-1])]
    if len(runs) == 1:
        return []
    parts = {
        figure.name: _part(figure.on_reference(runs[-1].machine.slowness))
        for figure in runs[-1].figures
        if figure.budget
    }
    drawn = sorted(parts, key=parts.__getitem__, reverse=True)[:OVER_TIME_MAX]
    return [
        Figure(
            name=f"{figure.name}, run {number}",
            unit="of the budget, less is better",
            values=(_part(figure.on_reference(run.machine.slowness)),),
            point=Point(
                plot=f"{run.question}: runs, to their budgets",
                series=figure.name,
                x=number,
                along="run",
            ),
        )
        for number, run in enumerate(runs, 1)
        for figure in run.figures
        if figure.budget and figure.name in drawn
    ]


def _kind(run: Record) -> tuple[bool, bool]:
    return run.is_quick, run.machine.is_compiled


def _part(figure: Figure) -> float:
    assert figure.budget
    ratio = figure.held_value() / figure.budget
    return ratio if figure.better is Better.LESS else 1 / ratio


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def write(folder: Path = DOCS) -> None:
    """Write the page and its plots, and remove plots that the page no longer shows."""
    files = page(record.read())
    for path in (folder / PLOTS).glob("*.svg"):
        if f"{PLOTS}/{path.name}" not in files:
            path.unlink()
    (folder / PLOTS).mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main() -> int:
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
