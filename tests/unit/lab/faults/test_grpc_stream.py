"""A call of gRPC that goes on."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import pytest

from ccfpy.http.grpc import GrpcMessages, grpc_message
from ccfpy.http.http2_library import DataReceived, Http2Protocol, RequestReceived
from tests.lab.faults.grpc_stream import CallEnded, GrpcStream

DEADLINE_S = 20.0


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say each message twice, cut in two; end the call at the message ``end``."""
    h2 = Http2Protocol({}, is_client=False, headers_bytes_max=1 << 14)
    messages = GrpcMessages()
    while data := await reader.read(1 << 16):
        for event in h2.receive_data(data):
            if isinstance(event, RequestReceived):
                h2.send_headers(event.stream_id, [(":status", "200")])
            elif isinstance(event, DataReceived):
                for message in messages.feed(event.data):
                    framed = 2 * grpc_message(message)
                    for piece in (framed[:7], framed[7:]):
                        h2.send_data(event.stream_id, piece)
                    if message == b"end":
                        h2.end_stream(event.stream_id)
        writer.write(h2.data_to_send())
    writer.close()


async def _hear_all(stream: GrpcStream, heard: list[bytes]) -> None:
    while True:
        heard += await stream.hear()


def _with_stream(talk: Callable[[GrpcStream], Awaitable[None]]) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_echo, "127.0.0.1", 0)
        async with asyncio.timeout(DEADLINE_S), server:
            reader, writer = await asyncio.open_connection(
                *server.sockets[0].getsockname()
            )
            stream = GrpcStream(reader, writer)
            await stream.begin("service", "/a/Call")
            try:
                await talk(stream)
            finally:
                writer.close()
                await writer.wait_closed()

    asyncio.run(run())


def test_messages_go_both_ways() -> None:
    async def talk(stream: GrpcStream) -> None:
        for message in (b"one", b"the other"):
            await stream.say(message)
            heard: list[bytes] = []
            while len(heard) < 2:
                heard += await stream.hear()
            assert heard == [message, message]

    _with_stream(talk)


def test_what_was_said_before_the_end_is_heard() -> None:
    async def talk(stream: GrpcStream) -> None:
        await stream.say(b"end")
        heard: list[bytes] = []
        with pytest.raises(CallEnded, match="ended the call"):
            await _hear_all(stream, heard)
        assert heard == [b"end", b"end"]
        with pytest.raises(CallEnded):
            await stream.hear()

    _with_stream(talk)


def test_a_node_that_is_gone_takes_no_call() -> None:
    async def run() -> None:
        context = ssl.create_default_context()
        async with GrpcStream.open("https://127.0.0.1:1", "/a/Call", context):
            pass

    with pytest.raises(CallEnded, match="no connection"):
        asyncio.run(run())
