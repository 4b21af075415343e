"""Opens TCP connections to elsewhere, in a bounded time, and says why not.

And what every task and connection of the host needs: a task that fails is heard of.

Addresses as the configuration writes them: ``host:port``.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import NamedTuple, TypeVar

from ccfpy.base.errors import CcfpyError, ConfigurationRefused
from ccfpy.base.limits import SESSION_KEEPALIVE_S
from ccfpy.base.net_address import unbracketed

PORT_MAX = 65_535


class Address(NamedTuple):
    """A host and a port; port 0 leaves the choice to the operating system.

    An IPv6 address may stand in brackets, as in URLs; it is published as written.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """Return the form that configuration files have."""
        return f"{self.host}:{self.port}"

    @property
    def for_socket(self) -> tuple[str, int]:
        """The host and port as the operating system takes them."""
        return unbracketed(self.host), self.port

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``host:port``; without a colon, the port is 0.

        Raises:
            ConfigurationRefused: the port is no number up to 65535.
        """
        host, colon, port = text.rpartition(":")
        if not colon:
            host, port = text, "0"
        if not (port.isascii() and port.isdigit()):
            raise ConfigurationRefused(
                f"Port '{port}' is not a number; write addresses as host:port"
            )
        if int(port) > PORT_MAX:
            raise ConfigurationRefused(
                f"Port '{port}' is not in range 0-65535; choose another, or 0 for any"
            )
        return cls(host, int(port))


def resolve_published(published: str, bound: Address) -> Address:
    """Return the address to publish: the configured one, completed by ``bound``."""
    if not published:
        return bound
    address = Address.parse(published)
    return address if address.port else Address(address.host, bound.port)


Result = TypeVar("Result")


class ConnectFailed(CcfpyError):
    """No connection came about; the text is the system's word for it."""


async def connect(
    make: Callable[[], asyncio.Protocol],
    address: str,
    *,
    timeout_s: float,
    source: Address | None = None,
) -> None:
    """Connect a protocol to ``host:port``, from the address ``source`` if given.

    Raises:
        ConnectFailed: the address is invalid, or no server answers there in time.
    """
    try:
        host, port = Address.parse(address).for_socket
    except ConfigurationRefused as error:
        raise ConnectFailed(str(error)) from None
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout_s):
            await loop.create_connection(
                make, host, port, local_addr=source and source.for_socket
            )
    except TimeoutError:
        raise ConnectFailed(f"no answer in {timeout_s:g} s") from None
    except (OSError, ValueError, OverflowError) as error:
        # What others call an address need not be one that the system can look up.
        raise ConnectFailed(reason(error)) from None


def begin(story: Coroutine[None, None, Result]) -> asyncio.Task[Result]:
    """Begin a task; if it fails, the loop's handler of exceptions hears of it."""
    task = asyncio.get_running_loop().create_task(story)
    check(task)
    return task


def check(future: asyncio.Future[Result]) -> None:
    """Pass the error of a future that fails to the loop's exception handler.

    The loop does so by itself only when nobody has the future any more.
    """
    future.add_done_callback(_raise_failure)


def _raise_failure(future: asyncio.Future[Result]) -> None:
    if not future.cancelled():
        future.result()


def reason(error: Exception | None) -> str:
    """Return the system's word for why a connection failed or ended."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def soon(update: Callable[[], None]) -> None:
    """Do something about a connection once it has really begun.

    A loop begins to read after it has announced a connection, whatever was said in
    between: only then can reading be paused.
    """
    asyncio.get_running_loop().call_soon(update)


def set_reading(transport: asyncio.Transport | None, *, is_reading: bool) -> None:
    """Read from a connection, or do not for now, if it is there."""
    if transport is None or transport.is_closing():
        return
    if is_reading:
        transport.resume_reading()
    else:
        transport.pause_reading()


def tune(transport: asyncio.BaseTransport, *, timeout_s: float) -> None:
    """Send at once, and notice a silent other end, on the connection of a transport.

    Without the second, a network that was cut and mended would stay silent for as long
    as the system's retransmissions have backed off: minutes, after minutes.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return
    user_timeout: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
    with contextlib.suppress(OSError):  # of a connection that has ended already
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if user_timeout is not None:  # Linux alone has it
            milliseconds = max(1, round(timeout_s * 1000))
            connection.setsockopt(socket.IPPROTO_TCP, user_timeout, milliseconds)


def set_keepalive(transport: asyncio.BaseTransport, *, is_on: bool) -> None:
    """Make the system ask the other end of a silent connection whether it is there.

    If nothing answers, the system ends the connection, after some two minutes on Linux.
    """
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is None:
        return
    with contextlib.suppress(OSError):  # of a connection that has ended already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(is_on))
        for name, value in (
            ("TCP_KEEPIDLE", SESSION_KEEPALIVE_S),
            ("TCP_KEEPINTVL", SESSION_KEEPALIVE_S // 4),
            ("TCP_KEEPCNT", 4),
        ):
            option: int | None = getattr(socket, name, None)
            if is_on and option is not None:  # not every system has them
                connection.setsockopt(socket.IPPROTO_TCP, option, value)
