"""Waiting, in a test's own event loop, for what real sockets will bring."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import ClassVar, TypeAlias

DEADLINE_S = 60.0

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


class Running:
    """Which loop stories run in; the fixture ``each_loop`` sets it."""

    factory: ClassVar[LoopFactory] = staticmethod(asyncio.new_event_loop)


def run(story: Coroutine[None, None, None]) -> None:
    """Run a story to its end."""
    with asyncio.Runner(loop_factory=Running.factory) as runner:
        runner.run(story)


async def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Turn the loop until a condition holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + DEADLINE_S
    while not is_so():
        assert loop.time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.002)
