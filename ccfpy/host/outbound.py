"""Connections to elsewhere that the enclave asked for: its TLS ends in the enclave.

The host connects and relays. The enclave numbers its calls and hears of each that it
has not ended itself exactly one ``CallEnded``.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from ccfpy.base.ids import CallId
from ccfpy.base.limits import CALLS_MAX, SESSION_BACKLOG_BYTES_MAX
from ccfpy.boundary.events import CallData, CallEnded, CallOpened, Event
from ccfpy.host.connecting import (
    ConnectFailed,
    begin,
    connect,
    reason,
    set_reading,
    soon,
)


class OutboundConnection(asyncio.Protocol):
    """One such connection, from the wish for it to its end."""

    __slots__ = ("_calls", "attempt", "number", "transport")

    def __init__(self, calls: "OutboundConnections", number: CallId) -> None:
        self._calls = calls
        self.number = number
        self.attempt: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Announce that the connection is there."""
        self.transport = cast("asyncio.Transport", transport)
        self._calls.opened(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._calls.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Announce that the connection is gone."""
        self._calls.ended(self, None if exc is None else reason(exc))


class OutboundConnections:
    """All such connections of a node.

    Attributes:
        link_is_congested: nothing is read from any of them meanwhile.
    """

    def __init__(self, post: Callable[[Event], None], *, timeout_s: float) -> None:
        self._post = post
        self._timeout_s = timeout_s
        self._calls: dict[CallId, OutboundConnection] = {}
        self._leaving: set[OutboundConnection] = set()
        self.link_is_congested = False

    def __len__(self) -> int:
        """Count the connections, on their way in, there, or on their way out."""
        return len(self._calls) + len(self._leaving)

    def open(self, number: CallId, address: str) -> None:
        """Begin to connect; one too many ends at once."""
        assert number not in self._calls, f"call {number} is open already"
        if len(self) >= CALLS_MAX:
            self._post(CallEnded(call=number, reason=f"more than {CALLS_MAX} calls"))
            return
        call = self._calls[number] = OutboundConnection(self, number)
        call.attempt = begin(self._connect(call, address))

    def send(self, number: CallId, data: bytes) -> None:
        """Send, if the connection is there; end one that lets too much pile up."""
        call = self._calls.get(number)
        if call is None or call.transport is None:
            return
        call.transport.write(data)
        if call.transport.get_write_buffer_size() > SESSION_BACKLOG_BYTES_MAX:
            call.transport.abort()

    def end(self, number: CallId) -> None:
        """End a call once what was sent has left, or after the time for connecting."""
        call = self._calls.pop(number, None)
        if call is None:
            return
        if call.transport is None:
            assert call.attempt is not None, "a call begins by connecting"
            call.attempt.cancel()
            return
        self._leaving.add(call)
        call.transport.close()
        asyncio.get_running_loop().call_later(self._timeout_s, call.transport.abort)

    def close_all(self) -> None:
        """End every call as ``end`` does."""
        for number in list(self._calls):
            self.end(number)

    def abort_all(self) -> None:
        """End every call now."""
        self.close_all()
        for call in self._leaving:
            if call.transport is not None:
                call.transport.abort()

    def set_congested(self, *, is_congested: bool) -> None:
        """Stop, or go on, reading from all calls."""
        self.link_is_congested = is_congested
        for call in self._calls.values():
            self._update_reading(call)

    def opened(self, call: OutboundConnection) -> None:
        """Announce a connection that came about."""
        if self._calls.get(call.number) is not call:
            # It was ended in the very turn in which it came about.
            assert call.transport is not None, "it has just connected"
            call.transport.abort()
            return
        self._post(CallOpened(call=call.number))
        if self.link_is_congested:
            soon(lambda: self._update_reading(call))

    def received(self, call: OutboundConnection, data: bytes) -> None:
        """Pass bytes on."""
        if self._calls.get(call.number) is call:
            self._post(CallData(call=call.number, data=data))

    def ended(self, call: OutboundConnection, why: str | None) -> None:
        """Forget a call; announce it if the enclave has not ended it itself."""
        self._leaving.discard(call)
        if self._calls.get(call.number) is call:
            del self._calls[call.number]
            self._post(CallEnded(call=call.number, reason=why))

    async def _connect(self, call: OutboundConnection, address: str) -> None:
        try:
            await connect(lambda: call, address, timeout_s=self._timeout_s)
        except ConnectFailed as failure:
            self.ended(call, str(failure))

    def _update_reading(self, call: OutboundConnection) -> None:
        set_reading(call.transport, is_reading=not self.link_is_congested)
