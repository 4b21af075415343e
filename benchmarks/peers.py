"""How much does a write cost in other replicated stores, in the same run?

Clients put values of 100 bytes to few keys over 1, 10 and 100 connections, one put
after another on each. They put to ccfpy with a user's certificate, sealed and signed.
They put to etcd over TLS with P-384 certificates, over gRPC and over its JSON gateway,
with fsync and without, because neither ccfpy nor CCF waits for the disk. Callers in the
process of its leader put to PySyncObj. CPU time is that of all nodes' processes,
without the clients'.

If a peer is not installed, the run omits the peer and says how to install it.

Budget: no more CPU than etcd without fsync over its JSON gateway, which speaks HTTP/1.1
and JSON like ccfpy.
"""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from benchmarks.harness import works
from benchmarks.harness.asking import Asked, ask_often
from benchmarks.harness.figure import Better, Figure, Point
from benchmarks.harness.pinning import Layout
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.servers import etcd, pysyncobj_cluster
from benchmarks.servers.rate import Rate

NODES = 1, 3
CONNECTIONS = 1, 10, 100
REPEATS = 3
SECONDS = 3.0
WARM_UP_S = 1.0
BUDGET = 1.0
OURS = "ccfpy"
RIVAL = "etcd, JSON"
FSYNC = " with fsync"
ON_DISK = "/var/tmp"  # noqa: S108 - where a folder of its own is made
"""Many systems keep ``/tmp`` in memory, where fsync costs nothing."""

Rates: TypeAlias = Iterator[tuple[str, int, Rate]]
"""A server's name, the number of connections, and the results."""


def _ccfpy(nodes: int, connections: tuple[int, ...], seconds: float) -> Rates:
    with sandbox(nodes) as service:
        _ask(service, max(connections), WARM_UP_S)
        for count in connections:
            asked = _ask(service, count, seconds)
            yield OURS, count, Rate(cpu_us=asked.cpu_us, per_s=asked.per_s)


def _ask(service: Service, connections: int, seconds: float) -> Asked:
    work = works.writes(size=len(etcd.VALUE))
    asked = ask_often(
        service, work, connections=connections, seconds=seconds, repeats=1
    )
    return asked[Layout.FREE][0]


def _etcd(
    nodes: int, connections: tuple[int, ...], seconds: float, *, fsync: bool
) -> Rates:
    bodies = {"gRPC": etcd.grpc_put, "JSON": etcd.json_put}
    with tempfile.TemporaryDirectory(dir=ON_DISK) as name:
        folder = Path(name)
        with etcd.cluster(folder, nodes, fsync=fsync) as cluster:
            for protocol, body in bodies.items():
                path = folder / protocol
                path.write_bytes(body(etcd.KEY, etcd.VALUE))
                for count in connections:
                    rate = cluster.put(
                        path,
                        connections=count,
                        seconds=seconds,
                        grpc=protocol == "gRPC",
                    )
                    yield f"etcd, {protocol}{FSYNC if fsync else ''}", count, rate


def _pysyncobj(nodes: int, connections: tuple[int, ...], seconds: float) -> Rates:
    with (
        tempfile.TemporaryDirectory() as folder,
        pysyncobj_cluster.cluster(Path(folder), nodes) as cluster,
    ):
        for count in connections:
            yield "PySyncObj", count, cluster.put(callers=count, seconds=seconds)


def _all(nodes: int, connections: tuple[int, ...], seconds: float) -> Rates:
    yield from _ccfpy(nodes, connections, seconds)
    if etcd.missing() is None:
        for fsync in (False, True):
            yield from _etcd(nodes, connections, seconds, fsync=fsync)
    if pysyncobj_cluster.missing() is None:
        yield from _pysyncobj(nodes, connections, seconds)


def figures(
    nodes: int, connections: int, rates: Mapping[str, list[Rate]]
) -> Iterator[Figure]:
    """Return the figures of all servers at one number of nodes and connections."""
    where = f"{_many(nodes, 'node')}, {_many(connections, 'connection')}"
    cpu = {name: tuple(r.cpu_us for r in each) for name, each in rates.items()}
    per_s = {name: tuple(r.per_s for r in each) for name, each in rates.items()}
    yield _figure(f"CPU of a put, {where}", "µs", cpu, nodes, connections)
    yield _figure(f"puts, {where}", "a second", per_s, nodes, connections)
    if RIVAL in cpu:
        ratios = (ours / its for ours, its in zip(cpu[OURS], cpu[RIVAL], strict=True))
        yield Figure(
            name=f"CPU to that of {RIVAL}, {where}",
            unit="times",
            values=tuple(ratios),
            budget=BUDGET,
        )


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _figure(
    name: str,
    unit: str,
    values: Mapping[str, tuple[float, ...]],
    nodes: int,
    connections: int,
) -> Figure:
    return Figure(
        name=name,
        unit=unit,
        values=values[OURS],
        better=Better.LESS if unit == "µs" else Better.MORE,
        peers={
            peer: statistics.median(each)
            for peer, each in values.items()
            if peer != OURS
        },
        scales=True,
        point=Point(
            plot=f"{'CPU of a put' if unit == 'µs' else 'Puts a second'}, beside peers",
            series=f"{OURS}, {_many(nodes, 'node')}",
            x=connections,
            along="connections",
        ),
    )


def measure(settings: Settings) -> Iterator[Figure]:
    for sentence in (etcd.missing(), pysyncobj_cluster.missing()):
        if sentence:
            print(sentence, flush=True)
    connections = settings.connections or CONNECTIONS
    repeats = settings.repeats or settings.pick(REPEATS, 1)
    seconds = settings.seconds or settings.pick(SECONDS, 1.0)
    for nodes in settings.nodes or NODES:
        rates: defaultdict[int, defaultdict[str, list[Rate]]]
        rates = defaultdict(lambda: defaultdict(list))
        for _ in range(repeats):
            for name, count, rate in _all(nodes, connections, seconds):
                rates[count][name].append(rate)
        for count in connections:
            yield from figures(nodes, count, rates[count])


QUESTION = Question(
    slug="peers",
    text="What does a write cost other replicated stores on the same machine?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
