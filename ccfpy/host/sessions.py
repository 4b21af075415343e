"""Client connections: bytes in become events, bytes out come from effects.

The host relays and bounds; it understands nothing of what it relays. Reading stops
while the enclave, or the client itself, does not keep up; a connection that is idle too
long, or will not take what is sent to it, is ended.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import cast

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import (
    SESSION_BACKLOG_BYTES_MAX,
    SESSION_LEAVING_BYTES_MAX,
    SESSION_LEAVING_S_MAX,
    SESSIONS_HARD_MARGIN,
)
from ccfpy.boundary.events import Event, SessionClosed, SessionData, SessionOpened
from ccfpy.host.connecting import soon

WRITE_BUFFER_HIGH = 1 << 20
"""Unsent bytes beyond which a client is not read from."""


class Session(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "discarded_bytes",
        "idle_s",
        "interface",
        "is_leaving",
        "leaving_s",
        "number",
        "post",
        "sessions",
        "transport",
        "writing_is_paused",
    )

    def __init__(self, sessions: "Sessions", interface: str) -> None:
        self.sessions = sessions
        self.interface = interface
        self.post = sessions.post
        self.number = SessionId(0)
        self.transport: asyncio.Transport | None = None
        self.writing_is_paused = False
        self.idle_s = 0
        self.is_leaving = False
        self.leaving_s = 0
        self.discarded_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Announce the client, unless its interface is far beyond its cap."""
        stream = self.transport = cast("asyncio.Transport", transport)
        stream.set_write_buffer_limits(high=WRITE_BUFFER_HIGH)
        self.sessions.opened(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what the client sent."""
        if self.is_leaving:
            self._discard(data)
            return
        self.idle_s = 0
        self.post(SessionData(session=self.number, data=data))

    def pause_writing(self) -> None:
        """Read no more from a client that does not read."""
        self.writing_is_paused = True
        self.update_reading()

    def resume_writing(self) -> None:
        """Go on reading."""
        self.writing_is_paused = False
        self.update_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Announce that the client is gone."""
        del exc
        self.sessions.closed(self)

    def update_reading(self) -> None:
        """Read, or do not, as the two pressures want it."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self.is_leaving:
            transport.resume_reading()
        elif self.writing_is_paused or self.sessions.link_is_congested:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def send(self, data: bytes) -> None:
        """Send to the client; drop one that lets too much pile up."""
        assert self.transport is not None, "an announced session is connected"
        self.idle_s = 0
        self.transport.write(data)
        if (
            self.writing_is_paused
            and self.transport.get_write_buffer_size() > SESSION_BACKLOG_BYTES_MAX
        ):
            self.transport.abort()

    def leave(self) -> None:
        """End the connection once what was sent has left and the client has read it.

        Were it closed with bytes of the client unread, the system would reset it, and
        an answer to a request that is still being sent would be lost on its way. So
        our side is ended first, and what comes is read until the client ends its own.
        """
        assert self.transport is not None, "an announced session is connected"
        self.is_leaving = True
        if self.transport.is_closing():
            return
        self.transport.write_eof()
        self.update_reading()

    def second_of_leaving_passed(self) -> None:
        """Close on a client that does not end its side."""
        self.leaving_s += 1
        if self.leaving_s == SESSION_LEAVING_S_MAX and self.transport is not None:
            self.transport.close()

    def _discard(self, data: bytes) -> None:
        assert self.transport is not None, "it receives"
        self.discarded_bytes += len(data)
        if self.discarded_bytes > SESSION_LEAVING_BYTES_MAX:
            self.transport.abort()


class Sessions:
    """All client connections of a node.

    Attributes:
        link_is_congested: nothing is read from any client meanwhile.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        *,
        idle_s_max: int | None,
        report_idle: Callable[[str], None],
    ) -> None:
        self.post = post
        self.link_is_congested = False
        self._idle_s_max = idle_s_max
        self._report_idle = report_idle
        self._numbers = itertools.count(1)
        self._open: dict[int, Session] = {}
        self._leaving: set[Session] = set()
        self._count: dict[str, int] = {}
        self._caps: dict[str, int] = {}

    def __len__(self) -> int:
        """Count the connections that exist, on their way out or not."""
        return sum(self._count.values())

    def add_interface(self, name: str, hard_max: int) -> Callable[[], Session]:
        """Give what makes the sessions of an interface."""
        self._count[name] = 0
        self._caps[name] = hard_max + SESSIONS_HARD_MARGIN
        return lambda: Session(self, name)

    def opened(self, session: Session) -> None:
        """Number and announce a connection.

        The node enforces the caps, and counts what it refuses. The margin beyond the
        hard cap is where even asking the node would cost too much.
        """
        transport = session.transport
        assert transport is not None, "it has just connected"
        self._count[session.interface] += 1
        if self._count[session.interface] > self._caps[session.interface]:
            self._leaving.add(session)
            transport.abort()
            return
        session.number = SessionId(next(self._numbers))
        self._open[session.number] = session
        peer = transport.get_extra_info("peername")
        self.post(
            SessionOpened(
                session=session.number,
                interface=session.interface,
                peer=f"{peer[0]}:{peer[1]}" if peer else "",
            )
        )
        if self.link_is_congested:
            soon(session.update_reading)

    def closed(self, session: Session) -> None:
        """Forget a connection; announce it if the enclave has not ended it itself."""
        self._count[session.interface] -= 1
        self._leaving.discard(session)
        if self._open.pop(session.number, None) is not None:
            self.post(SessionClosed(session=session.number))

    def send(self, number: SessionId, data: bytes) -> None:
        """Send to a client, if it is still there."""
        session = self._open.get(number)
        if session is not None:
            session.send(data)

    def close(self, number: SessionId) -> None:
        """End a connection once what was sent has left, and has been read."""
        session = self._open.pop(number, None)
        if session is not None:
            self._leaving.add(session)
            session.leave()

    def close_all(self) -> None:
        """End every connection once what was sent has left."""
        for number in list(self._open):
            self.close(SessionId(number))
        for session in self._leaving:
            if session.transport is not None:
                session.transport.close()

    def abort_all(self) -> None:
        """End every connection now."""
        for session in [*self._open.values(), *self._leaving]:
            if session.transport is not None:
                session.transport.abort()

    def set_congested(self, *, is_congested: bool) -> None:
        """Stop, or go on, reading from all clients."""
        self.link_is_congested = is_congested
        for session in self._open.values():
            session.update_reading()

    def second_passed(self) -> None:
        """End connections idle too long, and those that do not finish leaving."""
        for session in self._leaving:
            session.second_of_leaving_passed()
        limit = self._idle_s_max
        if limit is None:
            return
        for session in [*self._open.values(), *self._leaving]:
            session.idle_s += 1
            if session.idle_s > limit and session.transport is not None:
                self._report_idle(
                    f"Closing socket {session.number} after {session.idle_s}s idle "
                    f"(max = {limit}s)"
                )
                session.transport.abort()
