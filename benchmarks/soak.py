"""Is memory bounded while a service is written to for half an hour?

    python -m benchmarks.soak --minutes 30

Three nodes have a constant set of keys. Ten clients write all the time, and the memory
of each process, host and enclave, is read every second. Data that a node keeps on
purpose, the newest entries and caches, fills up in the first half. The second half is
cut into ten parts, and a line is fitted through their means, since consecutive readings
are alike. The line's slope is the growth of the process in an hour. The scatter of the
means about the line determines the least and the greatest possible slope.

Budget, from fifteen minutes on: no process surely grows by more than 32 MiB an hour,
and no process may grow by a megabyte a minute without notice: an undecided run does not
show that memory is bounded. A shorter run, such as the two minutes without
``--minutes``, shows only a large leak. Its budget is 600 MiB an hour, and the verdict
says so.
"""

import asyncio
import math
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Self

from benchmarks.growing.service import growing, writes
from benchmarks.harness.asking import ask_often
from benchmarks.harness.figure import Figure
from benchmarks.harness.processes import resident_mib
from benchmarks.harness.question import Question, Settings, run

NODES = 3
KEYS = 1000
CONNECTIONS = 10
SECONDS = 120.0
STRETCH_S = 60.0
"""The length of one load; clients connect again for the next load."""
READ_EVERY_S = 1.0
LONG_S = 900.0
BUDGET_MIB_PER_H = 32.0
BUDGET_SHORT_MIB_PER_H = 600.0
BUDGET_UNSEEN_MIB_PER_H = 57.2
"""A megabyte a minute."""
PARTS = 10
READINGS_MIN = 4 * PARTS
ERRORS = 4.5
"""Standard errors to either side of a slope: with ten parts, the slope of one run in a
thousand lies beyond them on one side (Student's distribution, eight degrees of
freedom)."""
S_PER_H = 3600
S_PER_MINUTE = 60
POINTS_MIN = 3


class Line(NamedTuple):
    """A line through readings over time, by least squares.

    Attributes:
        slope: for each unit of time.
        error: the slope's standard error, if the values scatter independently.
    """

    slope: float
    error: float

    @property
    def least(self) -> float:
        """Return the least possible slope, and at least zero."""
        return max(self.slope - ERRORS * self.error, 0.0)

    @property
    def most(self) -> float:
        """Return the greatest possible slope, and at least zero."""
        return max(self.slope + ERRORS * self.error, 0.0)


def fit(times: Sequence[float], values: Sequence[float]) -> Line:
    """Fit a line through three points or more, which do not all have one time."""
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
    """Fit a line through the means of parts of the second half of the time."""
    assert len(times) >= READINGS_MIN, "too few readings for a verdict"
    middle = (times[0] + times[-1]) / 2
    late = [
        reading for reading in zip(times, values, strict=True) if reading[0] >= middle
    ]
    cuts = [len(late) * place // PARTS for place in range(PARTS + 1)]
    means = [
        tuple(map(statistics.fmean, zip(*late[first:last], strict=True)))
        for first, last in pairwise(cuts)
    ]
    return fit([time_s for time_s, _ in means], [value for _, value in means])


class Readings:
    """The memory of processes over time, which a separate thread reads.

    The exit raises any error that stopped the thread from reading: an ended process
    does not grow, and would pass.
    """

    def __init__(self, pids: Sequence[int], *, every_s: float = READ_EVERY_S) -> None:
        self._every_s = every_s
        self._trouble: Exception | None = None
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
        if self._trouble is not None:
            raise self._trouble

    @property
    def is_reading(self) -> bool:
        """Return whether more readings will follow."""
        return self._thread.is_alive()

    def _read(self) -> None:
        try:
            self._read_on()
        except (OSError, ValueError) as trouble:
            self._trouble = trouble

    def _read_on(self) -> None:
        while not self._is_over.wait(self._every_s):
            now = {pid: resident_mib(pid) for pid in self.mib}
            self.times.append(time.monotonic())
            for pid, mib in now.items():
                self.mib[pid].append(mib)


async def soak(
    folder: Path, nodes: int, seconds: float
) -> tuple[Readings, float, dict[int, str]]:
    """Write for this time; return the readings, the writes, and the processes'
    names."""
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
    """Return each process's memory, and its growth in an hour."""
    is_long = seconds >= LONG_S
    yield Figure(name="writes meanwhile", unit="", values=(sent,))
    for pid, name in names.items():
        mib = readings.mib[pid]
        line = second_half(readings.times, mib)
        yield Figure(name=f"{name}: memory at the end", unit="MiB", values=(mib[-1],))
        yield Figure(
            name=f"{name}: in the second half it surely grows by",
            unit="MiB an hour",
            values=(S_PER_H * line.least,),
            budget=BUDGET_MIB_PER_H if is_long else BUDGET_SHORT_MIB_PER_H,
        )
        yield Figure(
            name=f"{name}: and may grow by",
            unit="MiB an hour",
            values=(S_PER_H * line.most,),
            budget=BUDGET_UNSEEN_MIB_PER_H if is_long else None,
        )


def verdict(told: Sequence[Figure], seconds: float) -> str:
    """Return a sentence with the verdict on the figures."""
    growing = [figure.name for figure in told if figure.is_exceeded(1)]
    surely = [name for name in growing if "surely" in name]
    if surely and seconds < LONG_S:
        names = "; ".join(surely)
        return f"A large leak, or what is kept on purpose still fills: {names}."
    if surely:
        return f"Memory is not bounded: {'; '.join(surely)} more than the budget."
    if growing:
        return f"Undecided, ask for longer or where it is quiet: {'; '.join(growing)}."
    if seconds < LONG_S:
        return (
            f"No large leak. Of a small one {seconds:g} s tell nothing: "
            f"--minutes {LONG_S / S_PER_MINUTE:g} or more do."
        )
    return "Memory is bounded: no process grows by a megabyte a minute."


def measure(settings: Settings) -> Iterator[Figure]:
    seconds = settings.seconds or settings.pick(SECONDS, SECONDS / 2)
    (nodes,) = settings.nodes or (NODES,)
    with tempfile.TemporaryDirectory() as folder:
        readings, sent, names = asyncio.run(soak(Path(folder), nodes, seconds))
    told = list(figures(readings, sent, names, seconds))
    yield from told
    print(f"\n{verdict(told, seconds)}", flush=True)


QUESTION = Question(
    slug="soak",
    text="Is memory bounded while a service is written to for half an hour?",
    measure=measure,
)


def in_seconds(words: Sequence[str]) -> list[str]:
    """Return the arguments with ``--minutes M`` as the seconds that questions know."""
    given = list(words)
    if "--minutes" in given:
        at = given.index("--minutes")
        minutes = float(given[at + 1])
        given[at : at + 2] = ["--seconds", f"{S_PER_MINUTE * minutes:g}"]
    return given


if __name__ == "__main__":
    sys.exit(run(QUESTION, in_seconds(sys.argv[1:])))
