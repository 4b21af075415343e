"""Client connections: bytes in become events, bytes out come from effects.

The host relays bytes and bounds them; it cannot read them. The host does not read from
a client while too many of the client's bytes wait for the enclave, which reports how
many it has read. It reads from no client while the pipe to the enclave is congested.
The host reports how many bytes of answers have left, and the enclave does not serve a
client that does not read. A connection that is idle too long, or does not read its
answers, is ended.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import cast

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import (
    SESSION_BACKLOG_BYTES_MAX,
    SESSION_LEAVING_BYTES_MAX,
    SESSION_LEAVING_S_MAX,
    SESSION_READ_BYTES_MAX,
    SESSION_WINDOW_BYTES,
    SESSION_WRITTEN_BYTES,
    SESSIONS_HARD_MARGIN,
)
from ccfpy.boundary.events import (
    Event,
    SessionClosed,
    SessionData,
    SessionOpened,
    SessionWritten,
)
from ccfpy.host.connecting import set_keepalive, set_reading, soon


class CloseReason(StrEnum):
    """Why a client's connection ended."""

    CLIENT = "client"
    """The client ended it, or the network did."""
    NODE = "node"
    """The enclave ended it."""
    IDLE = "idle"
    BACKLOG = "backlog"
    """The client did not read its answers."""
    CAP = "cap"
    """It was beyond a cap."""


@dataclass(slots=True)
class SessionCount:
    """The connections of one interface.

    Attributes:
        active: those that exist.
        peak: the most that ever existed at once.
        closed: those that ended, by the reason.
    """

    active: int = 0
    peak: int = 0
    closed: dict[CloseReason, int] = field(
        default_factory=lambda: dict.fromkeys(CloseReason, 0)
    )


