"""One call of gRPC that goes on: messages in both directions, over HTTP/2."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.client.keys import Identity
from ccfpy.client.transport import show, trust_only
from ccfpy.http.grpc import GrpcMessages, grpc_message
from ccfpy.http.http2_library import (
    ConnectionTerminated,
    DataReceived,
    Event,
    Http2Protocol,
    ProtocolError,
    RemoteSettingsChanged,
    SettingCodes,
    StreamEnded,
    StreamReset,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECT_TIMEOUT_S = 3.0
MESSAGE_BYTES_MAX = 1 << 22
READ_BYTES = 1 << 16
_HEADERS_BYTES_MAX = 1 << 14


class CallEnded(CcfpyError):
    """The call is over, or could not be made."""


def grpc_context(service_certificate: str, identity: Identity) -> ssl.SSLContext:
    """Return a TLS context that speaks HTTP/2 with a service, as somebody."""
    context = trust_only(service_certificate)
    show(context, identity)
    context.set_alpn_protocols(["h2"])
    return context


class GrpcStream:
    """A call that is open, on a connection of its own."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer
        window = limits.HTTP2_CALL_WINDOW_BYTES
        self._h2 = Http2Protocol(
            {SettingCodes.ENABLE_PUSH: 0, SettingCodes.INITIAL_WINDOW_SIZE: window},
            is_client=True,
            headers_bytes_max=_HEADERS_BYTES_MAX,
        )
        self._h2.increment_flow_control_window(window)
        self._id = self._h2.get_next_available_stream_id()
        self._messages = GrpcMessages(MESSAGE_BYTES_MAX)
        self._heard: list[bytes] = []
        self._is_over = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, path: str, context: ssl.SSLContext
    ) -> "AsyncIterator[GrpcStream]":
        """Begin a call, and end the connection at the end.

        Raises:
            CallEnded: there is no connection.
        """
        place = urlsplit(url)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    place.hostname, place.port, ssl=context
                )
        except (OSError, TimeoutError) as error:
            raise CallEnded(f"no connection: {error}") from error
        try:
            stream = cls(reader, writer)
            await stream.begin(place.netloc, path)
            yield stream
        finally:
            writer.transport.abort()

    async def begin(self, authority: str, path: str) -> None:
        """Begin the call.

        Raises:
            CallEnded: the connection has ended.
        """
        fields = {
            ":method": "POST",
            ":scheme": "https",
            ":authority": authority,
            ":path": path,
            "content-type": "application/grpc",
            "te": "trailers",
        }
        self._h2.send_headers(self._id, list(fields.items()))
        await self._send()

    async def say(self, message: bytes) -> None:
        """Send a message.

        Raises:
            CallEnded: the connection has ended.
        """
        try:
            self._h2.send_data(self._id, grpc_message(message))
        except ProtocolError as error:
            raise CallEnded(f"nothing can be said: {error}") from error
        await self._send()

    async def hear(self) -> list[bytes]:
        """Wait for the next messages.

        Raises:
            CallEnded: none will come.
        """
        while not self._heard:
            if self._is_over:
                raise CallEnded("the node has ended the call")
            try:
                data = await self._reader.read(READ_BYTES)
            except OSError as error:
                raise CallEnded(f"the connection has ended: {error}") from error
            if not data:
                raise CallEnded("the connection has ended")
            self._receive(data)
            await self._send()
        heard, self._heard = self._heard, []
        return heard

    def _receive(self, data: bytes) -> None:
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except (ProtocolError, Malformed) as error:
            raise CallEnded(f"not an answer of gRPC: {error}") from error

    def _take(self, event: Event) -> None:
        match event:
            case DataReceived():
                self._heard += self._messages.feed(event.data)
                if event.flow_controlled_length:
                    self._h2.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
            case RemoteSettingsChanged():
                self._h2.note_settings(event)
            case StreamEnded() | StreamReset() | ConnectionTerminated():
                self._is_over = True
            case _:
                pass

    async def _send(self) -> None:
        try:
            self._writer.write(self._h2.data_to_send())
            await self._writer.drain()
        except OSError as error:
            raise CallEnded(f"the connection has ended: {error}") from error
