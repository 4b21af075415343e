"""How fast does a node build an index, and do others wait meanwhile?

One node has 60,000 public writes of 60 bytes to three keys. Then a client asks for the
first time for the last write of one key. So the node builds the sample's index, whose
buckets the host keeps, from the first transaction on. The node reads most of the ledger
back from files, verifies and decrypts it; the ledger's end is in memory. Meanwhile
another connection asks one quick question after another, and its slowest answer shows
how long others wait.

Budget: 5,000 transactions of the ledger a second; the slowest answer within 250 ms.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.harness.figure import Figure
from benchmarks.harness.past import Client, Pace, asked_anew, paces, seqno
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service

BUDGET_PER_S = 5000
BUDGET_MS = 250.0


async def _ask_on(client: Client, until: asyncio.Event) -> list[float]:
    """Ask a quick question again and again; return how long each answer took."""
    took_s = []
    while not until.is_set():
        begun = time.perf_counter()
        await client.get("/app/commit")
        took_s.append(time.perf_counter() - begun)
    return took_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How a node built an index.

    Attributes:
        pace: the pace of the indexed transactions.
        worst_ms: the longest time for which another client waited for an answer
            meanwhile.
    """

    pace: Pace
    worst_ms: float


async def build_index(service: Service, writes: int) -> Built:
    """Write, and then ask a question that needs the index."""
    client, other = await Client.connect(service), await Client.connect(service)
    last = seqno((await client.write_committed(writes))[-1])
    path = f"/app/log/public/historical/range?id=0&from_seqno={last - 9}"
    built = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_ask_on(other, built))
        cpu, begun = service.cpu_s(), time.perf_counter()
        page = json.loads(await client.get(f"{path}&to_seqno={last}&wait=10000"))
        took = time.perf_counter() - begun
        built.set()
    took_s = asking.result()
    assert page["entries"], page
    return Built(
        pace=Pace(per_s=last / took, cpu_us=1e6 * (service.cpu_s() - cpu) / last),
        worst_ms=1000 * max(took_s),
    )


def measure(settings: Settings) -> Iterator[Figure]:
    built = asked_anew(settings, build_index)
    yield from paces(
        "transactions indexed, half of them read back from files",
        [each.pace for each in built],
        budget_per_s=BUDGET_PER_S,
    )
    yield Figure(
        name="the worst answer to anybody else meanwhile",
        unit="ms",
        values=tuple(each.worst_ms for each in built),
        budget=BUDGET_MS,
        scales=True,
    )


QUESTION = Question(
    slug="indexing",
    text="How fast does a node build an index, and do others wait meanwhile?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
