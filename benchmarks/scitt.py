"""What do a statement's registration and its receipt cost?

One node runs the app `scitt`, with a policy in JavaScript that looks at the issuer of
each statement. Clients register a hundred statements of a kilobyte again and again, all
signed with ES256 under a chain of three certificates, with keys on P-256, P-521 and
P-384. The answer comes at commit, and is the receipt. Then the clients ask for the
receipts of a hundred registrations.

Budget of CPU on one core with ten clients: 2 ms for a registration with its receipt,
and 100 µs for a receipt that is asked for later. One client has half of its receipts
within 30 ms.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator

from benchmarks.harness.costs import Known, costs_of_each, repeats
from benchmarks.harness.decided import ONE_MEMBER, connect, decide
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main
from benchmarks.harness.service import Service, sandbox
from benchmarks.harness.works import RECORDS, Work, get
from ccfpy.base.json import JsonObject
from ccfpy.client.connection import Connection
from tests.apps.scitt_kit import CONSTITUTION, SCRAPI, issuer

CONNECTIONS = (1, 10, 100)
QUICK = (10,)
REGISTERED = Known(cpu_us={10: 2_000.0})
PROVED = Known(cpu_us={10: 100.0})
RECEIPT_MS = 30.0
RECEIPTS, QUICK_RECEIPTS = 100, 20
STATEMENT_BYTES = 1_000
COSE = "application/cose"
AT_COMMIT = f"/entries?{SCRAPI}&waitForCommit=true"
POLICY = """
export function apply(phdr) {
  return phdr.cwt.iss.startsWith("did:x509:") || "another kind of issuer";
}
"""
CONFIGURATION: JsonObject = {
    "authentication": {"allowUnauthenticated": True},
    "policy": {"policyScript": POLICY},
}


def options() -> list[str]:
    """Return the configuration with which the service starts."""
    scripts = [word for path in CONSTITUTION for word in ("--constitution", str(path))]
    claims = ("--cose-claims", "scitt.example", "receipts")
    return ["--app", "scitt", *ONE_MEMBER, *claims, *scripts]


def statements() -> list[bytes]:
    """Return signed statements, each of another payload."""
    signer = issuer("ES256")
    return [
        signer.sign(payload=f"{number:0{STATEMENT_BYTES}}".encode())
        for number in range(RECORDS)
    ]


def registrations() -> Work:
    """Return requests that register statements and wait for their receipts."""
    head = (
        f"POST {AT_COMMIT} HTTP/1.1\r\nhost: scitt.example\r\n"
        f"content-type: {COSE}\r\ncontent-length: "
    )
    requests = (f"{head}{len(each)}\r\n\r\n".encode() + each for each in statements())
    return Work(name="a registration with its receipt", requests=tuple(requests))


async def register(user: Connection, statement: bytes) -> str:
    """Register a statement, and return its transaction when it is committed."""
    reply = await user.request(
        "POST", AT_COMMIT, body=statement, headers={"content-type": COSE}
    )
    return str(reply.raise_for_error().txid)


async def receipts(service: Service) -> Work:
    """Register statements, and return requests for their receipts."""
    async with connect(service, service.port, "user0") as user:
        ids = [await register(user, statement) for statement in statements()]
    paths = (f"/entries/{tx_id}?{SCRAPI}" for tx_id in ids)
    return Work(name="a receipt", requests=tuple(map(get, paths)))


async def receipt_ms(service: Service, count: int) -> list[float]:
    """Return how long each receipt took, for one client after another."""
    times: list[float] = []
    async with connect(service, service.port, "user0") as user:
        for statement in statements()[:count]:
            began = time.perf_counter()
            await register(user, statement)
            times.append(1e3 * (time.perf_counter() - began))
    return times


def measure(settings: Settings) -> Iterator[Figure]:
    connections = settings.connections or settings.pick(CONNECTIONS, QUICK)
    with sandbox(1, options()) as service:
        arguments: JsonObject = {"configuration": CONFIGURATION}
        decide(service, [{"name": "set_scitt_configuration", "args": arguments}])
        works = (
            (registrations(), REGISTERED),
            (asyncio.run(receipts(service)), PROVED),
        )
        yield from costs_of_each(
            service, works, "Statements", settings, connections=connections
        )
        count = settings.pick(RECEIPTS, QUICK_RECEIPTS)
        runs = [
            asyncio.run(receipt_ms(service, count)) for _ in range(repeats(settings))
        ]
    yield Figure(
        name="one client: half of the receipts, from the statement on, within",
        unit="ms",
        values=tuple(map(statistics.median_high, runs)),
        budget=RECEIPT_MS,
    )


QUESTION = Question(
    slug="scitt",
    text="What do a statement's registration and its receipt cost?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
