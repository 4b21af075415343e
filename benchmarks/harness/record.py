"""A run kept as data: one line of JSON in the file of its question.

The lines of a file are in the order of the runs, and lines are only ever added, so that
the effect of a change on a figure can be shown later.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.figure import Better, Figure, Held, Point
from benchmarks.harness.machine import Commit, Machine

RESULTS = Path(__file__).parents[1] / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run of one question.

    Attributes:
        question: its slug.
        at: the end of the run, in UTC and to the second, as in RFC 3339.
        is_quick: whether the run had the option ``--quick``, with fewer and shorter
            repeats.
    """

    question: str
    text: str
    at: str
    is_quick: bool
    commit: Commit
    machine: Machine
    figures: tuple[Figure, ...]


def to_line(record: Record) -> str:
    """Write a record as one line, without its end."""
    return json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":"))


def from_line(line: str) -> Record:
    """Read a line that :func:`to_line` wrote.

    Raises:
        KeyError, TypeError, ValueError: the line is not such a line.
    """
    said: dict[str, Any] = json.loads(line)
    return Record(
        question=said["question"],
        text=said["text"],
        at=said["at"],
        is_quick=said["is_quick"],
        commit=Commit(**said["commit"]),
        machine=Machine(**said["machine"]),
        figures=tuple(map(_figure, said["figures"])),
    )


def _figure(said: dict[str, Any]) -> Figure:
    point = said["point"]
    known = said | {
        "values": tuple(said["values"]),
        "better": Better(said["better"]),
        "held": Held(said["held"]),
        "point": None if point is None else Point(**point),
    }
    known.pop("ccf", None)  # earlier runs compared with figures of another machine
    return Figure(**known)


def append(record: Record, folder: Path = RESULTS) -> None:
    """Add a record to its question's file."""
    folder.mkdir(exist_ok=True)
    with (folder / f"{record.question}.jsonl").open("a", encoding="utf-8") as file:
        file.write(to_line(record) + "\n")


def read(folder: Path = RESULTS) -> dict[str, list[Record]]:
    """Return all records by their question, both in order."""
    return {
        path.stem: [from_line(line) for line in path.read_text("utf-8").splitlines()]
        for path in sorted(folder.glob("*.jsonl"))
    }