class Session(asyncio.BufferedProtocol):
    """One client's connection.

    Attributes:
        close_reason: why it ends, or has ended.
        place: the interface and address that it counts for, if addresses have a cap.
        unserved_bytes: the client's bytes that the enclave has not read yet.
        untold_bytes: bytes sent to the client, without a report to the enclave that
            they left; some of them may still be here.
        is_kept: the enclave wants it to live while it is idle.
        writing_is_paused: some of them are still here: the system takes no more for
            now.
    """

    __slots__ = (
        "close_reason",
        "discarded_bytes",
        "idle_s",
        "interface",
        "is_kept",
        "is_leaving",
        "leaving_s",
        "number",
        "place",
        "post",
        "sessions",
        "transport",
        "unserved_bytes",
        "untold_bytes",
        "writing_is_paused",
    )

    def __init__(self, sessions: "Sessions", interface: str) -> None:
        self.sessions = sessions
        self.interface = interface
        self.post = sessions.post
        self.number = SessionId(0)
        self.close_reason = CloseReason.CLIENT
        self.place: tuple[str, str] | None = None
        self.transport: asyncio.Transport | None = None
        self.writing_is_paused = False
        self.unserved_bytes = 0
        self.untold_bytes = 0
        self.idle_s = 0
        self.is_kept = False
        self.is_leaving = False
        self.leaving_s = 0
        self.discarded_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Announce the client, unless its interface is far beyond its cap."""
        stream = self.transport = cast("asyncio.Transport", transport)
        stream.set_write_buffer_limits(high=0)
        self.sessions.opened(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the client's next bytes: one for all clients."""
        del sizehint
        return self.sessions.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Pass on what the client sent; read no more of it than may wait."""
        if self.is_leaving:
            self._discard(nbytes)
            return
        self.idle_s = 0
        data = self.sessions.buffer[:nbytes].tobytes()
        unserved = self.unserved_bytes = self.unserved_bytes + nbytes
        self.post(SessionData(session=self.number, data=data))
        if unserved >= SESSION_WINDOW_BYTES:
            self.update_reading()

    def read_more(self, size: int) -> None:
        """Read on: the enclave has come to some of the client's bytes."""
        was_full = self.unserved_bytes >= SESSION_WINDOW_BYTES
        self.unserved_bytes -= size
        if was_full:
            self.update_reading()

    def pause_writing(self) -> None:
        """Note that the system has not taken all that was sent."""
        self.writing_is_paused = True

    def resume_writing(self) -> None:
        """Report to the enclave that all it sent has left."""
        self.writing_is_paused = False
        if self.untold_bytes >= SESSION_WRITTEN_BYTES:
            self.tell_written()

    def tell_written(self) -> None:
        """Report to the enclave how many of its bytes have left."""
        assert self.transport is not None, "an announced session is connected"
        waiting = self.transport.get_write_buffer_size()
        size = self.untold_bytes - waiting
        if size > 0 and not self.is_leaving:
            self.untold_bytes = waiting
            self.idle_s = 0
            self.post(SessionWritten(session=self.number, size=size))

    def connection_lost(self, exc: Exception | None) -> None:
        """Announce that the client is gone."""
        del exc
        self.sessions.closed(self)

    def update_reading(self) -> None:
        """Read, or do not, as what waits for the enclave wants it."""
        has_room = (
            self.unserved_bytes < SESSION_WINDOW_BYTES
            and not self.sessions.link_is_congested
        )
        set_reading(self.transport, is_reading=self.is_leaving or has_room)

    def send(self, data: bytes) -> None:
        """Send to the client; drop a client that reads too slowly."""
        assert self.transport is not None, "an announced session is connected"
        self.idle_s = 0
        self.untold_bytes += len(data)
        self.transport.write(data)
        if self.writing_is_paused:
            if self.transport.get_write_buffer_size() > SESSION_BACKLOG_BYTES_MAX:
                self.close_reason = CloseReason.BACKLOG
                self.transport.abort()
        elif self.untold_bytes >= SESSION_WRITTEN_BYTES:
            self.tell_written()

    def keep(self, *, is_kept: bool) -> None:
        """Stay however long nothing comes, or no longer.

        The system asks the client's now and then whether it is still there, and ends
        the connection if nothing answers. This costs neither process anything.
        """
        self.is_kept = is_kept
        self.idle_s = 0
        assert self.transport is not None, "an announced session is connected"
        set_keepalive(self.transport, is_on=is_kept)

    def leave(self) -> None:
        """End the connection once what was sent has left and the client has read it.

        If the connection were closed with unread bytes of the client, the system would
        reset it, and an answer to a request that is still being sent would be lost. The
        host therefore ends its own side first, and reads until the client ends its
        side.
        """
        assert self.transport is not None, "an announced session is connected"
        self.is_leaving = True
        self.is_kept = False
        if self.transport.is_closing():
            return
        try:
            self.transport.write_eof()
        except OSError:  # the client has ended the connection
            self.transport.abort()
        else:
            self.update_reading()

    def second_of_leaving_passed(self) -> None:
        """Close on a client that does not end its side."""
        self.leaving_s += 1
        if self.leaving_s == SESSION_LEAVING_S_MAX and self.transport is not None:
            self.transport.close()

    def _discard(self, size: int) -> None:
        assert self.transport is not None, "it receives"
        self.discarded_bytes += size
        if self.discarded_bytes > SESSION_LEAVING_BYTES_MAX:
            self.transport.abort()


