"""A service with a past, and a client on one connection that asks about the past.

The client writes public values of 60 bytes to three keys in turn, so that the history
of each key is spread over the whole ledger.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.harness.figure import Better, Figure
from benchmarks.harness.question import Settings
from benchmarks.harness.service import Service, sandbox
from benchmarks.harness.works import post

T = TypeVar("T")
WRITES = 60_000
KEYS = 3
REPEATS = 3
PIPELINED = 200
POLL_S = 0.05


class Client:
    """One connection of a user."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, service: Service) -> "Client":
        context = service.user_context()
        return cls(
            *await asyncio.open_connection(service.host, service.port, ssl=context)
        )

    async def write(self, count: int) -> list[str]:
        """Write to the keys in turn; return the transactions' ids."""
        ids: list[str] = []
        for start in range(0, count, PIPELINED):
            numbers = range(start, min(start + PIPELINED, count))
            self._writer.write(b"".join(map(_write, numbers)))
            for _ in numbers:
                headers, _body = await self._answer()
                ids.append(headers["x-ms-ccf-transaction-id"])
        return ids

    async def write_committed(self, count: int) -> list[str]:
        """Write to the keys in turn, and return when the last write is committed."""
        ids = await self.write(count)
        await self.get(f"/app/receipt?transaction_id={ids[-1]}")
        return ids

    async def get(self, path: str) -> bytes:
        """Ask until the answer is available."""
        while True:
            self._writer.write(f"GET {path} HTTP/1.1\r\nhost: s\r\n\r\n".encode())
            headers, body = await self._answer()
            if headers["status"] == "200":
                return body
            assert headers["status"] in ("202", "404"), (headers, body)
            await asyncio.sleep(POLL_S)

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
    body = json.dumps({"id": number % KEYS, "msg": f"text number {number:08}"})
    return post("/app/log/public", body.encode())


def seqno(transaction: str) -> int:
    """Return the seqno of a transaction's id."""
    return int(transaction.partition(".")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a service did some work for a number of transactions.

    Attributes:
        per_s: transactions a second.
        cpu_us: the CPU time of both processes for each transaction.
    """

    per_s: float
    cpu_us: float


def asked_anew(
    settings: Settings, ask: Callable[[Service, int], Awaitable[T]]
) -> list[T]:
    """Write to a new service and ask about the past, once for each repeat.

    Args:
        ask: a function of the service and the number of writes.
    """
    writes = settings.pick(WRITES, WRITES // 4)

    async def asked(service: Service) -> T:
        return await ask(service, writes)

    told = []
    for _ in range(settings.repeats or settings.pick(REPEATS, 1)):
        with sandbox() as service:
            told.append(asyncio.run(asked(service)))
    return told


def paces(name: str, told: Sequence[Pace], *, budget_per_s: float) -> Iterator[Figure]:
    """Return the figures of the speed and the cost."""
    yield Figure(
        name=name,
        unit="a second",
        values=tuple(each.per_s for each in told),
        better=Better.MORE,
        budget=budget_per_s,
        scales=True,
    )
    yield Figure(
        name="CPU of both processes for each",
        unit="µs",
        values=tuple(each.cpu_us for each in told),
        scales=True,
    )
