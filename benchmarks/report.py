"""Writes the figures in ``docs/benchmarks.md`` and its plots from the kept runs.

    python -m benchmarks.report
    python -m benchmarks.report QUESTION …

Without arguments the command replaces the parts of the page between marks such as
``<!-- figures -->`` and ``<!-- end of figures -->``, and draws the plots again. Of each
named question it prints all figures of the last run.

The page shows each figure as measured. If a figure is proportional to the machine's
speed, the page also scales the figure to the reference machine, for which the budgets
hold.
"""

import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.__main__ import questions
from benchmarks.harness import by_hand, record, summary, table
from benchmarks.harness.by_hand import ByHand
from benchmarks.harness.plots import drawn, plots
from benchmarks.harness.question import described
from benchmarks.harness.record import Record

DOCS = Path(__file__).parents[1] / "docs"
PAGE = "benchmarks.md"
PLOTS = "benchmarks"


def filled(
    page: str, records: Mapping[str, Sequence[Record]], measured: Sequence[ByHand]
) -> str:
    """Return the page with the parts between its marks made anew."""
    last = _last(records)
    parts = {
        "figures": f"{summary.summary(last)}\n{summary.verdict(list(last.values()))}",
        "plots": "\n".join(
            f"![{title}]({plot_path(name, title)})\n"
            for name, title in summary.PLOTS
            if name in last
        ),
        "slower": summary.slower(last, measured),
        "questions": "".join(f"* `{name}`: {text}\n" for name, text in _asked()),
    }
    for name, part in parts.items():
        page = _replaced(page, name, part)
    return page


def _last(records: Mapping[str, Sequence[Record]]) -> dict[str, Record]:
    return {name: runs[-1] for name, runs in records.items() if runs}


def _asked() -> list[tuple[str, str]]:
    """Return the name and the text of each question."""
    return [
        (name, importlib.import_module(f"benchmarks.{name}").QUESTION.text)
        for name in questions()
    ]


def _replaced(page: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no part {name}")
    return f"{before}{begin}\n{part}\n{end}{after}"


def plot_path(question: str, title: str) -> str:
    """Return a plot's file, from the folder of documents."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"{PLOTS}/{question}-{slug}.svg"


def drawings(records: Mapping[str, Sequence[Record]]) -> dict[str, bytes]:
    """Return the page's plots, by their files."""
    files = {}
    for name, run in _last(records).items():
        titles = [title for question, title in summary.PLOTS if question == name]
        slowness = run.machine.slowness
        figures = [figure.on_reference(slowness) for figure in run.figures]
        for plot in plots(figures):
            if plot.title in titles:
                files[plot_path(name, plot.title)] = drawn(plot)
    return files


def section(name: str, run: Record) -> str:
    """Return every figure of a run as a table."""
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


def write(folder: Path = DOCS) -> None:
    """Write the page and its plots, and remove plots that the page no longer shows."""
    records = record.read()
    page = folder / PAGE
    page.write_text(filled(page.read_text("utf-8"), records, by_hand.read()), "utf-8")
    files = drawings(records)
    (folder / PLOTS).mkdir(exist_ok=True)
    for path in (folder / PLOTS).glob("*.svg"):
        if f"{PLOTS}/{path.name}" not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def main(names: Sequence[str]) -> int:
    """Write the page, or print the last runs of the named questions."""
    if not names:
        write()
        return 0
    last = _last(record.read())
    for name in names:
        if name not in last:
            print(f"no run was kept of {name}", file=sys.stderr)
            return 2
        print(section(name, last[name]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
