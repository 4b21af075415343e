"""A service and a ledger watched, for the pages that are open."""

import asyncio
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from ccfpy.base.errors import CcfpyError
from ccfpy.client.review.public_state import read_public_state
from ccfpy.client.survey import survey
from ccfpy.console.inbox import TABLES, inbox_of, unread
from ccfpy.console.ledger import headline
from ccfpy.console.network import network_of, unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccfpy.console.answers import Inbox, LedgerView, Network
    from ccfpy.console.ledger import Ledger
    from ccfpy.console.service import Service
    from ccfpy.console.stream import Stream

NETWORK = "network"
PROPOSALS = "proposals"
LEDGER = "ledger"
NETWORK_EACH_S = 0.5
PROPOSALS_EACH_S = 2.0
NODE_TIMEOUT_S = 0.8
"""For each node: one that is cut off must not delay the picture of the others."""


async def look_at_network(service: "Service") -> "Network":
    """Ask every node."""
    now = datetime.now(tz=UTC)
    try:
        seen = await survey(
            service.addresses,
            service_certificate=service.certificate,
            timeout_s=NODE_TIMEOUT_S,
        )
    except CcfpyError as error:
        return unreachable(service.addresses, str(error), now=now)
    service.answered[:] = [node.url for node in seen.nodes if node.answer is not None]
    return network_of(seen, now=now)


async def look_at_proposals(service: "Service") -> "Inbox":
    """Read the list of proposals."""
    now = datetime.now(tz=UTC)
    try:
        async with service.connect() as connection:
            state = await read_public_state(connection, only=TABLES)
    except CcfpyError as error:
        return unread(str(error), now=now)
    return inbox_of(state, names=service.names(), signer_id=service.signer_id, now=now)


async def watch(
    service: "Service | None", ledger: "Ledger | None", stream: "Stream"
) -> None:
    """Watch for ever; publish what differs from the last time.

    Nodes are asked while a page listens. A ledger is read whether or not one does, so
    that it has been read when one does.
    """
    async with asyncio.TaskGroup() as tasks:
        if service is not None:
            tasks.create_task(
                _each(NETWORK_EACH_S, lambda: look_at_network(service), stream, NETWORK)
            )
            tasks.create_task(
                _each(
                    PROPOSALS_EACH_S,
                    lambda: look_at_proposals(service),
                    stream,
                    PROPOSALS,
                )
            )
        if ledger is not None:
            tasks.create_task(_follow(ledger, stream))


async def _follow(ledger: "Ledger", stream: "Stream") -> None:
    """Read a ledger on another thread."""
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def publish(view: "LedgerView") -> None:
        value = orjson.dumps(replace(view, headline=headline(view)))
        loop.call_soon_threadsafe(stream.publish, LEDGER, value)

    try:
        await asyncio.to_thread(ledger.follow, publish, stop)
    finally:
        stop.set()


async def _each(
    seconds: float,
    look: "Callable[[], Awaitable[Network | Inbox]]",
    stream: "Stream",
    topic: str,
) -> None:
    last: Network | Inbox | None = None
    while True:
        await stream.is_heard.wait()
        began = time.monotonic()
        seen = await look()
        if last is None or replace(seen, seen_at=last.seen_at) != last:
            last = seen
            stream.publish(topic, orjson.dumps(seen))
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))
