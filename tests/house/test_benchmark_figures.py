"""The results that benchmarks make from measurements: figures, tables, lines of
data."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.harness import record, table
from benchmarks.harness.figure import Better, Figure, Held, Point
from benchmarks.harness.machine import (
    REFERENCE_SIGNS_PER_S,
    Commit,
    Machine,
    at_its_best,
    processor,
)
from benchmarks.harness.question import Question, Settings, main, parsed, run
from benchmarks.harness.record import Record

MACHINE = Machine(
    processor="a processor",
    processors=2,
    memory_gib=23.4,
    system="Linux 6.18",
    python="CPython 3.11.7",
    openssl="OpenSSL 3",
    is_compiled=False,
    signs_per_s=REFERENCE_SIGNS_PER_S / 2,
    loops_per_s=50_000_000,
    load=0.5,
)
WRITE = Figure(
    name="a write: CPU",
    unit="µs",
    values=(50, 70, 60),
    budget=30,
    held=Held.BEST,
    peers={"etcd": 125},
    scales=True,
    point=Point(plot="Requests", series="write", x=100, along="connections"),
)


def test_a_figure_is_the_median_of_its_repeats_and_tells_their_range() -> None:
    assert (WRITE.median, WRITE.low, WRITE.high) == (60, 50, 70)
    assert replace(WRITE, values=(1, 2)).median == 1.5


def test_a_figure_needs_a_value() -> None:
    with pytest.raises(ValueError, match="a figure without a value: a write: CPU"):
        replace(WRITE, values=())


@pytest.mark.parametrize(
    ("held", "better", "value"),
    [
        (Held.MEDIAN, Better.LESS, 60),
        (Held.BEST, Better.LESS, 50),
        (Held.WORST, Better.LESS, 70),
        (Held.MEDIAN, Better.MORE, 60),
        (Held.BEST, Better.MORE, 70),
        (Held.WORST, Better.MORE, 50),
    ],
)
def test_the_repeat_that_a_budget_is_held_against(
    held: Held, better: Better, value: float
) -> None:
    assert replace(WRITE, held=held, better=better).held_value() == value


def test_a_machine_is_as_slow_as_it_signs() -> None:
    assert MACHINE.slowness == 2


def test_the_faster_of_two_measurements_of_a_machine_counts() -> None:
    disturbed = replace(MACHINE, signs_per_s=MACHINE.signs_per_s / 3, load=9)
    assert at_its_best(MACHINE, disturbed) == MACHINE
    assert at_its_best(disturbed, MACHINE) == replace(MACHINE, load=9)


@pytest.mark.parametrize(
    ("better", "scales", "values"),
    [
        (Better.LESS, True, (25, 35, 30)),
        (Better.MORE, True, (100, 140, 120)),
        (Better.LESS, False, (50, 70, 60)),
    ],
)
def test_what_the_reference_machine_would_have_told(
    better: Better, scales: bool, values: tuple[float, ...]
) -> None:
    figure = replace(WRITE, better=better, scales=scales)
    assert figure.on_reference(2).values == values


def test_peers_ran_on_the_same_machine_and_scale_as_we_do() -> None:
    assert WRITE.on_reference(2).peers == {"etcd": 62.5}
    rate = replace(WRITE, better=Better.MORE)
    assert rate.on_reference(2).peers == {"etcd": 250}
    assert replace(WRITE, scales=False).on_reference(2).peers == {"etcd": 125}


@pytest.mark.parametrize(
    ("better", "budget", "is_exceeded"),
    [
        (Better.LESS, 24.9, True),
        (Better.LESS, 25, False),
        (Better.MORE, 140, False),
        (Better.MORE, 140.1, True),
        (Better.LESS, None, False),
    ],
)
def test_a_budget_is_of_the_reference_machine_and_may_be_met_exactly(
    better: Better, budget: float | None, is_exceeded: bool
) -> None:
    figure = replace(WRITE, better=better, budget=budget)
    assert figure.is_exceeded(slowness=2) is is_exceeded


def test_a_slower_machine_excuses_nothing_that_does_not_scale() -> None:
    assert replace(WRITE, scales=False).is_exceeded(slowness=2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (39793, "39,793"),
        (131.7, "132"),
        (100, "100"),
        (99.94, "99.9"),
        (5, "5"),
        (1.234, "1.23"),
        (0.3614, "0.361"),
        (-12.3, "-12.3"),
    ],
)
def test_numbers_are_written_with_the_digits_that_matter(
    value: float, text: str
) -> None:
    assert table.number(value) == text


def test_a_table_can_be_pasted() -> None:
    assert table.head() == (
        "| figure | median | range | scaled | budget |\n| --- | --- | --- | --- | --- |"
    )
    assert table.figure_row(WRITE, 2) == (
        "| a write: CPU | 60 µs | 50 to 70 | 30 | ≤ 30, the best |\n"
        "| - etcd | 125 µs | - | 62.5 | - |".replace("-", table.NOTHING)
    )
    bare = Figure(name="a rate", unit="a second", values=(7,), better=Better.MORE)
    row = "| a rate | 7 a second | - | - | - |".replace("-", table.NOTHING)
    assert table.figure_row(bare, 2) == row
    assert table.bound(replace(bare, budget=5000)) == "≥ 5,000"


def test_what_is_over_its_budget_is_told_in_a_sentence() -> None:
    assert table.exceeded([WRITE], 2) == []
    assert table.exceeded([WRITE], 1) == [
        "over budget: a write: CPU: 50 µs (best of 3), budget 30"
    ]


numbers = st.floats(allow_nan=False, allow_infinity=False)
points = st.builds(Point, plot=st.text(), series=st.text(), x=numbers, along=st.text())
some_figures = st.builds(
    Figure,
    name=st.text(),
    unit=st.text(),
    values=st.lists(numbers, min_size=1).map(tuple),
    better=st.sampled_from(Better),
    budget=st.none() | numbers,
    held=st.sampled_from(Held),
    peers=st.dictionaries(st.text(), numbers, max_size=3),
    scales=st.booleans(),
    point=st.none() | points,
)


def record_of(*figures: Figure) -> Record:
    return Record(
        question="requests",
        text="What does a write cost?",
        at="2026-11-26T17:00:00Z",
        is_quick=True,
        commit=Commit(name="abcdef0", is_clean=True),
        machine=MACHINE,
        figures=figures,
    )


@given(st.lists(some_figures, max_size=3))
def test_a_record_is_read_as_it_was_written_and_is_one_line(
    figures: list[Figure],
) -> None:
    line = record.to_line(record_of(*figures))
    assert "\n" not in line
    assert record.from_line(line) == record_of(*figures)


def test_a_record_of_another_kind_is_refused() -> None:
    said = json.loads(record.to_line(record_of(WRITE)))
    said["figures"][0]["better"] = "sideways"
    with pytest.raises(ValueError, match="sideways"):
        record.from_line(json.dumps(said))


def test_records_are_added_and_never_replaced(tmp_path: Path) -> None:
    first, second = record_of(), record_of(WRITE)
    record.append(first, tmp_path)
    record.append(second, tmp_path)
    assert record.read(tmp_path) == {"requests": [first, second]}


def question(*figures: Figure) -> Question:
    def measure(settings: Settings) -> Iterator[Figure]:
        for figure in figures:
            yield replace(figure, values=figure.values[: settings.repeats])

    return Question(slug="requests", text="What does a write cost?", measure=measure)


EASY = replace(WRITE, budget=1_000_000)
HARD = replace(WRITE, name="another", budget=0.001)


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is measured a second long otherwise; here its speed is no matter."""
    monkeypatch.setattr("benchmarks.harness.machine.REPEATS", 2)


