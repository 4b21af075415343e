"""The listener that serves metrics: ``GET /metrics``, one request a connection.

Its address is one of this machine's own, or a Unix socket. It shares nothing with
clients' sessions: no TLS, no part of the enclave. One collection runs at a time. A
scrape that comes meanwhile, or soon after, gets the same text.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.limits import (
    METRICS_CONNECTION_S_MAX,
    METRICS_CONNECTIONS_MAX,
    METRICS_FRESH_MS,
    METRICS_REQUEST_BYTES_MAX,
)
from ccfpy.host.connecting import Address, begin
from ccfpy.host.listeners import Listeners
from ccfpy.host.log import Journal
from ccfpy.host.metrics import CONTENT_TYPE

PATH = b"/metrics"
_END = b"\r\n\r\n"
_REQUEST_LINE_WORDS = 3


class MetricsServer:
    """The listener of one node.

    Args:
        collect: makes the text; never called while a call is under way.
        listeners: accept the connections, and close their socket.
        journal: told why metrics cannot be collected.
    """

    def __init__(
        self,
        collect: Callable[[], Awaitable[str]],
        *,
        listeners: Listeners,
        journal: Journal,
    ) -> None:
        self._collect = collect
        self._listeners = listeners
        self._journal = journal
        self._connections: set[_Connection] = set()
        self._collecting: asyncio.Task[str | None] | None = None
        self._made_s = float("-inf")
        self._text = ""

    def serve(self, bound: socket.socket) -> None:
        """Accept connections of a socket that is bound and listens."""
        bound.setblocking(False)
        self._listeners.accept(bound, lambda: _Connection(self))

    def abort_all(self) -> None:
        """End what is under way."""
        if self._collecting is not None:
            self._collecting.cancel()
        for connection in [*self._connections]:
            connection.abort()

    def admit(self, connection: "_Connection") -> bool:
        """Count a connection; return whether it is within the bound."""
        if len(self._connections) >= METRICS_CONNECTIONS_MAX:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: "_Connection") -> None:
        """Forget a connection that ended."""
        self._connections.discard(connection)

    def give_text(self, to: Callable[[str | None], None]) -> None:
        """Call ``to`` with the text, at once if it was made a moment ago.

        There is none if it cannot be made: that is no reason to end a node.
        """
        loop = asyncio.get_running_loop()
        if loop.time() - self._made_s < METRICS_FRESH_MS / 1000:
            to(self._text)
            return
        if self._collecting is None:
            self._collecting = begin(self._collect_once())
        self._collecting.add_done_callback(
            lambda task: None if task.cancelled() else to(task.result())
        )

    async def _collect_once(self) -> str | None:
        try:
            self._text = await self._collect()
        except Exception as error:  # noqa: BLE001  # a node does not end by a question
            self._journal.fail(f"Cannot collect metrics: {error!r}", file="metrics")
            return None
        finally:
            self._collecting = None
        self._made_s = asyncio.get_running_loop().time()
        return self._text


class _Connection(asyncio.Protocol):
    """One connection: its request's head, then the answer."""

    def __init__(self, server: MetricsServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._is_answered = False
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._server.admit(self):
            self._transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(METRICS_CONNECTION_S_MAX, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        self._is_answered = True
        if self._deadline is not None:
            self._deadline.cancel()
        self._server.forget(self)

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read the request's head; what follows it means nothing."""
        if self._is_answered:
            return
        self._head += data
        if _END in self._head[:METRICS_REQUEST_BYTES_MAX]:
            self._is_answered = True
            self._answer(self._head.partition(b"\r\n")[0].split(b" "))
        elif len(self._head) >= METRICS_REQUEST_BYTES_MAX:
            self._is_answered = True
            self._refuse("431 Request Header Fields Too Large")

    def _answer(self, words: list[bytes]) -> None:
        if len(words) != _REQUEST_LINE_WORDS or not words[2].startswith(b"HTTP/1."):
            self._refuse("400 Bad Request")
        elif words[1].partition(b"?")[0] != PATH:
            self._refuse("404 Not Found")
        elif words[0] not in (b"GET", b"HEAD"):
            self._refuse("405 Method Not Allowed", "allow: GET, HEAD\r\n")
        elif words[0] == b"HEAD":
            self._send("200 OK", "")
        else:
            self._server.give_text(self._send_text)

    def _send_text(self, text: str | None) -> None:
        if text is None:
            self._send("500 Internal Server Error", "metrics cannot be collected\n")
        else:
            self._send("200 OK", text)

    def _refuse(self, status: str, headers: str = "") -> None:
        self._send(status, f"{status}: metrics are at GET {PATH.decode()}\n", headers)

    def _send(self, status: str, body: str, headers: str = "") -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        data = body.encode()
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\n{headers}"
            f"content-length: {len(data)}\r\nconnection: close\r\n\r\n"
        )
        transport.write(head.encode() + data)
        transport.close()


UNIX = "unix:"
_SOCKET_MODE = 0o660


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """``HOST:PORT``, or ``unix:PATH``.

    Attributes:
        tcp: the address, unless it is a path.
        path: of the Unix socket.
    """

    tcp: Address | None = None
    path: Path | None = None

    @classmethod
    def parse(cls, text: str, *, anywhere: bool) -> "MetricsAddress":
        """Read what ``--metrics`` says.

        Args:
            text: the address.
            anywhere: an address that other machines reach is allowed.

        Raises:
            ConfigurationRefused: it is no address, or one that may not be used.
        """
        if text.startswith(UNIX):
            if text == UNIX:
                raise ConfigurationRefused(
                    "--metrics unix: names no file; write unix:PATH"
                )
            return cls(path=Path(text.removeprefix(UNIX)))
        address = Address.parse(text)
        if not anywhere and not _is_loopback(address.for_socket[0]):
            raise ConfigurationRefused(
                f"--metrics {text} could be reached from other machines, and nobody is "
                "asked who they are: choose an address such as 127.0.0.1:9464, or add "
                "--metrics-anywhere"
            )
        return cls(tcp=address)

    def bind(self) -> tuple[socket.socket, str]:
        """Bind the address; return the socket, and where it is, for people.

        Raises:
            ConfigurationRefused: it cannot be bound.
        """
        try:
            return self._bind_path() if self.tcp is None else _bind_tcp(self.tcp)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            where = self.tcp or f"{UNIX}{self.path}"
            raise ConfigurationRefused(
                f"cannot serve metrics at {where}: {reason}; give --metrics another "
                "address"
            ) from None

    def _bind_path(self) -> tuple[socket.socket, str]:
        assert self.path is not None, "one of the two is there"
        if self.path.is_socket() and not _is_served(self.path):
            self.path.unlink()
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            bound.bind(str(self.path))
            self.path.chmod(_SOCKET_MODE)
            bound.listen(METRICS_CONNECTIONS_MAX)
        except OSError:
            bound.close()
            raise
        return bound, f"{UNIX}{self.path}"

    def remove(self) -> None:
        """Remove the socket's file, if there is one."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


def _bind_tcp(address: Address) -> tuple[socket.socket, str]:
    host, port = address.for_socket
    family, _, _, _, place = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
        bound.listen(METRICS_CONNECTIONS_MAX)
    except OSError:
        bound.close()
        raise
    real = Address(address.host, bound.getsockname()[1])
    return bound, f"http://{real}/metrics"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_served(path: Path) -> bool:
    """Return whether a process answers at a Unix socket.

    A process that is killed leaves the file.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True
