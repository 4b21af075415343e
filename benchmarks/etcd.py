"""What do etcd's calls cost over gRPC, and what do they cost etcd itself?

One node runs the app `etcd`. Clients put 100 bytes to each of a hundred keys: answered
at commit, as by etcd, or when applied (`x-ccfpy-answer: applied`). Then they read these
keys: linearizable, which writes to the ledger, and serializable, which does not. The
same clients make the same calls to etcd over TLS, with fsync and without
(`--unsafe-no-fsync`), because ccfpy does not wait for the disk. Etcd always answers a
put at commit.

CPU time is that of the servers' processes. The clients run in one process in Python,
all with the same code, so rates show how fast that process can ask. If etcd is not
installed (Debian: `etcd-server`), the run omits etcd.

Budget of CPU with ten clients, on cores that the kernel chooses: 700 µs for a put that
is answered at commit and for a linearizable range, 500 µs for a put that is answered
when applied, and 400 µs for a serializable range. One client has half of its puts at
commit within 20 ms.
"""

import asyncio
import shutil
import ssl
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from apps.etcd.messages import PutRequest, RangeRequest
from apps.etcd.serving import ANSWER_HEADER, APPLIED
from apps.etcd.wire import encode
from benchmarks.harness.costs import repeats
from benchmarks.harness.decided import ONE_MEMBER
from benchmarks.harness.figure import Better, Figure, Point
from benchmarks.harness.processes import cpu_s
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import sandbox
from benchmarks.harness.works import RECORDS
from benchmarks.peers import FSYNC, ON_DISK
from benchmarks.servers import etcd
from ccfpy.app import grpc_message
from tests.unit.http.h2_client import H2Client

CONNECTIONS = (1, 10)
QUICK = (10,)
SECONDS, QUICK_SECONDS = 3.0, 1.0
WARM_UP_S = 0.5
OURS = "ccfpy"
ETCD = "etcd"
READ_BYTES = 1 << 16
PUT_MS = 20.0
OPTIONS = ("--app", "etcd", "--http2", *ONE_MEMBER)
GRPC: Final = (("content-type", "application/grpc"), ("te", "trailers"))


class Failed(Exception):
    """A call was not answered as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of call.

    Attributes:
        is_ours: whether only ccfpy knows it.
        budget_us: of CPU time, with ten clients.
    """

    name: str
    path: str
    messages: tuple[bytes, ...]
    headers: tuple[tuple[str, str], ...] = GRPC
    is_ours: bool = False
    budget_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where to ask, and which processes serve."""

    host: str
    port: int
    pids: tuple[int, ...]
    tls: ssl.SSLContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What one period of a load showed."""

    cpu_us: float
    per_s: float
    p50_ms: float


def kinds() -> tuple[Kind, ...]:
    """Return the calls that are measured."""
    keys = [f"key{number}".encode() for number in range(RECORDS)]
    puts = tuple(
        grpc_message(encode(PutRequest(key=key, value=etcd.VALUE))) for key in keys
    )

    def ranges(*, serializable: bool) -> tuple[bytes, ...]:
        requests = (RangeRequest(key=key, serializable=serializable) for key in keys)
        return tuple(grpc_message(encode(request)) for request in requests)

    put, get = "/etcdserverpb.KV/Put", "/etcdserverpb.KV/Range"
    applied = (*GRPC, (ANSWER_HEADER, APPLIED))
    return (
        Kind(name="put at commit", path=put, messages=puts, budget_us=550.0),
        Kind(
            name="put when applied",
            path=put,
            messages=puts,
            headers=applied,
            is_ours=True,
            budget_us=350.0,
        ),
        Kind(
            name="linearizable range",
            path=get,
            messages=ranges(serializable=False),
            budget_us=550.0,
        ),
        Kind(
            name="serializable range",
            path=get,
            messages=ranges(serializable=True),
            budget_us=250.0,
        ),
    )


async def _call(
    client: H2Client,
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    kind: Kind,
    message: bytes,
) -> None:
    reader, writer = streams
    stream = client.ask("POST", kind.path, headers=kind.headers, body=message)
    while stream not in client.answers or not client.answers[stream].is_whole:
        writer.write(client.take())
        data = await reader.read(READ_BYTES)
        if not data:
            raise Failed("the server closed the connection")
        client.receive(data)
    client.events.clear()
    answer = client.answers.pop(stream)
    if answer.trailers.get("grpc-status") != "0":
        raise Failed(f"{kind.name}: {answer.headers} {answer.trailers}")


