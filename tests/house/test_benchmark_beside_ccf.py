"""Figures beside CCF are ratios of turns, and need a build of CCF."""

from pathlib import Path

import pytest

from benchmarks import beside_ccf
from benchmarks.beside_ccf import Cell, Turn, figures
from benchmarks.harness.asking import Asked
from benchmarks.harness.question import NOT_ASKED, run
from benchmarks.servers import ccf

CELL = Cell(nodes=1, app="logging", work="private read", connections=100)


def turn(per_s: float, cpu_us: float, commit_ms: float | None = None) -> Turn:
    asked = Asked(per_s=per_s, cpu_us=cpu_us, p50_ms=1.0, p99_ms=2.0)
    return Turn(asked={CELL: asked}, commit_ms=commit_ms)


def test_a_ratio_is_that_of_one_turn() -> None:
    turns = [
        (turn(3_000, 20), turn(1_000, 40)),
        (turn(300, 200), turn(200, 200)),  # the machine was slow for both
    ]
    rate, cpu = figures(1, "logging", turns, "7.0.0")
    assert rate.values == (3.0, 1.5)
    assert cpu.values == (0.5, 1.0)
    assert rate.name == (
        "1 node, private read, 100 connections: rate to that of CCF 7.0.0"
    )


def test_a_service_that_answers_fewer_is_over_its_budget() -> None:
    least = beside_ccf.RATES[1, "logging"][100]
    assert [
        next(figures(1, "logging", [(turn(per_s, 1), turn(1, 1))], "7")).is_exceeded(1)
        for per_s in (least - 0.01, least)
    ] == [True, False]


def test_commits_are_compared_where_both_were_followed() -> None:
    *_, commits = figures(3, "js", [(turn(1, 1, 5.0), turn(1, 1, 50.0))], "7.0.0")
    assert commits.values == (0.1,)
    assert (
        commits.name
        == "3 nodes, JavaScript: half of the commits, to those of CCF 7.0.0"
    )
    assert len(list(figures(3, "js", [(turn(1, 1), turn(1, 1))], "7.0.0"))) == 2


def test_without_a_build_nothing_is_asked_or_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ccf.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert run(beside_ccf.QUESTION, ["--keep"], tmp_path) == NOT_ASKED
    assert "CCF_BUILD, CCF_SOURCE, CCF_PYTHON" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
