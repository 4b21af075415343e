"""How fast does a service answer questions about its past?

One node has 60,000 public writes of 60 bytes to three keys. A client reads the half
that was written first: the whole history of one key, page by page, over one connection.
The client waits for each page, and nobody has read this half before. The node reads
every entry from the ledger's files twice, once for the index of keys and once for the
answer, and verifies and decrypts the entry. Then the client asks for 50 receipts at
random transactions of this half, one after another.

Budget: 2,000 transactions of the ledger a second; all 50 receipts within 3 seconds.
"""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.harness.figure import Figure
from benchmarks.harness.past import KEYS, Client, Pace, asked_anew, paces, seqno
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service

BUDGET_PER_S = 2000
BUDGET_S = 3.0
RECEIPTS = 50
WAIT_MS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How fast a service answered questions about its past.

    Attributes:
        pace: the pace of the transactions in the answers, among all that were written.
        receipts_s: the time for all receipts, one after another.
    """

    pace: Pace
    receipts_s: float


async def ask_of_the_past(service: Service, writes: int) -> Told:
    """Write, and then ask for the half that was written first."""
    client = await Client.connect(service)
    old = (await client.write_committed(writes))[: writes // 2]
    first, last = seqno(old[0]), seqno(old[-1])
    cpu, begun = service.cpu_s(), time.perf_counter()
    path = f"/app/log/public/historical/range?id=0&from_seqno={first}&to_seqno={last}"
    entries = 0
    while path:
        page = json.loads(await client.get(f"{path}&wait={WAIT_MS}"))
        entries += len(page["entries"])
        path = page.get("@nextLink", "")
    took = time.perf_counter() - begun
    assert entries == len(old) // KEYS, entries
    count = last - first + 1
    cpu_us = 1e6 * (service.cpu_s() - cpu) / count
    chosen = random.Random(1).sample(old, RECEIPTS)  # noqa: S311 - no secret
    begun = time.perf_counter()
    for tx_id in chosen:
        await client.get(f"/app/receipt?transaction_id={tx_id}&wait={WAIT_MS}")
    return Told(
        pace=Pace(per_s=count / took, cpu_us=cpu_us),
        receipts_s=time.perf_counter() - begun,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    told = asked_anew(settings, ask_of_the_past)
    yield from paces(
        "transactions of the past told of, cold",
        [each.pace for each in told],
        budget_per_s=BUDGET_PER_S,
    )
    yield Figure(
        name=f"{RECEIPTS} receipts of random old transactions, one after another",
        unit="s",
        values=tuple(each.receipts_s for each in told),
        budget=BUDGET_S,
        scales=True,
    )


QUESTION = Question(
    slug="history",
    text="How fast does a service tell of its past?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
