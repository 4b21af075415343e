"""The page on benchmarks says what the kept runs say, and every question is asked."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import report
from benchmarks.harness import by_hand, record, summary
from benchmarks.harness.by_hand import ByHand
from benchmarks.harness.figure import Better, Figure
from benchmarks.harness.plots import drawn, plots
from tests.house.test_benchmark_figures import WRITE, record_of
from tests.house.tree import ROOT

# These tests import every question, and draw plots.
pytestmark = pytest.mark.slow

RATE = Figure(
    name="a write: answered",
    unit="a second",
    values=(10_000, 11_000),
    better=Better.MORE,
    budget=26_000,
    scales=True,
)
HEADER = "subject,figure,better,value,low,high,unit,commit,date,conditions\n"


def test_the_page_says_what_the_data_says() -> None:
    page = (report.DOCS / report.PAGE).read_text("utf-8")
    made = report.filled(page, record.read(), by_hand.read())
    assert made == page, "run python -m benchmarks.report"


def test_the_plots_are_drawn_from_the_data_and_are_on_the_page() -> None:
    files = report.drawings(record.read())
    assert set(files) == {report.plot_path(*plot) for plot in summary.PLOTS}
    for name, content in files.items():
        assert (report.DOCS / name).read_bytes() == content, name
    kept = (report.DOCS / report.PLOTS).iterdir()
    assert {f"{report.PLOTS}/{path.name}" for path in kept} == set(files)


def test_the_machines_are_as_the_page_describes_them() -> None:
    runs = [runs[-1] for runs in record.read().values()]
    assert {run.machine.processors for run in runs} == {2}
    assert {run.machine.python.rpartition(".")[0] for run in runs} == {"CPython 3.11"}


@pytest.mark.parametrize("name", bench.questions())
def test_every_file_asks_the_question_that_it_is_named_after(name: str) -> None:
    question = importlib.import_module(f"benchmarks.{name}").QUESTION
    assert question.slug == name
    assert question.text.endswith("?")


def test_every_question_has_a_run_and_every_run_a_question() -> None:
    records = record.read()
    assert list(records) == bench.questions()
    for name, runs in records.items():
        assert {run.question for run in runs} == {name}


def test_questions_may_be_named_and_others_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.parsed(["step", "--keep"]) == (["step"], ["--keep"])
    assert bench.parsed(["--quick"]) == (bench.questions(), ["--quick"])
    with pytest.raises(SystemExit):
        bench.parsed(["report"])
    assert "no such question: report" in capsys.readouterr().err


def test_all_figures_of_a_question_can_be_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report.main(["scale"]) == 0
    printed = capsys.readouterr().out
    last = record.read()["scale"][-1]
    assert all(f"| {figure.name} |" in printed for figure in last.figures)
    assert report.main(["no-question"]) == 2


def test_a_row_shows_several_figures_with_their_budgets() -> None:
    figures = [
        replace(WRITE, name=f"private write, {place}: CPU, one core", budget=budget)
        for place, budget in zip(summary.MANY, (30, 40, 50, None), strict=True)
    ]
    answered = [
        replace(RATE, name=f"private {kind}, {place}: answered")
        for kind in ("write", "read")
        for place in summary.MANY
    ]
    reads = [
        replace(figure, name=figure.name.replace("write", "read")) for figure in figures
    ]
    run = record_of(*figures, *answered, *reads)
    text = summary.summary({"requests": run})
    assert (
        "| a private write over 1 / 10 / 100 / 1,000 connections: CPU "
        "| 50 / 50 / 50 / 50 µs | 25 / 25 / 25 / 25 | ≤ 30 / 40 / 50 / –, the best "  # noqa: RUF001 - a dash
        "| `abcdef0` a processor ×2 quick interpreted |"  # noqa: RUF001 - times
    ) in text
    assert "| 21,000 / 21,000 / 21,000 / 21,000 | ≥ 26,000 / 26,000" in text


def test_a_figure_over_its_budget_is_named() -> None:
    assert summary.verdict([record_of(WRITE)]) == (
        "Of 1 figures with a budget, none exceeds it.\n"
    )
    assert "* `requests`, a write: answered: 21,000 a second, budget ≥ 26,000" in (
        summary.verdict([record_of(WRITE, RATE)])
    )


def test_a_figure_in_which_another_program_is_ahead_is_named() -> None:
    ahead = replace(WRITE, name="behind", peers={"etcd": 50, "slow": 500})
    ratio = Figure(
        name=f"a read: rate to that of {summary.CCF}",
        unit="times",
        values=(0.9,),
        better=Better.MORE,
    )
    by_someone = ByHand(
        subject="beside CCF, crowded",
        figure=f"a read: CPU to that of {summary.CCF}",
        better=Better.LESS,
        value=1.1,
        low=None,
        high=None,
        unit="times",
        commit="abc",
        date="2026-12-01",
        conditions="a machine",
    )
    last = {"requests": record_of(WRITE, ahead, ratio)}
    assert summary.slower(last, [by_someone]).splitlines() == [
        f"* `requests`: a read: rate to that of {summary.CCF}: 0.900",
        "* `requests`: behind: 60 µs; etcd 50",
        f"* crowded, `abc`: a read: CPU to that of {summary.CCF}: 1.10",
    ]
    better = [replace(by_someone, value=0.9), replace(by_someone, figure="a read: CPU")]
    assert summary.slower({"requests": record_of(WRITE)}, better) == "No figure.\n"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="the page has no part figures"):
        report.filled("# Benchmarks\n", {}, [])


def test_a_row_by_hand_has_a_value_or_a_range(tmp_path: Path) -> None:
    file = tmp_path / "by_hand.csv"
    file.write_text(f"{HEADER}a,b,less,,1,3,ms,,,\na,c,more,5,,,ms,,,\n")
    ranged, single = by_hand.read(file)
    assert (ranged.value, ranged.low, ranged.high) == (2, 1, 3)
    assert (single.value, single.low, single.better) == (5, None, Better.MORE)
    file.write_text(f"{HEADER}a,b,less,,1,,ms,,,\n")
    with pytest.raises(ValueError, match="a figure without a value: b"):
        by_hand.read(file)


def test_the_same_figures_give_the_same_bytes() -> None:
    (plot,) = plots([WRITE, replace(WRITE, name="no point", point=None)])
    assert drawn(plot) == drawn(plot)
    assert drawn(plot).startswith(b"<?xml")


def test_a_plot_holds_the_figures_of_its_title_and_those_of_others() -> None:
    assert WRITE.point is not None
    point = replace(WRITE.point, plot="Requests", series="write", x=1)
    alone = replace(WRITE, name="alone", peers={"etcd": 500}, point=point)
    (plot,) = plots([WRITE, alone])
    series = plot.series["write"]
    assert (plot.title, plot.unit, plot.along) == ("Requests", "µs", "connections")
    assert sorted(series.points) == [1, 100]
    assert series.others() == {
        "etcd": {1: 500, 100: 125},
        "budget": {1: 30, 100: 30},
    }
    text = drawn(plot).decode()
    for word in ("Requests", "connections", "write, etcd"):
        assert f">{word}</text>" in text


def test_the_readme_of_the_benchmarks_leads_to_the_page() -> None:
    assert "(../docs/benchmarks.md)" in (ROOT / "benchmarks/README.md").read_text()
