"""What one request over a real socket comes to."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from ccfpy.client.errors import ClientError, Unreachable
from ccfpy.client.keys import KeyFiles
from ccfpy.client.transport import NoAnswer, NotSent, Transport, show, trust_only
from tests.unit.client.conftest import Serve


def _with(pem: str, do: Callable[[Transport], Awaitable[None]]) -> None:
    async def run() -> None:
        transport = Transport(trust_only(pem))
        try:
            await do(transport)
        finally:
            await transport.close()

    asyncio.run(run())


async def _send(
    transport: Transport, url: str, method: str = "GET", timeout_s: float = 20
) -> int:
    reply = await transport.send(
        method, url, body=b"x", headers={}, timeout_s=timeout_s
    )
    return reply.status


def test_nobody_at_a_port_means_that_nothing_was_sent(
    service_pem: str, unused_port: int
) -> None:
    async def do(transport: Transport) -> None:
        with pytest.raises(NotSent, match=r"^connection refused$"):
            await _send(transport, f"https://127.0.0.1:{unused_port}")

    _with(service_pem, do)


def test_a_port_that_speaks_no_tls_means_that_nothing_was_sent(
    service_pem: str,
) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 no\r\n\r\n")
        writer.close()

    async def do(transport: Transport) -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(NotSent, match="it does not speak TLS"):
                await _send(transport, f"https://127.0.0.1:{port}")

    _with(service_pem, do)


def test_a_handshake_that_hangs_means_that_nothing_was_sent(service_pem: str) -> None:
    async def do(transport: Transport) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            with pytest.raises(NotSent, match="in time"):
                await _send(transport, f"https://127.0.0.1:{port}", timeout_s=0.1)

    _with(service_pem, do)


def test_a_connection_lost_after_sending_is_no_answer(
    serve: Serve, service_pem: str
) -> None:
    async def drop(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def do(transport: Transport) -> None:
        async with serve(drop) as url:
            with pytest.raises(NoAnswer):
                await _send(transport, url)

    _with(service_pem, do)


def test_time_that_runs_out_after_sending_is_no_answer(
    serve: Serve, service_pem: str
) -> None:
    async def hang(request: web.Request) -> web.Response:
        if request.path == "/":
            return web.Response()
        await asyncio.Event().wait()
        raise AssertionError

    async def do(transport: Transport) -> None:
        async with serve(hang) as url:
            await _send(transport, url)  # the handshake has all its time
            with pytest.raises(NoAnswer, match="in time"):
                await _send(transport, f"{url}/hang", timeout_s=0.2)

    _with(service_pem, do)


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"]
)
def test_no_socket_is_left_where_the_time_ran_out(
    server_tls: ssl.SSLContext, service_pem: str, begun: bytes
) -> None:
    """Though the node does not answer the end of TLS either."""

    def hang(listening: socket.socket, held: list[socket.socket]) -> None:
        accepted, _ = listening.accept()
        held.append(server_tls.wrap_socket(accepted, server_side=True))
        for answer in (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", begun):
            question = b""
            while not question.endswith(b"\r\n\r\nx"):
                question += held[0].recv(1000)
            held[0].sendall(answer)

    async def do(transport: Transport) -> None:
        await _send(transport, url)  # the handshake has all its time
        with pytest.raises(NoAnswer, match="in time"):
            await _send(transport, url, timeout_s=0.2)

    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        node = threading.Thread(target=hang, args=(listening, held))
        node.start()
        _with(service_pem, do)
        node.join()
        with socket.socket(fileno=held[0].detach()) as end:
            end.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                while end.recv(1000):
                    """Until the client's side is closed."""


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "GET"])
def test_no_request_is_sent_twice_when_a_kept_connection_ends(
    serve: Serve, service_pem: str, method: str
) -> None:
    """Retrying a PUT or DELETE is a habit of aiohttp, where a connection is reused."""
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        seen.append(request.method)
        if len(seen) > 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response()

    async def do(transport: Transport) -> None:
        async with serve(answer) as url:
            assert await _send(transport, url, method) == 200
            with pytest.raises(NoAnswer):
                await _send(transport, url, method)

    _with(service_pem, do)
    assert seen == [method, method]


@pytest.mark.parametrize("head_and_body", ["together", "apart"])
def test_a_late_answer_after_a_504_is_no_answer_to_the_next_request(
    server_tls: ssl.SSLContext, service_pem: str, head_and_body: str
) -> None:
    """A backup of C++ CCF sends the primary's answer even after its own 504."""
    connections = 0

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal connections
        connections += 1
        head, body = b"HTTP/1.1 504 late\r\ncontent-length: 3\r\n\r\n", b"504"
        if connections > 1:
            head, body = b"HTTP/1.1 200 own\r\ncontent-length: 3\r\n\r\n", b"own"
        try:
            await reader.readuntil(b"\r\n\r\nx")
            if head_and_body == "apart":
                writer.write(head)
                await writer.drain()
                writer.write(body)
            else:
                writer.write(head + body)
            await reader.readuntil(b"\r\n\r\nx")
            writer.write(b"HTTP/1.1 201 old\r\ncontent-length: 3\r\n\r\nold")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    async def do(transport: Transport) -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_tls)
        async with server:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            assert await _send(transport, url, "POST") == 504
            assert await _send(transport, url, "POST") == 200

    _with(service_pem, do)
    assert connections == 2


def test_what_is_trusted_must_be_a_certificate() -> None:
    with pytest.raises(Unreachable, match="not a service's certificate"):
        trust_only("nothing")


def test_an_identity_must_have_its_files(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ClientError, match="cannot use the identity user0"):
        show(context, KeyFiles(folder=tmp_path, name="user0"))


@pytest.mark.parametrize("url", ["https://[::1", "https://a..b", f"https://{'a' * 99}"])
def test_what_is_no_address_receives_nothing(service_pem: str, url: str) -> None:
    async def do(transport: Transport) -> None:
        with pytest.raises(NotSent):
            await _send(transport, url)

    _with(service_pem, do)
