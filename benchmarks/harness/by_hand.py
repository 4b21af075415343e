"""Figures that somebody measured by hand, in ``benchmarks/by_hand.csv``.

A row is one figure. It has a value, a range (``low`` and ``high``), or both.
``conditions`` says on which machine it was measured, and what else ran there.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness.figure import Better

TABLE = Path(__file__).parents[1] / "by_hand.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """One figure of the table.

    Attributes:
        subject: the group to which the figure belongs.
        value: what was measured, or the middle of the range where only that is known.
        low: the least of several measurements, if there were several.
        high: the greatest of them.
        commit: ccfpy's, or empty if ccfpy was not measured or nobody noted it.
        date: as YYYY-MM-DD, or empty if nobody noted it.
    """

    subject: str
    figure: str
    better: Better
    value: float
    low: float | None
    high: float | None
    unit: str
    commit: str
    date: str
    conditions: str


def read(path: Path = TABLE) -> list[ByHand]:
    """Return the rows of the table.

    Raises:
        KeyError, ValueError: a row is not such a row.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(row) for row in csv.DictReader(file)]


def _row(row: dict[str, str]) -> ByHand:
    low = float(row["low"]) if row["low"] else None
    high = float(row["high"]) if row["high"] else None
    if row["value"]:
        value = float(row["value"])
    elif low is not None and high is not None:
        value = (low + high) / 2
    else:
        raise ValueError(f"a figure without a value: {row['figure']}")
    return ByHand(
        subject=row["subject"],
        figure=row["figure"],
        better=Better(row["better"]),
        value=value,
        low=low,
        high=high,
        unit=row["unit"],
        commit=row["commit"],
        date=row["date"],
        conditions=row["conditions"],
    )
