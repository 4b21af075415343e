"""The processors that run the service, and those that run the load.

On one core the cost of a request varies least. On two cores, a part of the cost is to
wake the other core, and more work runs at the same time. Therefore CPU time is compared
on one core, and rates are compared where the kernel may choose, as it does for users.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path


class Layout(StrEnum):
    """How the service and the load share the processors."""

    ONE_CORE = "one core"
    """The service and the load share the first processor."""

    APART = "apart"
    """The service has the first processor, the load the others."""

    FREE = "free"
    """All processes may run on all processors."""


def cores(layout: Layout, available: AbstractSet[int]) -> tuple[set[int], set[int]]:
    """Return the processors for the service, and those for the load.

    Args:
        available: the available processors, at least one.
    """
    first = {min(available)}
    match layout:
        case Layout.ONE_CORE:
            return first, first
        case Layout.APART:
            return first, set(available) - first or first
        case Layout.FREE:
            return set(available), set(available)


def pin(processes: Iterable[int], where: AbstractSet[int]) -> None:
    """Pin each thread of the processes to these processors."""
    for process in processes:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), where)


def all_cores() -> frozenset[int]:
    """Return the processors that this process may use."""
    return frozenset(os.sched_getaffinity(0))
