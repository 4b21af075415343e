"""Faults of a recovery and their results: one row for each test of such a fault.

The page docs/reference/recovery-faults.md is made of the rows, so that a test shows
each statement of the page.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., None])


class Part(StrEnum):
    """What has the fault; the page has a table for each."""

    LEDGER = "The ledger's files"
    SNAPSHOT = "Snapshots"
    IDENTITY = "Which service is meant"
    SHARES = "Members and their shares"
    SEALED = "Secrets sealed to the platform"
    PRIVATE = "While the private state is read"
    COURSE = "The course of a recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        test: the name of the function that shows the row.
        module: the module of this function.
    """

    part: Part
    fault: str
    outcome: str
    test: str
    module: str


ROWS: list[Row] = []


def row(part: Part, fault: str, outcome: str) -> Callable[[Test], Test]:
    """Make a test a row of the table."""

    def add(test: Test) -> Test:
        ROWS.append(
            Row(
                part=part,
                fault=fault,
                outcome=outcome,
                test=test.__name__,
                module=test.__module__,
            )
        )
        return test

    return add
