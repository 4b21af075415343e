"""How long until a write is known to be committed, at rest and under load?

A client writes, and asks again and again until the answer says that the transaction is
committed. At rest, the client writes at random moments. Under load, ten other clients
write as fast as they get answers, which takes all processors. The nodes are one, three
and five, and sign early as a sandbox does: soon if they have little to sign, otherwise
every 100 ms. Then the same question goes to nodes that never sign early and know only
the interval, as in CCF, with one interval after another.

Budget: half of the writes to three nodes at rest are committed within 10 ms.
"""

import asyncio
import http.client
import json
import math
import random
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growing.service import growing
from benchmarks.harness import works
from benchmarks.harness.figure import Figure, Point
from benchmarks.harness.generator import generator
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox

NODES = 1, 3, 5
BUDGET_NODES, BUDGET_MS = 3, 10.0
INTERVALS_MS = 10, 30, 100, 300, 1000
INTERVAL_MS = 100
SWEPT_NODES = 1, 3
LOADED_BY = 10
REPEATS = 3
WRITES, WRITES_QUICK = 200, 100
"""With fewer than a hundred writes, the slowest would stand for one in a hundred."""
WRITES_SWEPT, WRITES_SWEPT_QUICK = 30, 10
SWEPT_MS_MIN = 1000
"""The shortest time for which writes are followed: a shorter time does not show the
cost of a load."""
POLL_S = 0.001
MIDDLE, LAST = 0.5, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """The results of one repeat.

    Attributes:
        at_rest_ms: the times from each write to the answer that the write is committed,
            in order.
        loaded_ms: the same times while other clients write.
        cpu_us: the CPU time of all nodes for each write under load.
    """

    at_rest_ms: tuple[float, ...]
    loaded_ms: tuple[float, ...]
    cpu_us: float


def part(ordered: tuple[float, ...], share: float) -> float:
    """Return the least of the sorted values that a ``share`` of them does not
    exceed."""
    return ordered[max(math.ceil(len(ordered) * share), 1) - 1]


@contextmanager
def connection(service: Service) -> Iterator[http.client.HTTPSConnection]:
    """Connect as a user to the first node."""
    client = http.client.HTTPSConnection(
        service.host, service.port, context=service.user_context()
    )
    try:
        yield client
    finally:
        client.close()


def commits_ms(service: Service, writes: int, interval_ms: int) -> tuple[float, ...]:
    """Return, sorted, the time until each write was known to be committed.

    A signature commits a write, and the next signature comes at any moment of the
    interval after it. Without random moments, all writes would wait for as long as the
    first one.
    """
    with connection(service) as client:
        times = []
        for number in range(writes):
            time.sleep(random.random() * interval_ms / 1000)  # noqa: S311 - no secret
            started = time.perf_counter()
            _follow(client, {"id": number, "msg": "x" * works.MESSAGE_BYTES})
            times.append(1000 * (time.perf_counter() - started))
    return tuple(sorted(times))


def _follow(client: http.client.HTTPSConnection, record: dict[str, object]) -> None:
    """Write a record, and ask until the record is committed."""
    kind = {"content-type": "application/json"}
    client.request("POST", "/app/log/private", json.dumps(record), kind)
    response = client.getresponse()
    response.read()
    transaction = response.headers["x-ms-ccf-transaction-id"]
    while True:
        client.request("GET", f"/app/tx?transaction_id={transaction}")
        status = json.loads(client.getresponse().read())["status"]
        if status == "Committed":
            return
        assert status in ("Pending", "Unknown"), status
        time.sleep(POLL_S)