class Sessions:
    """All client connections of a node.

    Attributes:
        link_is_congested: nothing is read from any client meanwhile.
        buffer: where the bytes of one client at a time are read to.
    """

    def __init__(
        self,
        post: Callable[[Event], None],
        *,
        idle_s_max: int | None,
        report: Callable[[str], None],
    ) -> None:
        self.post = post
        self.link_is_congested = False
        self.buffer = memoryview(bytearray(SESSION_READ_BYTES_MAX))
        self._idle_s_max = idle_s_max
        self._report = report
        self._numbers = itertools.count(1)
        self._open: dict[int, Session] = {}
        self._leaving: set[Session] = set()
        self._counts: dict[str, SessionCount] = {}
        self._caps: dict[str, int] = {}
        self._per_address_max: dict[str, int] = {}
        self._from_address: dict[tuple[str, str], int] = {}
        self._refused: set[tuple[str, str]] = set()

    def __len__(self) -> int:
        """Count the connections that exist, on their way out or not."""
        return sum(count.active for count in self._counts.values())

    def counts(self) -> Mapping[str, SessionCount]:
        """Return the counts of each interface, by its name."""
        return self._counts

    def add_interface(
        self, name: str, hard_max: int, *, per_address_max: int | None = None
    ) -> Callable[[], Session]:
        """Return the factory of an interface's sessions.

        Args:
            name: of the interface.
            hard_max: connections that the node accepts.
            per_address_max: of those, from one address; nothing for no such cap.
        """
        self._counts[name] = SessionCount()
        self._caps[name] = hard_max + SESSIONS_HARD_MARGIN
        if per_address_max is not None:
            self._per_address_max[name] = per_address_max
        return lambda: Session(self, name)

    def opened(self, session: Session) -> None:
        """Number and announce a connection.

        The node enforces the caps, and counts what it refuses. The margin beyond the
        hard cap is where even asking the node would cost too much.
        """
        transport = session.transport
        assert transport is not None, "it has just connected"
        count = self._counts[session.interface]
        count.active += 1
        count.peak = max(count.peak, count.active)
        peer = transport.get_extra_info("peername")
        if not self._admit(session, peer[0] if peer else ""):
            session.close_reason = CloseReason.CAP
            self._leaving.add(session)
            transport.abort()
            return
        session.number = SessionId(next(self._numbers))
        self._open[session.number] = session
        self.post(
            SessionOpened(
                session=session.number,
                interface=session.interface,
                peer=f"{peer[0]}:{peer[1]}" if peer else "",
            )
        )
        if self.link_is_congested:
            soon(session.update_reading)

    def _admit(self, session: Session, address: str) -> bool:
        """Count a connection from an address; return whether it is within the caps."""
        interface = session.interface
        if self._counts[interface].active > self._caps[interface]:
            return False
        most = self._per_address_max.get(interface)
        if most is None:
            return True
        place = interface, address
        count = self._from_address.get(place, 0)
        if count >= most:
            if place not in self._refused:
                self._refused.add(place)
                self._report(
                    f"Refusing connections from {address}: interface {interface} has "
                    f"{count} of that address (max = {most})"
                )
            return False
        self._from_address[place] = count + 1
        session.place = place
        return True

    def closed(self, session: Session) -> None:
        """Forget a connection; announce it if the enclave has not ended it itself."""
        count = self._counts[session.interface]
        count.active -= 1
        count.closed[session.close_reason] += 1
        place = session.place
        if place is not None:
            self._refused.discard(place)
            self._from_address[place] -= 1
            if not self._from_address[place]:
                del self._from_address[place]
        self._leaving.discard(session)
        if self._open.pop(session.number, None) is not None:
            self.post(SessionClosed(session=session.number))

    def send(self, number: SessionId, data: bytes) -> None:
        """Send to a client, if it is still there."""
        session = self._open.get(number)
        if session is not None:
            session.send(data)

    def read_more(self, number: SessionId, size: int) -> None:
        """Read on from a client, if it is still there."""
        session = self._open.get(number)
        if session is not None:
            session.read_more(size)

    def keep(self, number: SessionId, *, is_kept: bool) -> None:
        """Keep a connection however long it is idle, or no longer."""
        session = self._open.get(number)
        if session is not None:
            session.keep(is_kept=is_kept)

    def close(self, number: SessionId) -> None:
        """End a connection once what was sent has left, and has been read."""
        session = self._open.pop(number, None)
        if session is not None:
            session.close_reason = CloseReason.NODE
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
        """End connections idle too long, and those that do not finish leaving.

        The enclave is told of clients that read slowly, so that it waits for them.
        """
        for session in self._open.values():
            if session.writing_is_paused:
                session.tell_written()
        for session in self._leaving:
            session.second_of_leaving_passed()
        limit = self._idle_s_max
        if limit is None:
            return
        for session in [*self._open.values(), *self._leaving]:
            if session.is_kept:
                continue
            session.idle_s += 1
            if session.idle_s > limit and session.transport is not None:
                self._report(
                    f"Closing socket {session.number} after {session.idle_s}s idle "
                    f"(max = {limit}s)"
                )
                session.close_reason = CloseReason.IDLE
                session.transport.abort()
