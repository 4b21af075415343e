"""Sockets that wait for clients: bound before the enclave starts, served after.

Binding comes first because the enclave is told real ports; connections that arrive in
between wait in the operating system's queue.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, cast

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import LISTEN_BACKLOG
from ccfpy.host.chunk_reader import Reporter
from ccfpy.host.connecting import Address, begin

ACCEPT_RETRY_S: Final = 0.5
"""How long to wait when the system has no room for a connection."""
_SOURCE: Final = "listeners"


class HostUnknown(ConfigurationRefused):
    """An address to listen on whose host cannot be resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSocket:
    """A socket at a real address.

    Attributes:
        address: the configured host and the port the system gave.
        is_datagram: UDP.
    """

    socket: socket.socket
    address: Address
    is_datagram: bool

    @classmethod
    def bind(cls, address: Address, *, protocol: str, key: str) -> Self:
        """Bind an address; ``key`` is where the configuration says it.

        Raises:
            HostUnknown: there is no such host.
            ConfigurationRefused: it cannot be bound.
        """
        is_datagram = protocol == "udp"
        kind = socket.SOCK_DGRAM if is_datagram else socket.SOCK_STREAM
        host, port = address.for_socket
        try:
            family, _, _, _, place = socket.getaddrinfo(
                host or None, port, type=kind, flags=socket.AI_PASSIVE
            )[0]
            bound = socket.socket(family, kind)
        except socket.gaierror as error:
            raise HostUnknown(_refusal(address, key, error)) from None
        except OSError as error:
            raise ConfigurationRefused(_refusal(address, key, error)) from None
        try:
            if not is_datagram:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(place)
            if not is_datagram:
                bound.listen(LISTEN_BACKLOG)
            bound.setblocking(False)
        except OSError as error:
            bound.close()
            raise ConfigurationRefused(_refusal(address, key, error)) from None
        bound_port: int = bound.getsockname()[1]
        return cls(
            socket=bound,
            address=Address(address.host, bound_port),
            is_datagram=is_datagram,
        )


class Echo(asyncio.DatagramProtocol):
    """Sends every datagram back: all that CCF's experimental UDP interface does."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Send it back."""
        if self._transport is not None:
            self._transport.sendto(data, addr)


class Listeners:
    """The sockets being served.

    Event loops have servers of their own, but uvloop's closes its socket when the
    system has no descriptor or memory for a connection, and tells nobody: the node
    would go on and never hear of another client.
    """

    def __init__(self, report: Reporter) -> None:
        """Serve nothing yet; ``report`` is told when no connection can be accepted."""
        self._report = report
        self._accepting: list[asyncio.Task[None]] = []
        self._datagrams: list[asyncio.DatagramTransport] = []

    async def serve(
        self, bound: BoundSocket, protocol: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        """Serve connections on a socket, or echo datagrams on one that is UDP."""
        loop = asyncio.get_running_loop()
        if bound.is_datagram:
            transport, _ = await loop.create_datagram_endpoint(Echo, sock=bound.socket)
            self._datagrams.append(transport)
        else:
            self.accept(bound.socket, protocol)

    def accept(
        self, listening: socket.socket, protocol: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        """Serve connections on a socket that listens and does not block."""
        self._accepting.append(begin(self._accept_all(listening, protocol)))

    def close(self) -> None:
        """Accept no more; connections that exist go on."""
        for task in self._accepting:
            task.cancel()
        for transport in self._datagrams:
            transport.close()
        self._accepting.clear()
        self._datagrams.clear()

    async def _accept_all(
        self, listening: socket.socket, protocol: Callable[[], asyncio.BaseProtocol]
    ) -> None:
        is_failing = False
        with listening:
            while True:
                try:
                    await _accept_one(listening, protocol)
                except OSError as error:
                    if not is_failing:
                        reason = (error.strerror or str(error)).lower()
                        self._report.fail(
                            f"Cannot accept connections for now: {reason}", file=_SOURCE
                        )
                    is_failing = True
                    await asyncio.sleep(ACCEPT_RETRY_S)
                else:
                    is_failing = False


async def _accept_one(
    listening: socket.socket, protocol: Callable[[], asyncio.BaseProtocol]
) -> None:
    """Wait for a connection and begin to serve it, if it is still there.

    Raises:
        OSError: the system has no room for another connection.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        connection, _ = await loop.sock_accept(listening)
        try:
            await loop.connect_accepted_socket(protocol, connection)
        except BaseException:
            connection.close()
            raise


def _refusal(address: Address, key: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    return f"cannot listen on {address}: {reason}; give {key} another bind_address"
