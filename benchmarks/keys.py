"""How much do more keys cost: memory, each write, a snapshot, a node that joins?

One node receives values of 100 bytes under 1,000 keys, 10,000, 100,000 and a million,
and takes a snapshot only on command. At each number of keys a hundred clients write to
keys that are spread over all of them. Then the node takes a snapshot at rest, to show
its CPU time, and another snapshot while the clients write. At last another node joins,
from the snapshot.

Budget: a write to a million keys costs at most twice the CPU of a write to a thousand;
a snapshot costs 15 µs a key; a million keys take 1 GiB of memory at most; and a node
joins in 60 s, of which 5 do not depend on keys.
"""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growing.service import TEXT, Growing, growing, writes
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from ccfpy.local.configuration import Placement

KEYS = 1_000, 10_000, 100_000, 1_000_000
KEYS_QUICK = KEYS[::2]
BUDGET_TIMES = 2.0
BUDGET_SNAPSHOT_US = 15.0
BUDGET_MIB = 1024.0
BUDGET_JOIN_S = 60.0
BUDGET_START_S = 5.0
"""The part of these seconds that does not depend on keys."""
MILLION = 1_000_000
CONNECTIONS = 100
REPEATS = 3
SECONDS = 4.0
NEVER = MILLION
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The results at some number of keys.

    Attributes:
        resident_mib: the memory of host and enclave, before clients wrote to the keys
            again.
        written: the results of writes, by period, without a snapshot.
        disturbed: the same results during a snapshot.
        snapshot_cpu_s: the CPU time of a snapshot at rest.
        snapshot_s: the duration of this snapshot.
    """

    resident_mib: float
    written: list[Asked]
    disturbed: list[Asked]
    snapshot_cpu_s: float
    snapshot_s: float


async def see(service: Growing, keys: int, settings: Settings) -> Seen:
    """Measure a service that has this number of keys and is at rest."""
    resident_mib = service.resident_mib()
    written = _ask(service, keys, settings)
    await service.rest()
    before = service.snapshots()
    spent_s, began = service.cpu_s(), time.perf_counter()
    await service.network.govern([TRIGGER])
    await service.wait_snapshot(before)
    spent_s = service.cpu_s() - spent_s
    took_s = time.perf_counter() - began
    before = service.snapshots()
    await service.network.govern([TRIGGER])
    disturbed = _ask(service, keys, settings)
    await service.wait_snapshot(before)
    await service.rest()
    return Seen(
        resident_mib=resident_mib,
        written=written,
        disturbed=disturbed,
        snapshot_cpu_s=spent_s,
        snapshot_s=took_s,
    )


def costs(keys: int, seen: Seen) -> Iterator[Figure]:
    """Return the figures of requests, a snapshot and memory at a number of keys."""

    def figure(what: str, unit: str, *values: float, plot: str = "") -> Figure:
        return Figure(
            name=f"{keys:,} keys: {what}",
            unit=unit,
            values=values,
            scales=unit != "MiB",
            point=Point(plot=plot, series="ours", x=keys, along="keys")
            if plot
            else None,
        )

    cpu_us = (each.cpu_us for each in seen.written)
    yield figure("CPU of a write", "µs", *cpu_us, plot="CPU of a write by keys")
    for what, whiles in (
        ("99 of 100 writes answered within", seen.written),
        ("99 of 100 while a snapshot is taken", seen.disturbed),
    ):
        yield figure(what, "ms", *(each.p99_ms for each in whiles))
    what = "CPU of a snapshot, the vote for it included"
    yield figure(what, "s", seen.snapshot_cpu_s)
    yield figure("until it is written, at rest", "s", seen.snapshot_s)
    what = "memory of host and enclave at rest"
    yield figure(what, "MiB", seen.resident_mib, plot="Memory by keys")


def growth(seen: Mapping[int, Seen]) -> Iterator[Figure]:
    """Compare the most keys with the least."""
    least, most = min(seen), max(seen)
    few, many = seen[least], seen[most]
    pairs = zip(many.written, few.written, strict=True)
    yield Figure(
        name=f"CPU of a write, {most:,} keys to {least:,}",
        unit="times",
        values=tuple(each.cpu_us / other.cpu_us for each, other in pairs),
        budget=BUDGET_TIMES,
    )
    by_key = 1 / (most - least)
    yield Figure(
        name="CPU of a snapshot for each further key",
        unit="µs",
        values=(1e6 * by_key * (many.snapshot_cpu_s - few.snapshot_cpu_s),),
        budget=BUDGET_SNAPSHOT_US,
        scales=True,
    )
    yield Figure(
        name=f"memory for a million keys of {len(TEXT)} bytes",
        unit="MiB",
        values=(MILLION * by_key * (many.resident_mib - few.resident_mib),),
        budget=BUDGET_MIB,
    )


async def joined_s(service: Growing) -> float:
    """Join a node from the newest snapshot; return how long that took."""
    started = time.perf_counter()
    node = await service.network.add(Placement())
    took_s = time.perf_counter() - started
    async with service.network.connect(node) as anybody:
        state = (await anybody.get("/node/state")).object()
    assert state["startup_seqno"], "it read the ledger from its beginning"
    return took_s


def join_budget_s(keys: int) -> float:
    """Return the budget for a number of keys, from the budget for a million."""
    return BUDGET_START_S + (BUDGET_JOIN_S - BUDGET_START_S) * keys / MILLION


async def figures(settings: Settings) -> list[Figure]:
    seen: dict[int, Seen] = {}
    given: list[Figure] = []
    filled = 0
    with tempfile.TemporaryDirectory() as folder:
        async with growing(Path(folder), snapshot_every=NEVER) as service:
            for keys in settings.pick(KEYS, KEYS_QUICK):
                await service.fill(filled, keys)
                filled = keys
                seen[keys] = await see(service, keys, settings)
                given += costs(keys, seen[keys])
            join_s = await joined_s(service)
    joining = Figure(
        name=f"a node joins from a snapshot of {filled:,} keys, the vote included",
        unit="s",
        values=(join_s,),
        budget=join_budget_s(filled),
        scales=True,
    )
    return [*given, *growth(seen), joining]


def measure(settings: Settings) -> Iterator[Figure]:
    yield from asyncio.run(figures(settings))


QUESTION = Question(
    slug="keys",
    text="What do more keys cost: memory, each write, a snapshot, a node that joins?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