@pytest.mark.usefixtures("brief")
def test_a_question_is_asked_as_the_command_line_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--quick", "--keep", "--repeats", "2"]
    assert run(question(EASY), words, tmp_path) == 0
    said = capsys.readouterr().out
    assert said.startswith("What does a write cost?\n")
    assert "| a write: CPU | 60 µs | 50 to 70 |" in said
    assert said.endswith("within every budget\n")
    ((kept,),) = record.read(tmp_path).values()
    assert kept.is_quick
    assert kept.figures == (replace(EASY, values=(50, 70)),)
    assert kept.machine.slowness > 0


@pytest.mark.usefixtures("brief")
def test_a_question_over_its_budget_exits_with_1_and_keeps_nothing_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(question(EASY, HARD), [], tmp_path) == 1
    assert "over budget: another: " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize(
    ("asked", "code"),
    [(question(EASY), 0), (question(HARD), 1), (question(EASY, EASY), 2)],
)
def test_how_it_went_is_the_exit_code(
    asked: Question, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["requests"])
    with pytest.raises(SystemExit) as end:
        main(asked)
    assert end.value.code == code


def test_settings_come_from_the_command_line() -> None:
    settings, is_kept = parsed(question(), ["--nodes", "3,5", "--seconds", "0.5"])
    assert settings == Settings(nodes=(3, 5), seconds=0.5)
    assert not is_kept
    assert settings.pick("thorough", "brief") == "thorough"
    assert replace(settings, is_quick=True).pick("thorough", "brief") == "brief"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--repeats", "0"], "argument --repeats: not a number of things: 0"),
        (["--nodes", "1,none"], "argument --nodes: not a number of things: none"),
    ],
)
def test_what_is_no_number_of_things_is_refused(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(question(), words)
    assert complaint in capsys.readouterr().err


def test_the_processor_says_its_own_name() -> None:
    text = "processor\t: 0\nmodel name\t: A  Processor\n\nmodel name\t: Another\n"
    assert processor(text) == "A Processor"
    assert processor("") != ""