def follow(
    service: Service, interval_ms: int, *, repeats: int, writes: int
) -> list[Commits]:
    """Follow writes to a new service."""
    told = []
    # the first run of any code is no measurement
    commits_ms(service, writes // 10, interval_ms)
    for _ in range(repeats):
        at_rest_ms = commits_ms(service, writes, interval_ms)
        with generator(service, works.writes(), LOADED_BY) as others:
            others.wait_connected(LOADED_BY)
            cpu_s, before = service.cpu_s(), others.counts()
            loaded_ms = commits_ms(service, writes, interval_ms)
            spent_s = service.cpu_s() - cpu_s
            sent = others.counts().since(before).sent
            others.stop()
        told.append(
            Commits(
                at_rest_ms=at_rest_ms,
                loaded_ms=loaded_ms,
                cpu_us=1e6 * spent_s / (sent + writes),
            )
        )
    return told


async def follow_by_interval(
    nodes: int, interval_ms: int, *, repeats: int, writes: int
) -> list[Commits]:
    """Follow writes to a service that signs once in an interval, and never early."""
    with tempfile.TemporaryDirectory() as folder:
        async with growing(
            Path(folder),
            nodes,
            app="logging",
            signature_ms=interval_ms,
            signs_early=False,
        ) as service:
            return follow(service.service, interval_ms, repeats=repeats, writes=writes)


def of_nodes(nodes: int, told: list[Commits]) -> Iterator[Figure]:
    """Return the figures of commits on a number of nodes that sign early."""
    for state, measured in (
        ("at rest", [each.at_rest_ms for each in told]),
        (f"{LOADED_BY} clients writing", [each.loaded_ms for each in told]),
    ):
        for what, share in (("half", MIDDLE), ("99 of 100", LAST)):
            is_judged = state == "at rest" and share == MIDDLE
            yield Figure(
                name=f"{_many(nodes)}, {state}: {what} of the writes within",
                unit="ms",
                values=tuple(part(times, share) for times in measured),
                budget=BUDGET_MS if is_judged and nodes == BUDGET_NODES else None,
                point=Point(
                    plot="Commit of a write",
                    series=f"{state}, {what}",
                    x=nodes,
                    along="nodes",
                ),
            )


def of_interval(nodes: int, interval_ms: int, told: list[Commits]) -> Iterator[Figure]:
    """Return the figures for one interval between signatures."""

    def figure(what: str, values: Iterable[float], plot: str, series: str) -> Figure:
        return Figure(
            name=f"{_many(nodes)}, signed each {interval_ms:,} ms, never early, {what}",
            unit="µs" if "CPU" in what else "ms",
            values=tuple(values),
            scales="CPU" in what,
            point=Point(
                plot=f"{plot}, by interval",
                series=series,
                x=interval_ms,
                along="ms between signatures",
            ),
        )

    times = "Commit of half of the writes"
    yield figure(
        "at rest: half of the writes within",
        (part(each.at_rest_ms, MIDDLE) for each in told),
        times,
        f"{_many(nodes)} at rest",
    )
    yield figure(
        f"{LOADED_BY} clients writing: half of the writes within",
        (part(each.loaded_ms, MIDDLE) for each in told),
        times,
        f"{_many(nodes)}, {LOADED_BY} clients writing",
    )
    yield figure(
        f"{LOADED_BY} clients writing: CPU of a write",
        (each.cpu_us for each in told),
        "CPU of a write",
        _many(nodes),
    )


def _many(nodes: int) -> str:
    return f"{nodes} node{'s' if nodes > 1 else ''}"


def measure(settings: Settings) -> Iterator[Figure]:
    repeats = settings.repeats or settings.pick(REPEATS, 1)
    for nodes in settings.nodes or NODES:
        writes = settings.pick(WRITES, WRITES_QUICK)
        with sandbox(nodes, ["--sig-ms-interval", str(INTERVAL_MS)]) as service:
            told = follow(service, INTERVAL_MS, repeats=repeats, writes=writes)
        yield from of_nodes(nodes, told)
    swept = settings.pick(WRITES_SWEPT, WRITES_SWEPT_QUICK)
    for nodes in settings.nodes or SWEPT_NODES:
        for interval_ms in settings.pick(INTERVALS_MS, INTERVALS_MS[::2]):
            writes = max(swept, SWEPT_MS_MIN // interval_ms)
            told = asyncio.run(
                follow_by_interval(nodes, interval_ms, repeats=repeats, writes=writes)
            )
            yield from of_interval(nodes, interval_ms, told)


QUESTION = Question(
    slug="commits",
    text="How long until a write is known to be committed, at rest and under load?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
