"""How much memory do a thousand sessions take, and does it come back when they end?

Users connect to one node, with certificates, and ask once each. Then all sessions stay
and send nothing, and end. This is repeated. Memory is that of host and enclave
together, each time after a period at rest. Python's allocator keeps the memory of the
first round for the next rounds, so a leak shows as growth from the second round on.

Budget: 64 MiB for a thousand sessions; and from the second round to the last, memory
grows by at most a tenth of that.
"""

import asyncio
import contextlib
import socket
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.growing.service import Growing, growing
from benchmarks.harness.figure import Figure
from benchmarks.harness.question import Question, Settings, main

SESSIONS = 900
"""A number below the thousand sessions that a node accepts by default."""
THOUSAND = 1000
BUDGET_MIB = 64.0
BUDGET_KEPT_MIB = BUDGET_MIB / 10
ROUNDS = 5
ASK = b"GET /node/commit HTTP/1.1\r\nhost: service\r\n\r\n"


def connected(
    service: Growing, context: ssl.SSLContext, ends: contextlib.ExitStack
) -> None:
    """Connect as a user, and ask once."""
    address = service.service.host, service.service.port
    plain = ends.enter_context(socket.create_connection(address))
    stream = ends.enter_context(
        context.wrap_socket(plain, server_hostname=service.service.host)
    )
    stream.sendall(ASK)
    answer = stream.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 200"), answer


async def resident_mib(folder: Path, sessions: int) -> tuple[float, list[float]]:
    """Return the memory of the first sessions, and the memory after each round."""
    async with growing(folder) as service:
        context = service.service.user_context()
        await service.rest()
        before_mib, with_mib = service.resident_mib(), 0.0
        after_mib: list[float] = []
        for _ in range(ROUNDS):
            with contextlib.ExitStack() as ends:
                for _ in range(sessions):
                    connected(service, context, ends)
                await service.rest()
                with_mib = with_mib or service.resident_mib() - before_mib
            await service.rest()
            after_mib.append(service.resident_mib())
    return with_mib, after_mib


def figures(
    with_mib: float, after_mib: Sequence[float], sessions: int
) -> Iterator[Figure]:
    """Return the memory of a thousand sessions, and the memory that stayed."""
    yield Figure(
        name="memory of a thousand sessions that say nothing",
        unit="MiB",
        values=(with_mib * THOUSAND / sessions,),
        budget=BUDGET_MIB,
    )
    yield Figure(
        name=f"memory more after {len(after_mib)} rounds of them than after 2",
        unit="MiB",
        values=((after_mib[-1] - after_mib[1]) * THOUSAND / sessions,),
        budget=BUDGET_KEPT_MIB,
    )


def measure(settings: Settings) -> Iterator[Figure]:
    sessions = settings.pick(SESSIONS, SESSIONS // 3)
    with tempfile.TemporaryDirectory() as folder:
        with_mib, after_mib = asyncio.run(resident_mib(Path(folder), sessions))
    yield from figures(with_mib, after_mib, sessions)


QUESTION = Question(
    slug="sessions",
    text="How much memory do a thousand sessions take, and does it come back?",
    measure=measure,
)

if __name__ == "__main__":
    main(QUESTION)
