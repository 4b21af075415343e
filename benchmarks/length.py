"""Does a write cost more, or a node keep more, the longer the ledger is?

One node has a constant set of keys, to which a hundred clients write. CPU time for each
write and memory are measured as the ledger grows, in one period after another.

Budget: in the last period a write costs at most a fifth more CPU than in the second
one, by the medians of four repeats. The question ``soak`` measures memory over a longer
time.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growing.service import growing, writes
from benchmarks.harness.asking import ask_often
from benchmarks.harness.figure import Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main

KEYS = 1000
CONNECTIONS = 100
STRETCHES = 6
SECONDS = 20.0
WHILES = 4
"""The number of repeats in each period: a disturbance of one repeat is no cost of the
ledger."""
BUDGET_TIMES = 1.2
THOUSAND = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """The results while the ledger grew to ``transactions``."""

    transactions: float
    cpu_us: tuple[float, ...]
    resident_mib: float


async def stretches(folder: Path, count: int, seconds: float) -> list[Stretch]:
    """Write for one period after another."""
    seen: list[Stretch] = []
    transactions = 0.0
    async with growing(folder) as service:
        await service.fill(0, KEYS)
        for _ in range(count):
            told = ask_often(
                service.service,
                writes(KEYS),
                connections=CONNECTIONS,
                seconds=seconds / WHILES,
                repeats=WHILES,
            )
            whiles = told[Layout.FREE]
            transactions += sum(each.per_s * seconds / WHILES for each in whiles)
            seen.append(
                Stretch(
                    transactions=transactions,
                    cpu_us=tuple(each.cpu_us for each in whiles),
                    resident_mib=service.resident_mib(),
                )
            )
    return seen


def figures(seen: list[Stretch]) -> Iterator[Figure]:
    """Return the figures of the periods, the last one compared with the second."""
    along = "thousand transactions"
    for number, each in enumerate(seen, 1):
        x = each.transactions / THOUSAND
        yield Figure(
            name=f"stretch {number}, to {x:,.0f} {along}: CPU of a write",
            unit="µs",
            values=each.cpu_us,
            scales=True,
            point=Point(
                plot="CPU of a write by length", series="ours", x=x, along=along
            ),
        )
        yield Figure(
            name=f"stretch {number}, to {x:,.0f} {along}: memory",
            unit="MiB",
            values=(each.resident_mib,),
            point=Point(plot="Memory by length", series="both", x=x, along=along),
        )
    first, last = seen[1], seen[-1]
    yield Figure(
        name="CPU of a write, the last stretch to the second",
        unit="times",
        values=(statistics.median(last.cpu_us) / statistics.median(first.cpu_us),),
        budget=BUDGET_TIMES,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    count = max(settings.repeats or settings.pick(STRETCHES, 3), 2)
    seconds = settings.seconds or settings.pick(SECONDS, 3.0)
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(stretches(Path(folder), count, seconds))
    yield from figures(seen)


QUESTION = Question(
    slug="length",
    text="Does a write cost more, or a node keep more, the longer the ledger is?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
