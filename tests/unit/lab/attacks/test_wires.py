"""Connections of an attacker, to a server of this test."""

import asyncio
import socket

import pytest

from tests.lab.attacks.bounds import Spend
from tests.lab.attacks.wires import (
    Answered,
    NoAnswer,
    Wire,
    connected,
    request_bytes,
)


def test_a_request_has_its_length_and_headers() -> None:
    assert request_bytes("PUT", "/a?b", body=b"xy", headers={"accept": "*/*"}) == (
        b"PUT /a?b HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 2\r\n"
        b"accept: */*\r\n\r\nxy"
    )


def test_a_length_may_be_a_lie() -> None:
    lying = request_bytes("PUT", "/", headers={"content-length": "9"})
    assert lying.count(b"content-length") == 1
    assert b"content-length: 9" in lying


def test_who_does_not_speak_tls_gives_no_answer() -> None:
    async def attempt() -> Spend:
        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(close, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        spend = Spend()
        async with server:
            with pytest.raises(NoAnswer, match="no handshake"):
                async with connected(f"127.0.0.1:{port}", spend):
                    pass
        return spend

    assert asyncio.run(attempt()).connections == 1


def test_an_answer_has_its_headers() -> None:
    async def attempt() -> Answered:
        reader = asyncio.StreamReader()
        reader.feed_data(
            b"HTTP/1.1 503 X\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"
        )
        near, far = socket.socketpair()
        with far:
            _, writer = await asyncio.open_connection(sock=near)
            wire = Wire(reader=reader, writer=writer, spend=Spend())
            answered = await wire.answer()
            writer.close()
            await writer.wait_closed()
        return answered

    headers = {"retry-after": "3", "content-length": "2"}
    assert asyncio.run(attempt()) == Answered(503, b"{}", headers)


def test_attacks_go_to_this_machine_alone() -> None:
    async def attempt() -> None:
        async with connected("192.0.2.1:443", Spend()):
            pass

    with pytest.raises(AssertionError, match="this machine alone"):
        asyncio.run(attempt())
