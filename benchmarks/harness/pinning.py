"""Which processors run the service and which the load.

On one core alone a request costs what it costs; on two, part of it is waking the other
core, and more runs at once. CPU time is compared on one core, rates where the kernel
may choose, as it may for users.
"""

import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path


class Layout(StrEnum):
    """How the processors are shared out."""

    ONE_CORE = "one core"
    """The service and the load share the first processor."""

    APART = "apart"
    """The service has the first processor, the load the others."""

    FREE = "free"
    """Everything may run everywhere."""


def cores(layout: Layout, available: AbstractSet[int]) -> tuple[set[int], set[int]]:
    """Return the processors for the service, and those for the load.

    Args:
        available: those that there are, at least one.
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
