"""What do clients who connect at once cost a node and its other clients?

A hundred users read all the time, each as soon as it is answered. Then nine hundred
others connect at once, each with a certificate, and ask once each; a thousand together
are what a node accepts by default. Before, users connect one after another, ask once
and leave, while nobody else asks anything.

Budgets: a connection takes 3 ms of CPU, of which clients' programs are no part. Beside
the newcomers, 99 of 100 of the others' answers come within 100 ms, and all newcomers
are served within 10 s.

Where a build of CCF is named (``servers/ccf.py``), both services are asked in turns. A
connection takes at most 1.2 times the CPU that it takes CCF, and newcomers are served
within 1.5 times CCF's time. The clients offer what OpenSSL offers by itself, which is
X25519 with and without ML-KEM. CCF takes neither and asks for another group, in a
second flight.
"""

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.harness import works
from benchmarks.harness.asking import send_before
from benchmarks.harness.figure import Figure
from benchmarks.harness.generator import generator
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.servers import ccf

CONNECTED = 100
NEWCOMERS = 900
ONE_BY_ONE = 300
ASK = works.get("/app/log/private?id=0")
ANSWER_BYTES_MAX = 1 << 16
BUDGET_CPU_MS = 3.0
BUDGET_P99_MS = 100.0
BUDGET_SERVED_S = 10.0
CPU_TO_CCF = 1.2
SERVED_TO_CCF = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The arrival of all newcomers.

    Attributes:
        served_s: until the last of them was answered.
        p99_ms: the time to the first bytes that one answer in a hundred to the users
            who were connected exceeded meanwhile.
    """

    served_s: float
    p99_ms: float


async def come(service: Service, context: ssl.SSLContext) -> asyncio.StreamWriter:
    """Connect as a user and ask once; return the open connection."""
    reader, writer = await asyncio.open_connection(
        service.host, service.port, ssl=context
    )
    writer.write(ASK)
    answer = await reader.read(ANSWER_BYTES_MAX)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return writer


async def come_one_by_one(service: Service, count: int) -> None:
    """Connect, ask and leave, one user after another."""
    context = service.user_context()
    for _ in range(count):
        writer = await come(service, context)
        writer.close()
        await writer.wait_closed()


async def come_at_once(service: Service, count: int) -> float:
    """Connect so many users at once; return the seconds until all are answered."""
    context = service.user_context()
    began = time.perf_counter()
    writers = await asyncio.gather(*(come(service, context) for _ in range(count)))
    served_s = time.perf_counter() - began
    for writer in writers:
        writer.transport.abort()
    return served_s


def cpu_ms(service: Service, count: int) -> float:
    """Return the CPU time of a connection on which one request is sent."""
    before_s = service.cpu_s()
    asyncio.run(come_one_by_one(service, count))
    return 1e3 * (service.cpu_s() - before_s) / count


def arrival(service: Service, *, connected: int, newcomers: int) -> Arrival:
    """Connect newcomers beside users who are connected, and ask all the time."""
    with generator(service, works.reads(), connected) as asking:
        asking.wait_connected(connected)
        before = asking.counts()
        served_s = asyncio.run(come_at_once(service, newcomers))
        counted = asking.counts().since(before)
        asking.stop()
    return Arrival(served_s=served_s, p99_ms=counted.quantile_ms(0.99))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The results of one service in one turn.

    Attributes:
        cpu_ms: of a connection on which one request is sent.
        arrival: of newcomers beside users who are connected.
    """

    cpu_ms: float
    arrival: Arrival


def take_turn(service: Service, *, count: int, connected: int) -> Turn:
    """Connect users to a service one by one, and then many at once."""
    return Turn(
        cpu_ms=cpu_ms(service, count),
        arrival=arrival(service, connected=connected, newcomers=NEWCOMERS),
    )


def figures(turns: Sequence[Turn], *, connected: int) -> Iterator[Figure]:
    """Return what the turns of ccfpy show by themselves."""
    yield Figure(
        name="a connection with a client's certificate, CPU",
        unit="ms",
        values=tuple(turn.cpu_ms for turn in turns),
        budget=BUDGET_CPU_MS,
        scales=True,
    )
    yield Figure(
        name=f"p99 of {connected} connected users beside {NEWCOMERS} newcomers",
        unit="ms",
        values=tuple(turn.arrival.p99_ms for turn in turns),
        budget=BUDGET_P99_MS,
    )
    yield Figure(
        name=f"until {NEWCOMERS} newcomers are served",
        unit="s",
        values=tuple(turn.arrival.served_s for turn in turns),
        budget=BUDGET_SERVED_S,
        scales=True,
    )


def ratios(pairs: Sequence[tuple[Turn, Turn]], version: str) -> Iterator[Figure]:
    """Return what ccfpy's turns are to CCF's, with which each makes a pair.

    Args:
        pairs: a turn of ccfpy and one of CCF.
        version: of CCF.
    """
    yield Figure(
        name=f"a connection with a client's certificate: CPU to that of CCF {version}",
        unit="times",
        values=tuple(ours.cpu_ms / its.cpu_ms for ours, its in pairs),
        budget=CPU_TO_CCF,
    )
    yield Figure(
        name=f"{NEWCOMERS} newcomers are served: time to that of CCF {version}",
        unit="times",
        values=tuple(
            ours.arrival.served_s / its.arrival.served_s for ours, its in pairs
        ),
        budget=SERVED_TO_CCF,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    repeats = settings.repeats or settings.pick(5, 3)
    count = settings.pick(ONE_BY_ONE, ONE_BY_ONE // 3)
    (connected,) = settings.connections or (CONNECTED,)
    sentence = ccf.missing()
    with ExitStack() as running:
        services = [running.enter_context(sandbox())]
        if sentence:
            print(sentence, flush=True)
        else:
            services.append(running.enter_context(ccf.network(1, "logging")))
        for service in services:
            send_before(service, works.reads())
            asyncio.run(come_one_by_one(service, count // 10))
        rounds = [
            [take_turn(each, count=count, connected=connected) for each in services]
            for _ in range(repeats)
        ]
    yield from figures([ours for ours, *_ in rounds], connected=connected)
    if not sentence:
        yield from ratios([(ours, its) for ours, its in rounds], ccf.version())


QUESTION = Question(
    slug="newcomers",
    text="What do clients who connect at once cost a node and its other clients?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
