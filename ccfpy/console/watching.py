"""A service and a ledger watched, and what changed sent to each page that is open.

A page gets the whole state first, then what changed. A page that reads slowly misses
what is out of date and gets what is newest. The form is that of server-sent events
(HTML standard, section 9.2); the page reads the stream with ``fetch``, because
``EventSource`` can send no token.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from ccfpy.base.errors import CcfpyError
from ccfpy.client.review.public_state import read_public_state
from ccfpy.client.survey import survey
from ccfpy.console.folders import headline
from ccfpy.console.inbox import TABLES, inbox_of, unread
from ccfpy.console.network import Ring, network_of, unreachable
from ccfpy.console.recovery import Pace, unread_recovery, view_of
from ccfpy.console.recovery_reading import read_recovery

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ccfpy.console.answers import Inbox, Network
    from ccfpy.console.folders import Ledger, Lost
    from ccfpy.console.inbox import Titles
    from ccfpy.console.ledger_answers import LedgerView, LostView, RecoveryView
    from ccfpy.console.service import Service

    Reader = Callable[[Callable[[Any], None], threading.Event], None]

NETWORK = "network"
PROPOSALS = "proposals"
LEDGER = "ledger"
RECOVERY = "recovery"
LOST = "lost"
RATES = "rates"
NETWORK_EACH_S = 0.5
PROPOSALS_EACH_S = 2.0
RECOVERY_EACH_S = 1.0
RESTING_EACH_S = 5.0
"""While nothing is being recovered."""
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


async def look_at_proposals(
    service: "Service", titles: "Titles | None" = None
) -> "Inbox":
    """Read the list of proposals, and ask for the titles of those that are new."""
    now = datetime.now(tz=UTC)
    try:
        async with service.connect() as connection:
            state = await read_public_state(connection, only=TABLES)
            await service.remembered.look(connection)
    except CcfpyError as error:
        return unread(str(error), now=now)
    if titles is not None:
        titles.note(state)
    return inbox_of(
        state,
        names=service.names(),
        signer_id=service.signer_id,
        now=now,
        remembered=service.remembered,
        titles={} if titles is None else titles.known,
    )


async def look_at_recovery(service: "Service", pace: Pace) -> "RecoveryView":
    """Ask how far a recovery is, and note how fast nodes read."""
    now = datetime.now(tz=UTC)
    try:
        seen = await read_recovery(service)
    except CcfpyError as error:
        return unread_recovery(str(error), service=service, now=now)
    for node in seen.nodes:
        pace.take(node, time.monotonic())
    return view_of(seen, service=service, pace=pace, now=now)


async def watch(
    service: "Service | None",
    ledger: "Ledger | None",
    stream: "Stream",
    *,
    lost: "Lost | None" = None,
    titles: "Titles | None" = None,
) -> None:
    """Watch for ever; publish what differs from the last time.

    Nodes are asked while a page listens. Folders are read whether or not one does, so
    that they have been read when one does.
    """
    async with asyncio.TaskGroup() as tasks:
        if service is not None:
            ring = Ring()

            async def look() -> "Network":
                network = await look_at_network(service)
                now_ms = round(datetime.now(tz=UTC).timestamp() * 1000)
                rates = ring.take(network, now_ms=now_ms)
                if rates is not None:
                    stream.publish(RATES, orjson.dumps(rates))
                return network

            tasks.create_task(_each(NETWORK_EACH_S, look, stream, NETWORK))
            tasks.create_task(
                _each(
                    PROPOSALS_EACH_S,
                    lambda: look_at_proposals(service, titles),
                    stream,
                    PROPOSALS,
                )
            )
            tasks.create_task(_follow_recovery(service, stream))
            if titles is not None:
                tasks.create_task(titles.follow(service))
        if ledger is not None:
            tasks.create_task(_beside(_ledger_reader(ledger), stream, LEDGER))
        if lost is not None:
            tasks.create_task(_beside(lost.follow, stream, LOST))


def _ledger_reader(ledger: "Ledger") -> "Reader":
    """Return what follows a ledger, and says the headline too."""

    def follow(publish: "Callable[[LedgerView], None]", stop: threading.Event) -> None:
        ledger.follow(
            lambda view: publish(replace(view, headline=headline(view))), stop
        )

    return follow


async def _beside(follow: "Reader", stream: "Stream", topic: str) -> None:
    """Read folders on another thread."""
    loop, stop = asyncio.get_running_loop(), threading.Event()

    def publish(view: "LedgerView | LostView") -> None:
        loop.call_soon_threadsafe(stream.publish, topic, orjson.dumps(view))

    try:
        await asyncio.to_thread(follow, publish, stop)
    finally:
        stop.set()


async def _follow_recovery(service: "Service", stream: "Stream") -> None:
    """Ask often while there is a recovery, and else seldom."""
    pace = Pace()
    last: RecoveryView | None = None
    while True:
        await stream.is_heard.wait()
        began = time.monotonic()
        seen = await look_at_recovery(service, pace)
        if last is None or replace(seen, seen_at=last.seen_at) != last:
            last = seen
            stream.publish(RECOVERY, orjson.dumps(seen))
        is_resting = not seen.is_recovering and not seen.trouble
        seconds = RESTING_EACH_S if is_resting else RECOVERY_EACH_S
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)))


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


EVENTS_PER_S = 4
"""Of one topic to one page: people read no faster."""
HEARTBEAT_S = 15.0
LISTENERS_MAX = 16
HEARTBEAT = b": still here\n\n"


class TooManyListeners(Exception):
    """So many pages are open that no other is served."""


class Stream:
    """The newest value of each topic, and the pages that wait for newer ones."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}
        self._listeners: set[_Listener] = set()
        self.is_heard = asyncio.Event()
        """Set while a page listens: nobody else is worth a request to a node."""

    def publish(self, topic: str, value: bytes) -> None:
        """Keep the newest value of a topic, and send it to each page."""
        self._values[topic] = value
        for listener in self._listeners:
            listener.changed[topic] = value
            listener.woken.set()

    def latest(self, topic: str) -> bytes | None:
        """Return the newest value of a topic, if there has been any."""
        return self._values.get(topic)

    @contextmanager
    def listen(self) -> Iterator["_Listener"]:
        """Begin to listen, from the newest value of each topic on.

        Raises:
            TooManyListeners: ``LISTENERS_MAX`` listen already.
        """
        if len(self._listeners) >= LISTENERS_MAX:
            raise TooManyListeners
        listener = _Listener(dict(self._values))
        self._listeners.add(listener)
        self.is_heard.set()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self.is_heard.clear()


class _Listener:
    """One page.

    Attributes:
        changed: what the page has not been sent yet, by topic.
        woken: set while there is any.
    """

    def __init__(self, changed: dict[str, bytes]) -> None:
        self.changed = changed
        self.woken = asyncio.Event()
        if changed:
            self.woken.set()

    async def events(self) -> AsyncIterator[bytes]:
        """Yield what to send, for ever."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    await self.woken.wait()
            except TimeoutError:
                yield HEARTBEAT
                continue
            self.woken.clear()
            changed, self.changed = self.changed, {}
            for topic, value in changed.items():
                yield event(topic, value)
            await asyncio.sleep(1 / EVENTS_PER_S)


def event(topic: str, value: bytes) -> bytes:
    """Return an event; the value is JSON on one line."""
    return b"event: %b\ndata: %b\n\n" % (topic.encode(), value)
