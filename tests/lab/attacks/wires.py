"""Connections of an attacker: TLS that verifies nothing, and plain bytes.

What the attacker spends is counted. Nothing leaves this machine: a target listens on
its loopback address.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from ccfpy.client.keys import KeyFiles
from ccfpy.local.configuration import HOST
from tests.lab.attacks.bounds import Spend

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 20.0
HEAD_MAX_BYTES = 1 << 16
DEAF_BUFFER_BYTES = 4096
"""How many bytes the system receives for a connection whose owner reads nothing."""


class NoAnswer(Exception):
    """The node closed the connection, refused it, or took too long."""


class Answered(NamedTuple):
    """An answer to one request of HTTP/1.1; names of headers are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def stranger_context(identity: KeyFiles | None = None) -> ssl.SSLContext:
    """Return a TLS context that trusts any certificate, and shows these keys if any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.private_key)
    return context


def request_bytes(
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return a request of HTTP/1.1."""
    named = {"host": HOST, "content-length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One connection of an attacker."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    spend: Spend

    async def send(self, data: bytes, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Send bytes, and wait until the system has taken most of them.

        Raises:
            NoAnswer: the node does not receive them.
        """
        try:
            self.writer.write(data)
            self.spend.bytes_sent += len(data)
            async with asyncio.timeout(timeout_s):
                await self.writer.drain()
        except (OSError, TimeoutError) as error:
            raise NoAnswer(str(error) or "the node takes no bytes") from error

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> Answered:
        """Send a request and read its answer.

        Raises:
            NoAnswer: there is none.
        """
        await self.send(request_bytes(method, path, body=body, headers=headers))
        return await self.answer(timeout_s=timeout_s)

    async def answer(self, *, timeout_s: float = ANSWER_TIMEOUT_S) -> Answered:
        """Read the next answer.

        Raises:
            NoAnswer: there is none.
        """
        try:
            async with asyncio.timeout(timeout_s):
                head = await self.reader.readuntil(b"\r\n\r\n")
                status, headers = _read_head(head)
                size = int(headers.get("content-length", "0"))
                return Answered(status, await self.reader.readexactly(size), headers)
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            raise NoAnswer(str(error) or "no answer in time") from error
        except asyncio.LimitOverrunError as error:
            raise NoAnswer(f"no answer of HTTP/1.1: {error}") from error

    async def is_closed(self, *, within_s: float) -> bool:
        """Return whether the node closes the connection within a time."""
        try:
            async with asyncio.timeout(within_s):
                while await self.reader.read(HEAD_MAX_BYTES):
                    pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True


@asynccontextmanager
async def connected(
    address: str,
    spend: Spend,
    *,
    context: ssl.SSLContext | None = None,
    is_deaf: bool = False,
    place: int = 1,
) -> AsyncIterator[Wire]:
    """Connect, and close the connection at the end.

    Args:
        address: of a node, as ``HOST:PORT``.
        spend: what the connection's costs are added to.
        context: of TLS; by default one that trusts any certificate and shows none.
        is_deaf: whether to leave answers unread.
        place: from which of this machine's own addresses to come.

    Raises:
        NoAnswer: the node refuses, or does not finish the handshake in time.
    """
    host, _, port = address.rpartition(":")
    assert host == HOST, f"attacks go to this machine alone, not to {address}"
    plain = socket.socket()
    if is_deaf:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER_BYTES)
    plain.bind((f"127.0.0.{place}", 0))
    plain.setblocking(False)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
            spend.connections += 1
            reader, writer = await asyncio.open_connection(
                sock=plain,
                ssl=context or stranger_context(),
                server_hostname=host,
                limit=1 if is_deaf else 1 << 26,
            )
    except (OSError, TimeoutError) as error:
        plain.close()
        raise NoAnswer(f"no handshake: {str(error) or 'not in time'}") from error
    try:
        yield Wire(reader=reader, writer=writer, spend=spend)
    finally:
        writer.transport.abort()


def _read_head(head: bytes) -> tuple[int, Mapping[str, str]]:
    """Read an answer's status and headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parted = (line.partition(":") for line in lines if line)
    return int(first.split()[1]), {
        name.lower(): value.strip() for name, _, value in parted
    }
