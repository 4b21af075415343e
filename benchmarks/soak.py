"""Is memory bounded while a service is written to for half an hour?

    python -m benchmarks.soak --minutes 30

Three nodes under constant keys: ten clients write all the time, and the memory of each
process, host and enclave, is read every second. What a node keeps on purpose, the
newest entries and caches, fills up in the first half. Over the second half a line is
fitted, and its slope is what the process would grow by in an hour. A slope that is no
more than what the readings scatter by is none.

Budget: no process grows by more than 32 MiB an hour, once its scatter is taken off.
Without ``--minutes`` it is asked for two minutes, in which a leak would show only if it
is large: the budget is then 600 MiB an hour.
"""

import asyncio
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.growing.service import growing, writes
from benchmarks.harness.asking import ask_often
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, run
from benchmarks.servers.processes import resident_mib

NODES = 3
KEYS = 1000
CONNECTIONS = 10
SECONDS = 120.0
STRETCH_S = 60.0
"""One load; its clients connect anew for the next."""
READ_EVERY_S = 1.0
LONG_S = 900.0
BUDGET_MIB_PER_H = 32.0
BUDGET_SHORT_MIB_PER_H = 600.0
ERRORS = 3.0
"""Standard errors that are taken off a slope: one in a thousand exceeds as many."""
S_PER_H = 3600
S_PER_MINUTE = 60
POINTS_MIN = 3


class Line(NamedTuple):
    """A line through readings over time, by least squares.

    Attributes:
        slope: for each unit of time.
        error: the slope's standard error, if readings scatter independently.
    """

    slope: float
    error: float


def fit(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit a line through three points or more, not all at one time."""
    count = len(times)
    assert count >= POINTS_MIN, "two points always lie on a line"
    mean_t, mean_v = statistics.fmean(times), statistics.fmean(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    together = sum(
        (t - mean_t) * (v - mean_v) for t, v in zip(times, values, strict=True)
    )
    slope = together / spread
    left = sum(
        (v - mean_v - slope * (t - mean_t)) ** 2
        for t, v in zip(times, values, strict=True)
    )
    return Line(slope=slope, error=math.sqrt(left / (count - 2) / spread))


def second_half(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit a line through what was read in the second half of the time."""
    middle = (times[0] + times[-1]) / 2
    chosen = [at for at, time_s in enumerate(times) if time_s >= middle]
    return fit([times[at] for at in chosen], [values[at] for at in chosen])


class Readings:
    """The memory of processes over time, read in a thread of its own."""

    def __init__(self, pids: Sequence[int]) -> None:
        self.times: list[float] = []
        self.mib: dict[int, list[float]] = {pid: [] for pid in pids}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._is_over.wait(READ_EVERY_S):
            now = {pid: resident_mib(pid) for pid in self.mib}
            self.times.append(time.monotonic())
            for pid, mib in now.items():
                self.mib[pid].append(mib)


async def soak(
    folder: Path, nodes: int, seconds: float
) -> tuple[Readings, float, dict[int, str]]:
    """Write for so long; give what was read, the writes, and the processes' names."""
    async with growing(folder, nodes) as service:
        await service.fill(0, KEYS)
        names = {
            pid: f"node {at // 2}'s {'enclave' if at % 2 else 'host'}"
            for at, pid in enumerate(service.pids)
        }
        sent = 0.0
        ends = time.monotonic() + seconds
        with Readings(service.pids) as readings:
            while (left_s := ends - time.monotonic()) > READ_EVERY_S:
                told = ask_often(
                    service.service,
                    writes(KEYS),
                    connections=CONNECTIONS,
                    seconds=min(STRETCH_S, left_s),
                    repeats=1,
                )
                sent += sum(
                    each.per_s * min(STRETCH_S, left_s)
                    for whiles in told.values()
                    for each in whiles
                )
    return readings, sent, names


def figures(
    readings: Readings, sent: float, names: dict[int, str], seconds: float
) -> Iterator[Figure]:
    """Tell for each process what it has, and what it would grow by in an hour."""
    budget = BUDGET_MIB_PER_H if seconds >= LONG_S else BUDGET_SHORT_MIB_PER_H
    yield Figure(name="writes meanwhile", unit="", values=(sent,))
    for pid, name in names.items():
        mib = readings.mib[pid]
        line = second_half(readings.times, mib)
        surely = max(line.slope - ERRORS * line.error, 0.0)
        yield Figure(name=f"{name}: memory at the end", unit="MiB", values=(mib[-1],))
        yield Figure(
            name=f"{name}: grows in the second half, scatter taken off, by",
            unit="MiB an hour",
            values=(S_PER_H * surely,),
            budget=budget,
        )


def measure(settings: Settings) -> Iterator[Figure]:
    seconds = settings.seconds or settings.pick(SECONDS, SECONDS / 4)
    (nodes,) = settings.nodes or (NODES,)
    with tempfile.TemporaryDirectory() as folder:
        readings, sent, names = asyncio.run(soak(Path(folder), nodes, seconds))
    yield from figures(readings, sent, names, seconds)


QUESTION = Question(
    slug="soak",
    text="Is memory bounded while a service is written to for half an hour?",
    measure=measure,
)


def in_seconds(words: Sequence[str]) -> list[str]:
    """Give the arguments with ``--minutes M`` as the seconds that questions know."""
    given = list(words)
    if "--minutes" in given:
        at = given.index("--minutes")
        minutes = float(given[at + 1])
        given[at : at + 2] = ["--seconds", f"{S_PER_MINUTE * minutes:g}"]
    return given


if __name__ == "__main__":
    sys.exit(run(QUESTION, in_seconds(sys.argv[1:])))
