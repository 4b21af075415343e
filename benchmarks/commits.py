"""How long until a write is known to be committed, at rest and under load?

A client writes, and asks again and again until it is told that its transaction is
committed: at rest, at random moments; then while ten clients write as fast as they are
answered, which takes all the processors that there are. On one node, three and five,
with the sandbox's interval of 100 ms between signatures; then with other intervals. A
sandbox signs early when it has little to sign, so the interval shows under load alone.

Budget: half of the writes to three nodes at rest are committed within 10 ms.
"""

import http.client
import json
import random
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.harness import works
from benchmarks.harness.figure import Figure, Point
from benchmarks.harness.generator import generator
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox

NODES = 1, 3, 5
BUDGET_NODES, BUDGET_MS = 3, 10.0
# Half and all of the writes but one in a hundred, with an interval of 100 ms, at rest.
CCF_P50_MS = {1: 60.0, 3: 156.0}
INTERVALS_MS = 10, 30, 100, 300, 1000
INTERVAL_MS = 100
SWEPT_NODES = 1, 3
LOADED_BY = 10
REPEATS = 3
WRITES = 100
PAUSE_S_MAX = 0.1
POLL_S = 0.001
MIDDLE, LAST = 0.5, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """What one repeat came to.

    Attributes:
        at_rest_ms: from each write to the answer that it is committed, in order.
        loaded_ms: likewise while others write.
        cpu_us: of all nodes for each write meanwhile.
    """

    at_rest_ms: tuple[float, ...]
    loaded_ms: tuple[float, ...]
    cpu_us: float


def part(ordered: tuple[float, ...], share: float) -> float:
    """Give the value that ``share`` of some values, in order, do not exceed."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@contextmanager
def connection(service: Service) -> Iterator[http.client.HTTPSConnection]:
    """Connect as a user to the first node."""
    common = service.common
    context = ssl.create_default_context(cafile=common / "service_cert.pem")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(common / "user0_cert.pem", common / "user0_privk.pem")
    client = http.client.HTTPSConnection(service.host, service.port, context=context)
    try:
        yield client
    finally:
        client.close()


def commits_ms(service: Service, writes: int) -> tuple[float, ...]:
    """Give, in order, how long each of some writes took to be known as committed."""
    with connection(service) as client:
        times = []
        for number in range(writes):
            time.sleep(random.random() * PAUSE_S_MAX)  # noqa: S311 - no secret
            started = time.perf_counter()
            _follow(client, {"id": number, "msg": "x" * works.MESSAGE_BYTES})
            times.append(1000 * (time.perf_counter() - started))
    return tuple(sorted(times))


def _follow(client: http.client.HTTPSConnection, record: dict[str, object]) -> None:
    """Write a record, and ask until that is committed."""
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


def follow(nodes: int, interval_ms: int, *, repeats: int, writes: int) -> list[Commits]:
    """Follow writes to a new service of so many nodes."""
    told = []
    with sandbox(nodes, ["--sig-ms-interval", str(interval_ms)]) as service:
        commits_ms(
            service, writes // 10
        )  # what is run for the first time is no measure
        for _ in range(repeats):
            at_rest_ms = commits_ms(service, writes)
            with generator(service, works.writes(), LOADED_BY) as others:
                others.wait_connected(LOADED_BY)
                cpu_s, before = service.cpu_s(), others.counts()
                loaded_ms = commits_ms(service, writes)
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


def of_nodes(nodes: int, told: list[Commits]) -> Iterator[Figure]:
    """Tell how long commits took on so many nodes."""
    where = f"{nodes} node{'s' if nodes > 1 else ''}"
    yield Figure(
        name=f"{where}, at rest: half of the writes within",
        unit="ms",
        values=tuple(part(each.at_rest_ms, MIDDLE) for each in told),
        budget=BUDGET_MS if nodes == BUDGET_NODES else None,
        ccf=CCF_P50_MS.get(nodes),
        point=_point("Commit of a write", "at rest, p50", nodes, "nodes"),
    )
    for name, share, plotted in (("99 of 100", LAST, "p99"), ("half", MIDDLE, "p50")):
        at_rest = tuple(part(each.at_rest_ms, share) for each in told)
        loaded = tuple(part(each.loaded_ms, share) for each in told)
        if share == LAST:
            yield Figure(
                name=f"{where}, at rest: {name} within",
                unit="ms",
                values=at_rest,
                point=_point("Commit of a write", "at rest, p99", nodes, "nodes"),
            )
        yield Figure(
            name=f"{where}, {LOADED_BY} clients writing: {name} within",
            unit="ms",
            values=loaded,
            point=_point("Commit of a write", f"loaded, {plotted}", nodes, "nodes"),
        )


def of_interval(nodes: int, interval_ms: int, told: list[Commits]) -> Iterator[Figure]:
    """Tell what another interval between signatures does."""
    where = f"{nodes} node{'s' if nodes > 1 else ''}, signed every {interval_ms} ms"
    along = "ms between signatures"
    yield Figure(
        name=f"{where}, {LOADED_BY} clients writing: half of the writes within",
        unit="ms",
        values=tuple(part(each.loaded_ms, MIDDLE) for each in told),
        point=_point(
            "Commit of a write, by interval", f"{nodes} nodes", interval_ms, along
        ),
    )
    yield Figure(
        name=f"{where}, {LOADED_BY} clients writing: CPU of a write",
        unit="µs",
        values=tuple(each.cpu_us for each in told),
        scales=True,
        point=_point(
            "CPU of a write, by interval", f"{nodes} nodes", interval_ms, along
        ),
    )


def _point(plot: str, series: str, x: float, along: str) -> Point:
    return Point(plot=plot, series=series, x=x, along=along)


def measure(settings: Settings) -> Iterator[Figure]:
    repeats = settings.repeats or settings.pick(REPEATS, 1)
    writes = settings.pick(WRITES, WRITES // 2)
    for nodes in settings.nodes or NODES:
        yield from of_nodes(
            nodes, follow(nodes, INTERVAL_MS, repeats=repeats, writes=writes)
        )
    for nodes in settings.nodes or SWEPT_NODES:
        for interval_ms in settings.pick(INTERVALS_MS, INTERVALS_MS[::4]):
            told = follow(nodes, interval_ms, repeats=repeats, writes=writes)
            yield from of_interval(nodes, interval_ms, told)


QUESTION = Question(
    slug="commits",
    text="How long until a write is known to be committed, at rest and under load?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
