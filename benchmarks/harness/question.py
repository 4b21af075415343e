"""A question, and the one way to ask all questions.

Each file of ``benchmarks/`` holds one ``QUESTION``: its slug, its text, and a function
that measures and yields one figure after another. :func:`run` prints the figures as a
table when they arrive, says which figures exceed their budgets, and keeps the run as
data on request (``--keep``).
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from benchmarks.harness import record, table
from benchmarks.harness.figure import Figure
from benchmarks.harness.machine import Machine, at_its_best, this_commit, this_machine

T = TypeVar("T")
UNANSWERED: Final = 2
NOT_ASKED: Final = 3
"""A program that the question is about is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How thoroughly to answer; a question uses the settings that it knows.

    Attributes:
        is_quick: whether all questions together should take minutes, with fewer
            repeats.
        repeats: the number of measurements of each figure, if the user named it.
        seconds: the length of each measurement, if the user named it.
        nodes: the sizes of networks, if the user named them.
        connections: the numbers of connections, if the user named them.
    """

    is_quick: bool = False
    repeats: int | None = None
    seconds: float | None = None
    nodes: tuple[int, ...] = ()
    connections: tuple[int, ...] = ()

    def pick(self, full: T, quick: T) -> T:
        """Return the value for a thorough answer, or the one for a quick answer."""
        return quick if self.is_quick else full


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question.

    Attributes:
        slug: the name of its module and of its file of results.
        text: the question, one sentence that ends in a question mark.
        measure: yields one figure after another, each as soon as it is known.
    """

    slug: str
    text: str
    measure: Callable[[Settings], Iterable[Figure]]


def run(
    question: Question,
    words: Sequence[str] | None = None,
    folder: Path = record.RESULTS,
) -> int:
    """Ask a question as the command line says.

    Args:
        words: the arguments; by default the arguments of this process.
        folder: the folder for the kept run.

    Returns:
        1 if a figure is over its budget, ``NOT_ASKED`` if there is no figure, else 0.
    """
    settings, is_kept = parsed(question, words)
    machine = this_machine()
    print(f"{question.text}\n\n{described(machine)}\n\n{table.head()}", flush=True)
    figures: list[Figure] = []
    for figure in question.measure(settings):
        assert figure.name not in {each.name for each in figures}, figure.name
        figures.append(figure)
        print(table.figure_row(figure, machine.slowness), flush=True)
    if not figures:
        return NOT_ASKED
    first, machine = machine, at_its_best(machine, this_machine())
    if machine != first:
        print(f"\nAt its best the machine was {machine.slowness:.2f} times as slow.")
    worse = table.exceeded(figures, machine.slowness)
    print("", *(worse or ["within every budget"]), sep="\n")
    if is_kept:
        record.append(
            record.Record(
                question=question.slug,
                text=question.text,
                at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                is_quick=settings.is_quick,
                commit=this_commit(),
                machine=machine,
                figures=tuple(figures),
            ),
            folder,
        )
    return 1 if worse else 0


def described(machine: Machine) -> str:
    """Describe a machine in one line."""
    how = "compiled" if machine.is_compiled else "pure Python"
    return (
        f"{machine.processor}, {machine.processors} of them; {machine.python}, {how}; "
        f"{machine.slowness:.2f} times as slow as the reference machine; "
        f"load average {machine.load}"
    )


def parsed(question: Question, words: Sequence[str] | None) -> tuple[Settings, bool]:
    """Read the command line: the settings, and whether to keep the run."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{question.slug}", description=question.text
    )
    parser.add_argument("--quick", action="store_true", help="fewer, shorter repeats")
    parser.add_argument("--keep", action="store_true", help="add the run to results/")
    parser.add_argument("--repeats", type=_count)
    parser.add_argument("--seconds", type=float, help="how long each repeat takes")
    parser.add_argument("--nodes", type=_counts, default=(), metavar="N,…")
    parser.add_argument("--connections", type=_counts, default=(), metavar="N,…")
    said = parser.parse_args(words)
    settings = Settings(
        is_quick=said.quick,
        repeats=said.repeats,
        seconds=said.seconds,
        nodes=said.nodes,
        connections=said.connections,
    )
    return settings, said.keep


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a number of things: {text}")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(map(_count, text.split(",")))


def main(question: Question) -> None:
    """Ask and end this process: 0 within budget, 1 over, 2 no answer, 3 not asked."""
    try:
        code = run(question)
    except Exception:  # noqa: BLE001 - whatever it was, there is no answer
        traceback.print_exc()
        code = UNANSWERED
    sys.exit(code)
