"""How fast does a service tell of its past?

One node, after 60,000 public writes of 60 bytes to three keys. The half written first
is asked for: all that became of one key, page by page, over one connection whose client
waits for each page; nothing of it was asked for before. Every entry is read from the
ledger's files twice, once for the index of keys and once for the answer, verified and
opened. Then 50 receipts at random transactions of that half, one after another.

Budget: 2,000 transactions of the ledger a second; all 50 receipts within 3 seconds.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.harness.figure import Better, Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox

BUDGET_PER_S = 2000
BUDGET_S = 3.0
WRITES = 60_000
KEYS = 3
RECEIPTS = 50
REPEATS = 3
PIPELINED = 200
WAIT_MS = 10_000


class Client:
    """One connection of a user."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, service: Service) -> "Client":
        common = service.common
        context = ssl.create_default_context(cafile=common / "service_cert.pem")
        context.load_cert_chain(common / "user0_cert.pem", common / "user0_privk.pem")
        return cls(
            *await asyncio.open_connection(service.host, service.port, ssl=context)
        )

    async def write(self, count: int) -> list[str]:
        """Write to the keys in turn; give the transactions' ids."""
        ids: list[str] = []
        for start in range(0, count, PIPELINED):
            numbers = range(start, min(start + PIPELINED, count))
            self._writer.write(b"".join(map(_write, numbers)))
            for _ in numbers:
                headers, _body = await self._answer()
                ids.append(headers["x-ms-ccf-transaction-id"])
        return ids

    async def get(self, path: str) -> bytes:
        """Ask until the answer is there."""
        while True:
            self._writer.write(f"GET {path} HTTP/1.1\r\nhost: s\r\n\r\n".encode())
            headers, body = await self._answer()
            if headers["status"] == "200":
                return body
            assert headers["status"] in ("202", "404"), (headers, body)
            await asyncio.sleep(0.05)

    async def _answer(self) -> tuple[dict[str, str], bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in lines)
        }
        headers["status"] = first.split()[1]
        size = int(headers.get("content-length", "0"))
        return headers, await self._reader.readexactly(size)


def _write(number: int) -> bytes:
    body = json.dumps({"id": number % KEYS, "msg": f"text number {number:08}"}).encode()
    return (
        b"POST /app/log/public HTTP/1.1\r\nhost: s\r\n"
        b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    ) % (len(body), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How fast the past was told of.

    Attributes:
        per_s: transactions told of in a second, of all that were written.
        cpu_us: of both processes for each.
        receipts_s: for all the receipts, one after another.
    """

    per_s: float
    cpu_us: float
    receipts_s: float


async def ask_of_the_past(service: Service, writes: int) -> Told:
    """Write, and then ask for the half that was written first."""
    client = await Client.connect(service)
    ids = await client.write(writes)
    await client.get(f"/app/receipt?transaction_id={ids[-1]}")
    old = ids[: writes // 2]
    first, last = (int(each.partition(".")[2]) for each in (old[0], old[-1]))
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
        per_s=count / took,
        cpu_us=cpu_us,
        receipts_s=time.perf_counter() - begun,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    writes = settings.pick(WRITES, WRITES // 4)
    told = []
    for _ in range(settings.repeats or settings.pick(REPEATS, 1)):
        with sandbox() as service:
            told.append(asyncio.run(ask_of_the_past(service, writes)))
    yield Figure(
        name="transactions of the past told of, cold",
        unit="a second",
        values=tuple(each.per_s for each in told),
        better=Better.MORE,
        budget=BUDGET_PER_S,
        scales=True,
    )
    yield Figure(
        name="CPU of both processes for each",
        unit="µs",
        values=tuple(each.cpu_us for each in told),
        scales=True,
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
