"""Waiting, in a test's own event loop, for what real sockets will bring."""

import asyncio
from collections.abc import Callable

DEADLINE_S = 10.0


async def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Let the loop turn until something is so."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while not is_so():
        assert loop.time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.002)
