"""A stream of events to each page: the whole state first, then what changed.

A page that reads slowly misses what is out of date and gets what is newest. The form is
that of server-sent events (HTML standard, section 9.2); the page reads the stream with
``fetch``, because ``EventSource`` can send no token.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

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
