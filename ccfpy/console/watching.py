"""Nodes asked again and again while a page is open, and not otherwise."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from ccfpy.base.errors import CcfpyError
from ccfpy.client.review.public_state import read_public_state
from ccfpy.client.survey import survey
from ccfpy.console.inbox import TABLES, inbox_of, unread
from ccfpy.console.network import network_of, unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccfpy.console.answers import Inbox, Network
    from ccfpy.console.service import Service
    from ccfpy.console.stream import Stream

NETWORK = "network"
PROPOSALS = "proposals"
NETWORK_EACH_S = 0.5
PROPOSALS_EACH_S = 2.0
NODE_TIMEOUT_S = 0.8
"""For each node: one that is cut off must not delay the picture of the others."""


async def look_at_network(service: "Service") -> "Network":
    """Ask every node."""
    now = datetime.now(tz=UTC)
    try:
        seen = await survey(
            service.urls,
            service_certificate=service.certificate,
            timeout_s=NODE_TIMEOUT_S,
        )
    except CcfpyError as error:
        return unreachable(service.urls, str(error), now=now)
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


async def watch(service: "Service", stream: "Stream") -> None:
    """Ask for ever, while a page listens; publish what differs from the last time."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            _each(NETWORK_EACH_S, lambda: look_at_network(service), stream, NETWORK)
        )
        tasks.create_task(
            _each(
                PROPOSALS_EACH_S, lambda: look_at_proposals(service), stream, PROPOSALS
            )
        )


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
