"""What of a run needs no service: arithmetic over readings and answers.

The rest runs in tests/e2e/test_attacks.py.
"""

import pytest

from tests.lab.attacks.honest import Answer
from tests.lab.attacks.run import (
    Outcome,
    elections,
    honest_disk_bytes,
    written_between,
)
from tests.lab.attacks.stage import Reading
from tests.unit.lab.attacks.test_report import LOST, WITHIN


def reading(at_s: float, disk_bytes: int) -> Reading:
    return Reading(at_s=at_s, cpu_s=0.0, memory_bytes=0, disk_bytes=disk_bytes, view=2)


ANSWERS = [
    Answer(kind=kind, at_s=at_s, seconds=0.1)
    for at_s in (0.0, 1.0, 2.0, 3.0, 4.0)
    for kind in ("write", "read")
]


@pytest.mark.parametrize(
    ("before", "after", "count"), [(2, 2, 0), (2, 4, 2), (2, None, 1), (None, 2, 1)]
)
def test_views_are_elections(before: int | None, after: int | None, count: int) -> None:
    assert elections(before, after) == count


def test_only_writes_reach_the_ledger() -> None:
    assert written_between(ANSWERS, 1.0, 3.0) == 3


def test_what_honest_writes_cost_follows_from_when_they_were_alone() -> None:
    first, before, after = reading(0.0, 0), reading(1.0, 200), reading(4.0, 5000)
    assert honest_disk_bytes(first, before, after, ANSWERS) == 400
    assert honest_disk_bytes(first, before, after, []) == 0


def test_an_outcome_is_within_if_nothing_is_said_against_it() -> None:
    assert WITHIN.is_within
    assert not LOST.is_within
    assert isinstance(LOST, Outcome)
