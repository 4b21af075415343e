"""Attacks by clients that take more than their turn, over HTTP/1.1.

No client has a certificate that the service knows.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from tests.lab.attacks.attack import Attack, Family, Target
from tests.lab.attacks.bounds import Bounds, Spend
from tests.lab.attacks.wires import NoAnswer, Wire, connected, request_bytes

PIPELINING_CONNECTIONS = 30
PIPELINED_BYTES = 10 * 1024
"""On each connection: 0.3 MiB in all."""
DEAR_PATH = "/gov/service/constitution?api-version=2024-07-01"
"""A long answer to a short question: none that anybody may ask takes longer."""
HOLD_S = 10.0
"""How long connections are held open once all is sent; in the short form half as
long."""
HEAD_CONNECTIONS = 40
HEADERS = 240
HEADER_BYTES = 15 * 1024
BODY_CONNECTIONS = 100
BODY_BYTES = 1_000_000
BODY_SENT_BYTES = 990_000
DRIPS = 10
DRIP_PAUSE_S = 0.5
MEMORY_PEAK_GROWTH_MAX_BYTES = 96 << 20
"""What connections of one address may hold in a service that knows none of them."""


async def _together(
    target: Target,
    spend: Spend,
    count: int,
    act: Callable[[Wire], Awaitable[None]],
    *,
    is_deaf: bool = False,
) -> None:
    """Run a function on several connections at once; a node may close any of them."""

    async def one() -> None:
        with contextlib.suppress(NoAnswer):
            async with connected(target.address, spend, is_deaf=is_deaf) as wire:
                await act(wire)

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def pipelining(target: Target, spend: Spend) -> Sequence[str]:
    """Send many requests at once, and read no answer."""
    request = request_bytes("GET", DEAR_PATH)
    requests = request * (PIPELINED_BYTES // len(request))

    async def act(wire: Wire) -> None:
        await wire.send(requests)
        await asyncio.sleep(HOLD_S / 2 if target.is_quick else HOLD_S)

    await _together(target, spend, PIPELINING_CONNECTIONS, act, is_deaf=True)
    return ()


async def heads(target: Target, spend: Spend) -> Sequence[str]:
    """Send heads of requests that never end, on many connections."""
    header = b": " + b"a" * HEADER_BYTES + b"\r\n"

    async def act(wire: Wire) -> None:
        await wire.send(f"GET {DEAR_PATH} HTTP/1.1\r\n".encode())
        for number in range(HEADERS):
            await wire.send(f"h{number}".encode() + header)
        await wire.is_closed(within_s=HOLD_S)

    await _together(target, spend, HEAD_CONNECTIONS, act)
    return ()


async def bodies(target: Target, spend: Spend) -> Sequence[str]:
    """Announce large bodies, send nearly all of them, and then a byte at a time."""
    head = request_bytes(
        "PUT", "/app/notes/slow", headers={"content-length": str(BODY_BYTES)}
    )

    async def act(wire: Wire) -> None:
        await wire.send(head + b"x" * BODY_SENT_BYTES)
        for _ in range(DRIPS):
            await wire.send(b"x")
            if await wire.is_closed(within_s=DRIP_PAUSE_S):
                return

    count = BODY_CONNECTIONS // 4 if target.is_quick else BODY_CONNECTIONS
    await _together(target, spend, count, act)
    return ()


ATTACKS = (
    Attack(
        name="pipelining",
        family=Family.FAIRNESS,
        about=f"{PIPELINING_CONNECTIONS} connections send 0.3 MiB of requests and read "
        "nothing",
        perform=pipelining,
    ),
    Attack(
        name="heads",
        family=Family.FAIRNESS,
        about=f"{HEAD_CONNECTIONS} connections send heads without an end",
        perform=heads,
        bounds=Bounds(memory_peak_growth_max_bytes=MEMORY_PEAK_GROWTH_MAX_BYTES),
    ),
    Attack(
        name="bodies",
        family=Family.FAIRNESS,
        about=f"{BODY_CONNECTIONS} connections send large bodies, slowly at the end",
        perform=bodies,
        is_quick=False,
    ),
)
