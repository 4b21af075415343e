"""The page of results is made from the kept runs, and every question has been asked."""

import importlib
from dataclasses import replace

import pytest

from benchmarks import __main__ as bench
from benchmarks import report
from benchmarks.harness import record
from benchmarks.harness.figure import Better, Figure, Point
from benchmarks.harness.plots import drawn, plots
from tests.house.test_benchmark_figures import WRITE, record_of
from tests.house.tree import ROOT

# These tests make pages of many runs, and draw their plots.
pytestmark = pytest.mark.slow

RATE = Figure(
    name="a write: answered",
    unit="a second",
    values=(10_000, 11_000),
    better=Better.MORE,
    budget=26_000,
    scales=True,
    point=Point(plot="Answered", series="write", x=100, along="connections"),
)


def test_the_page_is_what_the_kept_runs_make() -> None:
    files = report.page(record.read())
    stale = [
        name
        for name, content in files.items()
        if not (path := report.DOCS / name).exists() or path.read_bytes() != content
    ]
    assert not stale, "run python -m benchmarks.report"
    kept = {
        f"{report.PLOTS}/{path.name}" for path in (report.DOCS / report.PLOTS).iterdir()
    }
    assert kept == set(files) - {report.PAGE}


@pytest.mark.parametrize("name", bench.questions())
def test_every_file_asks_the_question_that_it_is_named_after(name: str) -> None:
    question = importlib.import_module(f"benchmarks.{name}").QUESTION
    assert question.slug == name
    assert question.text.endswith("?")


def test_every_kept_run_is_of_a_question_that_is_still_asked() -> None:
    for name, runs in record.read().items():
        assert name in bench.questions()
        assert {run.question for run in runs} == {name}


def test_questions_may_be_named_and_others_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.parsed(["step", "--keep"]) == (["step"], ["--keep"])
    assert bench.parsed(["--quick"]) == (bench.questions(), ["--quick"])
    with pytest.raises(SystemExit):
        bench.parsed(["report"])
    assert "no such question: report" in capsys.readouterr().err


def test_a_page_tells_each_figure_beside_its_budget() -> None:
    files = report.page({"requests": [record_of(WRITE, RATE)]})
    text = files[report.PAGE].decode()
    assert (
        "| [requests](#requests) | a write: CPU | 25 µs, best of 3 | ≤ 30, the best "
        "| within |"
    ) in text
    assert (
        "| [requests](#requests) | a write: answered | 21,000 a second | ≥ 26,000 "
        "| over |"
    ) in text
    assert (
        "2026-11-26T17:00:00Z, quick, at abcdef0. a processor, 2 of them; CPython"
        in text
    )
    assert set(files) == {
        "benchmarks.md",
        "benchmarks/requests-answered.svg",
        "benchmarks/requests-requests.svg",
    }
    assert all(f"]({name})" in text for name in files if name.endswith(".svg"))


def test_several_runs_are_drawn_over_time_to_their_budgets() -> None:
    faster = replace(WRITE, values=(15, 20, 25))
    runs = [record_of(WRITE, RATE), record_of(faster, RATE)]
    files = report.page({"requests": runs})
    assert "benchmarks/requests-requests-runs-to-their-budgets.svg" in files
    assert "7.50 µs" in files[report.PAGE].decode()  # the last run's best, halved


def test_runs_of_another_kind_are_not_drawn_with_the_last_one() -> None:
    last = record_of(WRITE)
    compiled = replace(last, machine=replace(last.machine, is_compiled=True))
    for other in (replace(last, is_quick=False), compiled):
        files = report.page({"requests": [other, last]})
        assert set(files) == {"benchmarks.md", "benchmarks/requests-requests.svg"}


def test_a_page_names_the_questions_of_which_no_run_was_kept() -> None:
    first, second, third = bench.questions()[:3]
    undrawn = record_of(replace(WRITE, point=None))
    files = report.page({first: [undrawn], second: []})
    (line,) = (
        line
        for line in files[report.PAGE].decode().splitlines()
        if line.startswith("No run was kept of")
    )
    assert f"`{first}`" not in line
    assert f"`{second}`, `{third}`" in line
    everything = {name: [undrawn] for name in bench.questions()}
    assert "No run was kept" not in report.page(everything)[report.PAGE].decode()


def test_a_page_tells_how_far_its_runs_differ_on_the_speed_of_their_machines() -> None:
    run = record_of(WRITE)
    faster = replace(run, machine=replace(run.machine, signs_per_s=7_900))
    crowded = replace(run.machine, signs_per_s=2_000)
    counts = replace(record_of(replace(WRITE, scales=False)), machine=crowded)
    files = report.page({"requests": [run], "step": [faster], "caches": [counts]})
    text = files[report.PAGE].decode()
    assert "took from 1 to 2 times as long as the reference machine" in text
    untimed = report.page({"caches": [counts]})[report.PAGE].decode()
    assert "times as long as the reference machine" not in untimed


def test_the_same_figures_give_the_same_bytes() -> None:
    (plot,) = plots([WRITE, replace(WRITE, name="no point", point=None)])
    assert drawn(plot) == drawn(plot)
    assert drawn(plot).startswith(b"<?xml")


def test_a_plot_holds_the_figures_of_its_title_and_those_of_others() -> None:
    point = Point(plot="Requests", series="write", x=1, along="connections")
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
