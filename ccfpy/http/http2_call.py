"""A call of ours by HTTP/2: one request, one response, a connection of its own."""

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.http.http2_frames import FrameRefused, Http2FrameReader
from ccfpy.http.http2_library import (
    ConnectionTerminated,
    DataReceived,
    Event,
    Http2Protocol,
    ProtocolError,
    RemoteSettingsChanged,
    ResponseReceived,
    SettingCodes,
    StreamEnded,
    StreamReset,
)
from ccfpy.http.http2_messages import read_response, write_request
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import BodyTooLarge, ParserLimits, UnreadableRequest

_STREAM = 1


class Http2Call:
    """A request of ours on a connection of its own, and its one response.

    The same to its user as ``ResponseParser``, but that it also has output.
    """

    def __init__(self, request: Request, bounds: ParserLimits | None = None) -> None:
        bounds = self._bounds = bounds or ParserLimits()
        window = limits.HTTP2_CALL_WINDOW_BYTES
        library = self._library = Http2Protocol(
            {
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: window,
            },
            is_client=True,
            headers_bytes_max=bounds.head_bytes_max,
        )
        self._frames = Http2FrameReader(
            frame_bytes_max=limits.HTTP2_FRAME_BYTES_MAX,
            headers_bytes_max=bounds.head_bytes_max,
            has_preface=False,
        )
        self._response: Response | None = None
        self._body = bytearray()
        self._is_whole = False
        library.increment_flow_control_window(window)
        self._unsent = memoryview(request.body)
        library.send_headers(
            _STREAM, write_request(request), end_stream=not request.body
        )
        self._send()

    def feed(self, data: bytes) -> list[Response]:
        """Parse the next bytes and return the response, if they complete it.

        Raises:
            Malformed: it is not HTTP/2, or the server gave no response.
            LimitExceeded: the answer is larger than its limits allow.
        """
        if self._is_whole:
            return []
        self._frames.add(data)
        try:
            self._read_frames()
        except (FrameRefused, ProtocolError) as error:
            raise Malformed(f"not an HTTP/2 response: {error}") from error
        except UnreadableRequest as error:
            raise LimitExceeded(f"response refused: {error}") from error
        return self._completed()

    def finish(self) -> Response | None:
        """Note that the connection ended, which completes no response.

        Raises:
            Malformed: a response was cut short.
        """
        if self._response is not None:
            raise Malformed("the connection ended within a response")
        return None

    def take_output(self) -> bytes:
        """Return the bytes to send to the server, in order, each byte once."""
        return self._library.data_to_send()

    def _completed(self) -> list[Response]:
        if not self._is_whole:
            self._send()
            return []
        assert self._response is not None, "h2 lets no stream end without headers"
        self._response.body = bytes(self._body)
        return [self._response]

    def _read_frames(self) -> None:
        while not self._is_whole:
            frame = self._frames.take()
            if frame is None:
                return
            for event in self._library.receive_data(frame):
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                self._response = read_response([*event.headers], self._bounds)
            case DataReceived():
                self._body += event.data
                if len(self._body) > self._bounds.body_bytes_max:
                    raise BodyTooLarge(self._bounds.body_bytes_max)
                if event.flow_controlled_length:
                    self._library.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
            case StreamEnded():
                self._is_whole = True
            case RemoteSettingsChanged():
                self._library.note_settings(event)
            case StreamReset() | ConnectionTerminated():
                raise Malformed("the server gave the request up")
            case _:
                pass

    def _send(self) -> None:
        library = self._library
        while self._unsent:
            room = min(
                library.local_flow_control_window(_STREAM),
                library.max_outbound_frame_size,
            )
            if room <= 0:
                return
            piece, self._unsent = self._unsent[:room], self._unsent[room:]
            library.send_data(_STREAM, piece, end_stream=not self._unsent)