async def _one_client(
    server: Server, kind: Kind, is_over: asyncio.Event, times: list[float]
) -> None:
    client = H2Client()
    streams = await asyncio.open_connection(server.host, server.port, ssl=server.tls)
    number = 0
    while not is_over.is_set():
        began = time.perf_counter()
        await _call(client, streams, kind, kind.messages[number % len(kind.messages)])
        times.append(1e3 * (time.perf_counter() - began))
        number += 1
    streams[1].close()


async def load(
    server: Server, kind: Kind, *, connections: int, seconds: float
) -> Period:
    """Make calls of one kind on some connections, one after another on each.

    Raises:
        Failed: a call was refused.
    """
    is_over, times = asyncio.Event(), list[float]()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_one_client(server, kind, is_over, times))
        await asyncio.sleep(WARM_UP_S)
        first, spent_s, began = len(times), cpu_s(server.pids), time.perf_counter()
        await asyncio.sleep(seconds)
        last, passed_s = len(times), time.perf_counter() - began
        spent_s = cpu_s(server.pids) - spent_s
        is_over.set()
    counted = times[first:last]
    if not counted:
        raise Failed(f"nothing was answered for {passed_s:.1f} s")
    return Period(
        cpu_us=1e6 * spent_s / len(counted),
        per_s=len(counted) / passed_s,
        p50_ms=statistics.median(counted),
    )


By = dict[str, list[Period]]
Measured = defaultdict[tuple[str, int], By]
"""The periods of each server, by the kind of call and the number of connections."""


def _measure(
    name: str, server: Server, told: Measured, settings: Settings, *, is_ours: bool
) -> None:
    seconds = settings.seconds or settings.pick(SECONDS, QUICK_SECONDS)
    for kind in kinds():
        if kind.is_ours and not is_ours:
            continue
        for count in settings.connections or settings.pick(CONNECTIONS, QUICK):
            for _ in range(repeats(settings)):
                period = asyncio.run(
                    load(server, kind, connections=count, seconds=seconds)
                )
                told[kind.name, count].setdefault(name, []).append(period)


def _measure_etcd(told: Measured, settings: Settings, *, fsync: bool) -> None:
    with (
        tempfile.TemporaryDirectory(dir=ON_DISK) as folder,
        etcd.cluster(Path(folder), 1, fsync=fsync) as cluster,
    ):
        place = urlsplit(cluster.url)
        tls = ssl.create_default_context(cafile=cluster.authority)
        tls.set_alpn_protocols(["h2"])
        assert place.hostname is not None
        assert place.port is not None
        server = Server(
            host=place.hostname, port=place.port, pids=cluster.pids, tls=tls
        )
        name = f"{ETCD}{FSYNC if fsync else ''}"
        _measure(name, server, told, settings, is_ours=False)


def figures(kind: Kind, count: int, by: Mapping[str, list[Period]]) -> Iterator[Figure]:
    """Return the figures of one kind of call at one number of connections."""
    over = f"{count} connection{'' if count == 1 else 's'}"

    def figure(
        what: str, unit: str, of: Callable[[Period], float], budget: float | None
    ) -> Figure:
        values = {name: tuple(map(of, each)) for name, each in by.items()}
        return Figure(
            name=f"{kind.name}, {over}: {what}",
            unit=unit,
            values=values[OURS],
            better=Better.MORE if unit == "a second" else Better.LESS,
            budget=budget,
            peers={
                name: statistics.median(each)
                for name, each in values.items()
                if name != OURS
            },
            scales=unit != "ms",
            point=Point(
                plot=f"Etcd's calls over gRPC: {what}",
                series=kind.name,
                x=count,
                along="connections",
            ),
        )

    cpu_us = kind.budget_us if count == CONNECTIONS[-1] else None
    at_rest = count == 1 and kind.name == "put at commit"
    yield figure("CPU", "µs", lambda period: period.cpu_us, cpu_us)
    yield figure("answered", "a second", lambda period: period.per_s, None)
    yield figure(
        "half within", "ms", lambda period: period.p50_ms, PUT_MS if at_rest else None
    )


def measure(settings: Settings) -> Iterator[Figure]:
    told: Measured = defaultdict(dict)
    with sandbox(1, OPTIONS) as service:
        tls = service.user_context()
        tls.set_alpn_protocols(["h2"])
        server = Server(
            host=service.host, port=service.port, pids=service.pids, tls=tls
        )
        _measure(OURS, server, told, settings, is_ours=True)
    if shutil.which("etcd") is None:
        print("etcd was not asked: apt install etcd-server brings it.", flush=True)
    else:
        for fsync in (False, True):
            _measure_etcd(told, settings, fsync=fsync)
    by_name = {kind.name: kind for kind in kinds()}
    for (name, count), by in told.items():
        yield from figures(by_name[name], count, by)


QUESTION = Question(
    slug="etcd",
    text="What do etcd's calls cost over gRPC, here and in etcd itself?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
