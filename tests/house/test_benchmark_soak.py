"""The verdict on bounded memory detects a leak, and ignores scatter."""

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import soak
from benchmarks.harness.figure import Figure
from benchmarks.harness.processes import started, wait_until
from benchmarks.harness.question import Settings

MB_A_MINUTE = 1e6 / 2**20 / 60
LONG_S = 1800


@given(st.floats(-100, 100), st.floats(-1000, 1000), st.integers(3, 50))
def test_a_line_is_found_through_points_that_lie_on_one(
    slope: float, begin: float, count: int
) -> None:
    times = [float(at) for at in range(count)]
    line = soak.fit(times, [begin + slope * at for at in times])
    assert line.slope == pytest.approx(slope, abs=1e-6)
    assert line.error == pytest.approx(0, abs=1e-4)


def test_what_fills_up_in_the_first_half_is_no_leak_and_what_goes_on_is() -> None:
    times = [float(at) for at in range(100)]
    filling = [min(at, 40.0) for at in times]
    assert soak.second_half(times, filling) == (0, 0)
    assert soak.second_half(times, [2 * at for at in times]).slope == pytest.approx(2)


def test_of_a_few_readings_there_is_no_verdict() -> None:
    with pytest.raises(AssertionError, match="too few readings"):
        soak.second_half([1, 2, 3], [1, 2, 3])


def read(seconds: int, slope: float, seed: int) -> soak.Readings:
    """Return readings of a node that fills, takes snapshots, varies, and may leak."""
    chance = random.Random(seed)
    readings = soak.Readings([1])
    wandering = 0.0
    for at in range(seconds):
        wandering = 0.9 * wandering + chance.gauss(0, 0.3)
        filled = 60 * (1 - math.exp(-at / 20))
        snapshot = 4 * ((at + seed) % 37 < 9)
        readings.times.append(at + chance.uniform(0, 0.01))
        readings.mib[1].append(100 + filled + snapshot + wandering + slope * at)
    return readings


def judged(readings: soak.Readings, seconds: float) -> tuple[list[Figure], str]:
    told = list(soak.figures(readings, 7, {1: "an enclave"}, seconds))
    return told, soak.verdict(told, seconds)


@pytest.mark.parametrize("seed", range(10))
def test_a_leak_of_a_megabyte_a_minute_is_found_in_half_an_hour(seed: int) -> None:
    told, said = judged(read(LONG_S, MB_A_MINUTE, seed), LONG_S)
    surely = told[2]
    assert surely.budget == 32
    assert surely.is_exceeded(1)
    assert said == (
        "Memory is not bounded: an enclave: in the second half it surely grows by "
        "more than the budget."
    )


@pytest.mark.parametrize("seed", range(10))
def test_memory_that_only_scatters_is_bounded(seed: int) -> None:
    told, said = judged(read(LONG_S, 0, seed), LONG_S)
    assert not [figure for figure in told if figure.is_exceeded(1)]
    assert said == "Memory is bounded: no process grows by a megabyte a minute."


@pytest.mark.parametrize("seed", range(10))
def test_a_quarter_of_an_hour_may_leave_it_open_but_is_never_wrong(seed: int) -> None:
    _, leaking = judged(read(900, MB_A_MINUTE, seed), 900)
    assert not leaking.startswith("Memory is bounded")
    _, still = judged(read(900, 0, seed), 900)
    assert not still.startswith("Memory is not bounded")


def test_a_run_that_could_not_have_seen_a_leak_is_no_proof() -> None:
    readings = read(LONG_S, 0, 1)
    chance = random.Random(2)
    noisy = [mib + 200 * chance.random() for mib in readings.mib[1]]
    readings.mib[1] = noisy
    told, said = judged(readings, LONG_S)
    assert not told[2].is_exceeded(1)
    assert told[3].is_exceeded(1)
    assert said.startswith("Undecided, ask for longer")


def test_a_short_run_tells_of_large_leaks_alone_and_says_so() -> None:
    seconds = 120
    _, small = judged(read(seconds, MB_A_MINUTE, 1), seconds)
    assert small == (
        "No large leak. Of a small one 120 s tell nothing: --minutes 15 or more do."
    )
    told, large = judged(read(seconds, 30 * MB_A_MINUTE, 1), seconds)
    assert told[2].budget == 600
    assert large.startswith("A large leak, or what is kept on purpose still fills: ")


LEAKING = """
kept = []
for line in iter(input, "end"):
    kept.append(bytes([1]) * 1_000_000)
    print("kept", flush=True)
"""


def test_a_process_that_leaks_is_caught(tmp_path: Path) -> None:
    words = [sys.executable, "-c", LEAKING]
    with started([words], log=tmp_path / "log") as (process,):
        assert process.stdin is not None
        assert process.stdout is not None
        with soak.Readings([process.pid], every_s=0.001) as readings:
            for count in range(1, 101):
                process.stdin.write("more\n")
                process.stdin.flush()
                assert process.stdout.readline() == "kept\n"
                wait_until(
                    lambda count=count: len(readings.times) > count,  # type: ignore[misc]
                    "a reading",
                    timeout_s=60,
                )
        names = {process.pid: "a process"}
        told = list(soak.figures(readings, 0, names, seconds=1))
        assert told[1].median > 90
        assert soak.verdict(told, soak.LONG_S).startswith("Memory is not bounded: ")
        assert soak.verdict(told, 1).startswith("A large leak")


def read_until_it_ends(readings: soak.Readings, process: subprocess.Popen[str]) -> None:
    with readings:
        process.kill()
        process.wait()
        wait_until(lambda: not readings.is_reading, "the end", timeout_s=60)


def test_a_process_that_ends_meanwhile_does_not_pass(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "input()"]
    with started([words], log=tmp_path / "log") as (process,):
        readings = soak.Readings([process.pid], every_s=0.001)
        with pytest.raises((OSError, ValueError)):
            read_until_it_ends(readings, process)


def test_the_sentence_stands_below_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def soaked(
        _folder: Path, nodes: int, seconds: float
    ) -> tuple[soak.Readings, float, dict[int, str]]:
        assert (nodes, seconds) == (3, LONG_S)
        return read(LONG_S, 0, 1), 9, {1: "an enclave"}

    monkeypatch.setattr(soak, "soak", soaked)
    told = list(soak.measure(Settings(seconds=LONG_S)))
    assert told[0].name == "writes meanwhile"
    assert capsys.readouterr().out.startswith("\nMemory is bounded")


def test_minutes_are_told_to_a_question_in_seconds() -> None:
    assert soak.in_seconds(["--keep", "--minutes", "30"]) == [
        "--keep",
        "--seconds",
        "1800",
    ]
    assert soak.in_seconds(["--quick"]) == ["--quick"]
