"""What do more keys cost: memory, each write, a snapshot, a node that joins?

One node is filled with values of 100 bytes under 1,000 keys, 10,000, 100,000 and a
million. At each number it is told to take a snapshot, and a hundred clients write to
keys spread over all of them meanwhile and afterwards, so that what a snapshot takes of
the time is counted. At last another node joins, from the snapshot.

Budget: a write to a million keys costs at most twice the CPU of one to a thousand; a
million keys take 1 GiB of memory at most, and a node joins in 60 s.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.growing.service import TEXT, Growing, growing, writes
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from ccfpy.testing.processes.configuration import Placement

KEYS = 1_000, 10_000, 100_000, 1_000_000
KEYS_QUICK = KEYS[::2]
BUDGET_TIMES = 2.0
BUDGET_MIB = 1024.0
BUDGET_JOIN_S = 60.0
MILLION = 1_000_000
CONNECTIONS = 100
REPEATS = 3
SECONDS = 4.0
TRIGGER = {"name": "trigger_snapshot"}


def _ask(service: Growing, keys: int, settings: Settings) -> list[Asked]:
    told = ask_often(
        service.service,
        writes(keys),
        connections=CONNECTIONS,
        seconds=settings.seconds or settings.pick(SECONDS, 2.0),
        repeats=settings.repeats or settings.pick(REPEATS, 2),
    )
    return told[Layout.FREE]


def costs(keys: int, told: list[Asked], resident_mib: float) -> Iterator[Figure]:
    """Tell what requests cost at so many keys, and the memory then."""
    where = f"{keys:,} keys"
    yield Figure(
        name=f"{where}: CPU of a write, a snapshot included",
        unit="µs",
        values=tuple(each.cpu_us for each in told),
        scales=True,
        point=Point(
            plot="CPU of a write by keys", series="write", x=keys, along="keys"
        ),
    )
    yield Figure(
        name=f"{where}: 99 of 100 writes answered within",
        unit="ms",
        values=tuple(each.p99_ms for each in told),
        scales=True,
    )
    yield Figure(
        name=f"{where}: memory of host and enclave at rest",
        unit="MiB",
        values=(resident_mib,),
        point=Point(plot="Memory by keys", series="both", x=keys, along="keys"),
    )


def growth(
    told: dict[int, list[Asked]], resident_mib: dict[int, float]
) -> Iterator[Figure]:
    """Compare the most keys with the least."""
    least, most = min(told), max(told)
    pairs = zip(told[most], told[least], strict=True)
    yield Figure(
        name=f"CPU of a write, {most:,} keys to {least:,}",
        unit="times",
        values=tuple(many.cpu_us / few.cpu_us for many, few in pairs),
        budget=BUDGET_TIMES,
    )
    grown_mib = resident_mib[most] - resident_mib[least]
    yield Figure(
        name=f"memory for a million keys of {len(TEXT)} bytes",
        unit="MiB",
        values=(grown_mib * MILLION / (most - least),),
        budget=BUDGET_MIB,
    )


async def joined_s(service: Growing) -> float:
    """Take a snapshot, have a node join from it, and give how long that took."""
    await service.network.govern([TRIGGER])
    await service.rest()
    started = time.perf_counter()
    await service.network.add(Placement())
    return time.perf_counter() - started


async def figures(settings: Settings) -> list[Figure]:
    told: dict[int, list[Asked]] = {}
    resident_mib: dict[int, float] = {}
    given: list[Figure] = []
    filled = 0
    with tempfile.TemporaryDirectory() as folder:
        async with growing(Path(folder)) as service:
            for keys in settings.pick(KEYS, KEYS_QUICK):
                await service.fill(filled, keys)
                filled = keys
                resident_mib[keys] = service.resident_mib()
                await service.network.govern([TRIGGER])
                told[keys] = _ask(service, keys, settings)
                given += costs(keys, told[keys], resident_mib[keys])
                await service.rest()
            given += growth(told, resident_mib)
            join_s = await joined_s(service)
    joining = Figure(
        name=f"a node joins from a snapshot of {filled:,} keys, the vote included",
        unit="s",
        values=(join_s,),
        budget=BUDGET_JOIN_S,
        scales=True,
    )
    return [*given, joining]


def measure(settings: Settings) -> Iterator[Figure]:
    yield from asyncio.run(figures(settings))


QUESTION = Question(
    slug="keys",
    text="What do more keys cost: memory, each write, a snapshot, a node that joins?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
