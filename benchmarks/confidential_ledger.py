"""What does an entry of a confidential ledger cost, and how soon is it proved?

One node runs the app `confidential_ledger`. Clients append entries of 40 characters to
a hundred collections. Then they read, by their transactions, a hundred entries that
were appended before; an answer has an entry only if it is committed. Then one client
does what Azure's client does for each entry: append, ask for the status until the entry
is committed, and read the entry and its receipt.

Budget of CPU on one core with ten clients: 120 µs for an entry appended, and 120 µs for
an entry read. Half of the entries are committed, read and proved within 30 ms.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.harness.costs import Known, costs_of_each, repeats
from benchmarks.harness.decided import ONE_MEMBER, connect, decide
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.harness.works import MESSAGE_BYTES, RECORDS, Work, get, post
from ccfpy.client.connection import Connection
from ccfpy.crypto.certs import Certificate

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

CONNECTIONS = (1, 10, 100)
QUICK = (10,)
APPENDED = Known(cpu_us={10: 120.0})
READ = Known(cpu_us={10: 120.0})
PROVED_MS = 30.0
PROVED, QUICK_PROVED = 100, 20
POLL_S = 0.002
PATH = "/app/transactions"
VERSION = "api-version=2024-12-09-preview"
OPTIONS = ("--app", "confidential_ledger", *ONE_MEMBER)


def appends() -> Work:
    """Return requests that append entries to a hundred collections."""
    body = json.dumps({"contents": "x" * MESSAGE_BYTES}).encode()
    requests = (
        post(f"{PATH}?{VERSION}&collectionId=c{number}", body)
        for number in range(RECORDS)
    )
    return Work(name="an entry appended", requests=tuple(requests))


async def reads(service: Service) -> Work:
    """Append entries, and return requests that read them when all can be read."""
    async with connect(service, service.port, "user0") as user:
        ids = [await append(user, number) for number in range(RECORDS)]
        paths = [f"{PATH}/{tx_id}?{VERSION}" for tx_id in ids]
        for path in paths:
            await until(user, path, "Ready")
    return Work(name="an entry read", requests=tuple(map(get, paths)))


async def append(user: Connection, number: int) -> str:
    """Append an entry, and return its transaction."""
    entry = {"contents": f"{number:0{MESSAGE_BYTES}}"}
    reply = await user.post(f"{PATH}?{VERSION}&collectionId=c{number}", entry)
    return str(reply.txid)


async def until(user: Connection, path: str, state: str) -> None:
    """Ask until an answer has the state."""
    while (await user.get(path)).object()["state"] != state:  # noqa: ASYNC110 - no event
        await asyncio.sleep(POLL_S)


async def proved_ms(service: Service, count: int) -> list[float]:
    """Return how long each entry took until it was committed, read and proved."""
    times: list[float] = []
    async with connect(service, service.port, "user0") as user:
        for number in range(count):
            began = time.perf_counter()
            path = f"{PATH}/{await append(user, number)}"
            await until(user, f"{path}/status?{VERSION}", "Committed")
            await until(user, f"{path}?{VERSION}", "Ready")
            await until(user, f"{path}/receipt?{VERSION}", "Ready")
            times.append(1e3 * (time.perf_counter() - began))
    return times


def appoint(service: Service) -> None:
    """Make the first user an administrator."""
    certificate = (service.common / "user0_cert.pem").read_text()
    arguments: JsonObject = {
        "user_id": Certificate.from_pem(certificate).digest_hex,
        "user_data": {"assignedRoles": ["Administrator"]},
    }
    decide(service, [{"name": "set_user_data", "args": arguments}])


def measure(settings: Settings) -> Iterator[Figure]:
    connections = settings.connections or settings.pick(CONNECTIONS, QUICK)
    with sandbox(1, OPTIONS) as service:
        appoint(service)
        works = ((asyncio.run(reads(service)), READ), (appends(), APPENDED))
        yield from costs_of_each(
            service, works, "Entries of a ledger", settings, connections=connections
        )
        count = settings.pick(PROVED, QUICK_PROVED)
        runs = [
            asyncio.run(proved_ms(service, count)) for _ in range(repeats(settings))
        ]
    yield Figure(
        name="one client: half of the entries committed, read and proved within",
        unit="ms",
        values=tuple(map(statistics.median_high, runs)),
        budget=PROVED_MS,
    )


QUESTION = Question(
    slug="confidential_ledger",
    text="What does an entry of a confidential ledger cost, and how soon is it proved?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
