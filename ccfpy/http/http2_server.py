"""The server's end of an HTTP/2 connection: many requests at once, each on its stream.

Requests come whole and in the order in which they were completed, to be taken one by
one; responses go in any order, as the client's windows let them. All that a client can
make us hold or do is bounded.

The request of a *live* stream comes at its headers, and both sides send as long as they
like. What the client sends waits until it is taken, and its windows with it.

The two directions of one stream: what came and was not taken, what waits to leave.

A *live* stream is one whose request is handed on at its headers. Its data is taken
piece by piece, and the client may send on only as far as its pieces were taken.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.http.http2_frames import PREFACE, FrameRefused, Http2FrameReader, Reason
from ccfpy.http.http2_library import (
    ConnectionTerminated,
    DataReceived,
    DenialOfServiceError,
    Event,
    Http2Protocol,
    PingAckReceived,
    ProtocolError,
    RemoteSettingsChanged,
    RequestReceived,
    SettingCodes,
    StreamEnded,
    StreamReset,
)
from ccfpy.http.http2_messages import (
    Fields,
    may_have_body,
    read_request,
    size_of,
    write_response,
    write_trailers,
)
from ccfpy.http.messages import Request, Response
from ccfpy.http.refusals import (
    BodyTooLarge,
    HeadersTooLarge,
    Http2Limits,
    ParseFailure,
    ParserLimits,
    UnreadableRequest,
)


@dataclass(slots=True)
class Inflow:
    """What came on a live stream and was not taken.

    Attributes:
        data: the bytes.
        has_ended: no more will come.
        is_end_taken: the end was taken too.
    """

    data: bytearray = field(default_factory=bytearray)
    has_ended: bool = False
    is_end_taken: bool = False

    @property
    def is_due(self) -> bool:
        """Whether there is something to take."""
        return bool(self.data) or (self.has_ended and not self.is_end_taken)

    def take(self) -> tuple[bytes, bool]:
        """Return the next piece, and whether nothing follows it."""
        piece = bytes(self.data[: limits.STREAM_PIECE_BYTES_MAX])
        del self.data[: limits.STREAM_PIECE_BYTES_MAX]
        self.is_end_taken = self.has_ended and not self.data
        return piece, self.is_end_taken


@dataclass(slots=True)
class Outflow:
    """What waits to leave on a stream.

    Attributes:
        pieces: the bytes.
        size: how many they are.
        has_ended: nothing follows but the trailers.
        trailers: what is sent behind the bytes.
    """

    pieces: deque[memoryview] = field(default_factory=deque)
    size: int = 0
    has_ended: bool = False
    trailers: "Fields | None" = None

    def add(self, data: bytes) -> None:
        """Add bytes behind the others."""
        if data:
            self.pieces.append(memoryview(data))
            self.size += len(data)

    def take(self, room: int) -> memoryview:
        """Return bytes that fit into ``room``; there are some."""
        piece = self.pieces.popleft()
        if len(piece) > room:
            self.pieces.appendleft(piece[room:])
            piece = piece[:room]
        self.size -= len(piece)
        return piece


_PING = b"reading?"


@dataclass(slots=True)
class _Incoming:
    """A request that has begun."""

    request: Request
    body: bytearray = field(default_factory=bytearray)
    size: int = 0


class Http2Server:
    """The server's end of a connection.

    Attributes:
        refusal: a request that cannot be read, by its stream, with its headers if those
            were read: after its answer the connection ends. Nothing more is read.
        failure: why the connection has ended, if the client broke the protocol.
        is_over: the connection has ended; nothing more can be sent on it.
        unsent_bytes: of answers that wait for the client's windows.
        progress: grows with each request that came whole, and each piece of an answer
            that the client had room for.
    """

    def __init__(
        self,
        bounds: ParserLimits | None = None,
        http2: Http2Limits | None = None,
        *,
        is_live: Callable[[Request], bool] = lambda _: False,
    ) -> None:
        """Begin a connection.

        Args:
            bounds: of each request.
            http2: of the connection.
            is_live: says whether a request begins a live stream.
        """
        bounds = self._bounds = bounds or ParserLimits()
        http2 = http2 or Http2Limits()
        self._frame_bytes_max = http2.frame_bytes_max
        self._library = Http2Protocol(
            {
                SettingCodes.MAX_CONCURRENT_STREAMS: http2.streams_max,
                SettingCodes.INITIAL_WINDOW_SIZE: http2.window_bytes,
                SettingCodes.MAX_FRAME_SIZE: http2.frame_bytes_max,
            },
            is_client=False,
            headers_bytes_max=bounds.head_bytes_max,
        )
        self._library.receive_data(PREFACE)
        self._frames = Http2FrameReader(
            frame_bytes_max=http2.frame_bytes_max,
            headers_bytes_max=bounds.head_bytes_max,
            has_preface=True,
        )
        self._held_bytes_max = bounds.body_bytes_max + limits.HTTP2_HELD_BYTES_MAX
        self._held_bytes = 0
        self._incoming: dict[int, _Incoming] = {}
        self._whole: OrderedDict[int, _Incoming] = OrderedDict()
        self._unanswered: set[int] = set()
        self._begins_live = is_live
        self._inflows: dict[int, Inflow] = {}
        self._open: set[int] = set()
        self._fed: dict[int, None] = {}
        self._unsent: OrderedDict[int, Outflow] = OrderedDict()
        self._burst_bytes = limits.HTTP2_BURST_BYTES_MAX
        self._is_asked = False
        self._withdrawn: list[int] = []
        self.refusal: tuple[int, UnreadableRequest, Request | None] | None = None
        self.failure: UnreadableRequest | None = None
        self.is_over = False
        self.unsent_bytes = 0
        self.progress = 0

    @property
    def is_midway(self) -> bool:
        """Whether the client has yet to send on, or to open its windows.

        Not so where it has yet to read what was sent: that the host sees.
        """
        is_kept_back = bool(self._unsent) and self._burst_bytes > 0
        return is_kept_back or bool(self._incoming) or self._frames.is_midway

    @property
    def unfinished_bytes(self) -> int:
        """Return about how many bytes are held of requests that are not answered."""
        return self._held_bytes + self._frames.size

    @property
    def has_frames(self) -> bool:
        """Whether ``receive`` has left whole frames for the next time."""
        return self.refusal is None and not self.is_over and self._frames.has_whole

    @property
    def has_request(self) -> bool:
        """Whether a whole request waits to be taken."""
        return bool(self._whole) and not self.is_over

    def receive(
        self, data: bytes, *, frames_max: int = limits.HTTP2_STREAMS_CEILING
    ) -> list[int]:
        """Parse the client's bytes and return the streams that the client cancelled.

        Frames beyond ``frames_max`` wait until this is called again, with further bytes
        or none. After a refusal, or the end, all is ignored.
        """
        if self.is_over or self.refusal is not None:
            return []
        self._frames.add(data)
        try:
            self._read_frames(frames_max)
        except FrameRefused as error:
            self._fail(ParseFailure(b"", str(error)))
            self._end_library(error.reason)
        except Malformed as error:
            self._fail(ParseFailure(b"", str(error)))
            self._end_library(Reason.PROTOCOL_ERROR)
        except DenialOfServiceError as error:
            self._fail(HeadersTooLarge(str(error)))
        except ProtocolError as error:
            self._fail(ParseFailure(b"", str(error)))
        if not self.is_over:
            self._send()
        withdrawn = self._withdrawn
        self._withdrawn = []
        return withdrawn

    def take_request(self) -> tuple[int, Request] | None:
        """Return the next request and its stream; ``respond`` or ``begin`` answers it.

        The request is whole, unless it begins a live stream.
        """
        if not self._whole or self.is_over:
            return None
        stream, incoming = self._whole.popitem(last=False)
        self._held_bytes -= incoming.size
        self._unanswered.add(stream)
        incoming.request.body = bytes(incoming.body)
        return stream, incoming.request

    def respond(self, stream: int, response: Response, *, is_head: bool) -> None:
        """Send a response, or begin to; one to a withdrawn request is dropped.

        Raises:
            Malformed: it cannot be written; the stream still awaits a response.
        """
        if stream not in self._unanswered or self.is_over:
            return
        fields = write_response(response)
        trailers = write_trailers(response.trailers)
        self._unanswered.discard(stream)
        body = response.body
        if is_head or not may_have_body(response):
            body, trailers = b"", None
        is_last = not (body or trailers)
        self._library.send_headers(stream, fields, end_stream=is_last)
        if is_last:
            self._ended(stream)
        else:
            outflow = Outflow(has_ended=True, trailers=trailers)
            outflow.add(body)
            self._put(stream, outflow)

    def give_up(self, stream: int) -> None:
        """Leave a request unanswered: too many answers wait for this client."""
        if stream in self._unanswered and not self.is_over:
            self._unanswered.discard(stream)
            self._drop(stream)
            self._library.reset_stream(stream, Reason.ENHANCE_YOUR_CALM)

    # Live streams

    def begin(self, stream: int, response: Response) -> bool:
        """Send the headers of a live stream; return whether the client still wants it.

        Raises:
            Malformed: they cannot be written; the stream still awaits a response.
        """
        if stream not in self._unanswered or self.is_over:
            return False
        fields = write_response(response, has_length=False)
        self._unanswered.discard(stream)
        self._open.add(stream)
        self._library.send_headers(stream, fields, end_stream=False)
        self._frames.earn(limits.HTTP2_FRAMES_PER_ANSWER)
        return True

    def is_live(self, stream: int) -> bool:
        """Return whether a stream is live: its request came at its headers."""
        return stream in self._inflows

    def take_fed(self) -> list[int]:
        """Return the live streams on which something came since this was asked last."""
        fed = list(self._fed)
        self._fed.clear()
        return fed

    def has_data(self, stream: int) -> bool:
        """Return whether something came on a live stream that was not taken."""
        inflow = self._inflows.get(stream)
        return inflow is not None and inflow.is_due and not self.is_over

    def take_data(self, stream: int) -> tuple[bytes, bool]:
        """Return the next piece that came on a live stream, and whether it is the last.

        The client may send on as much as was taken.
        """
        piece, is_last = self._inflows[stream].take()
        if piece:
            self._held_bytes -= len(piece)
            self._library.acknowledge_received_data(len(piece), stream)
            self._frames.earn(1)
        return piece, is_last

    def send(self, stream: int, data: bytes) -> None:
        """Send on a live stream, as the client's windows let it."""
        if stream not in self._open or self.is_over or not data:
            return
        outflow = self._unsent.pop(stream, None) or Outflow()
        self.unsent_bytes -= outflow.size
        outflow.add(data)
        self._put(stream, outflow)

    def unsent_of(self, stream: int) -> int:
        """Return how many bytes wait to leave on a live stream."""
        outflow = self._unsent.get(stream)
        return 0 if outflow is None else outflow.size

    def finish(self, stream: int, trailers: dict[str, str] | None) -> None:
        """End a live stream behind all that was sent on it.

        Raises:
            Malformed: the trailers cannot be written; the stream goes on.
        """
        if stream not in self._open or self.is_over:
            return
        fields = write_trailers(trailers)
        self._open.discard(stream)
        outflow = self._unsent.pop(stream, None) or Outflow()
        self.unsent_bytes -= outflow.size
        outflow.has_ended, outflow.trailers = True, fields
        self._put(stream, outflow)

    def cancel(self, stream: int, reason: Reason) -> None:
        """End a live stream now; what waits to leave on it is dropped."""
        if stream in self._open and not self.is_over:
            self._drop(stream)
            self._library.reset_stream(stream, reason)

    def earn(self, frames: int) -> None:
        """Allow the client to send so many more frames that ask for nothing."""
        self._frames.earn(frames)

    def end(self) -> None:
        """Say that the connection ends here; what the windows keep back is lost."""
        if not self.is_over:
            self._end_library(Reason.NO_ERROR)
            self.is_over = True

    def take_output(self) -> bytes:
        """Return the bytes to send to the client, in order, each byte once.

        There are no bytes until the client has shown that it speaks HTTP/2: a client of
        another protocol would not understand them.
        """
        return self._library.data_to_send() if self._frames.is_greeted else b""

    def _read_frames(self, frames_max: int) -> None:
        for _ in range(frames_max):
            if self.refusal is not None or self.is_over:
                return
            frame = self._frames.take()
            if frame is None:
                return
            for event in self._library.receive_data(frame):
                self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._begin(event.stream_id, [*event.headers])
            case DataReceived():
                self._add(event.stream_id, event.data, event.flow_controlled_length)
            case StreamEnded():
                self.progress += 1
                self._complete(event.stream_id)
            case StreamReset():
                self._forget(event.stream_id)
            case RemoteSettingsChanged():
                self._library.note_settings(event)
            case PingAckReceived():
                self._shown_to_read()
            case ConnectionTerminated():
                self.is_over = True
            case _:
                pass

    def _begin(self, stream: int, fields: Fields) -> None:
        try:
            request = read_request(fields, self._bounds)
        except UnreadableRequest as refusal:
            self._refuse(stream, refusal)
            return
        self._incoming[stream] = _Incoming(request)
        self._hold(stream, size_of(fields))
        if stream in self._incoming and self._begins_live(request):
            self._inflows[stream] = Inflow()
            self._whole[stream] = self._incoming.pop(stream)

    def _complete(self, stream: int) -> None:
        inflow = self._inflows.get(stream)
        incoming = self._incoming.pop(stream, None)
        if inflow is not None:
            inflow.has_ended = True
            self._fed[stream] = None
        elif incoming is not None:
            self._whole[stream] = incoming

    def _add(self, stream: int, data: bytes, flow_bytes: int) -> None:
        inflow = self._inflows.get(stream)
        if inflow is not None:
            self._add_live(stream, inflow, data, flow_bytes)
            return
        if flow_bytes:
            self._library.acknowledge_received_data(flow_bytes, stream)
        incoming = self._incoming[stream]
        incoming.body += data
        if len(incoming.body) > self._bounds.body_bytes_max:
            self._refuse(stream, BodyTooLarge(self._bounds.body_bytes_max))
        else:
            self._hold(stream, len(data))

    def _add_live(
        self, stream: int, inflow: Inflow, data: bytes, flow_bytes: int
    ) -> None:
        """Keep data of a live stream, whose windows open when it is taken."""
        padding = flow_bytes - len(data)
        if padding:
            self._library.acknowledge_received_data(padding, stream)
        if not data:
            return
        self.progress += 1
        inflow.data += data
        self._held_bytes += len(data)
        self._fed[stream] = None
        if self._held_bytes > self._held_bytes_max:
            self._forget(stream)
            self._library.reset_stream(stream, Reason.REFUSED_STREAM)

    def _hold(self, stream: int, size: int) -> None:
        """Count what a request makes us hold; refuse its stream if that is too much."""
        self._incoming[stream].size += size
        self._held_bytes += size
        if self._held_bytes > self._held_bytes_max:
            self._forget(stream)
            self._library.reset_stream(stream, Reason.REFUSED_STREAM)

    def _refuse(self, stream: int, refusal: UnreadableRequest) -> None:
        incoming = self._incoming.pop(stream, None)
        self._unanswered.add(stream)
        request = None if incoming is None else incoming.request
        self.refusal = (stream, refusal, request)

    def _forget(self, stream: int) -> None:
        incoming = self._incoming.pop(stream, None) or self._whole.pop(stream, None)
        if incoming is not None:
            self._held_bytes -= incoming.size
        if stream in self._unanswered or stream in self._open:
            self._withdrawn.append(stream)
        self._unanswered.discard(stream)
        self._drop(stream)

    def _drop(self, stream: int) -> None:
        """Forget what came and what waits to leave on a stream."""
        self._open.discard(stream)
        self._fed.pop(stream, None)
        inflow = self._inflows.pop(stream, None)
        if inflow is not None:
            self._held_bytes -= len(inflow.data)
            if inflow.data:  # the connection's window opens by what nobody will take
                self._library.acknowledge_received_data(len(inflow.data), stream)
        outflow = self._unsent.pop(stream, None)
        if outflow is not None:
            self.unsent_bytes -= outflow.size

    def _ended(self, stream: int) -> None:
        """Note that our side of a stream has ended, whether or not the client's has."""
        self._frames.earn(limits.HTTP2_FRAMES_PER_ANSWER)
        inflow = self._inflows.get(stream)
        if inflow is not None:
            self._drop(stream)
            if not inflow.has_ended:
                self._library.reset_stream(stream, Reason.NO_ERROR)

    def _fail(self, failure: UnreadableRequest) -> None:
        self.failure = failure
        self.is_over = True

    def _end_library(self, reason: Reason) -> None:
        self._library.close_connection(reason)

    def _put(self, stream: int, outflow: Outflow) -> None:
        """Send what waits to leave on a stream, or its end alone."""
        if outflow.pieces:
            self._unsent[stream] = outflow
            self.unsent_bytes += outflow.size
            self._send()
        elif outflow.has_ended:
            self._send_end(stream, outflow)

    def _send(self) -> None:
        """Send of each answer in turn a frame, until the windows or the burst end."""
        unsent = self._unsent
        library = self._library
        blocked = 0
        while blocked < len(unsent):
            if self._burst_bytes <= 0:
                self._ask_whether_it_reads()
                return
            stream, outflow = unsent.popitem(last=False)
            room = min(
                library.local_flow_control_window(stream),
                library.max_outbound_frame_size,
                self._frame_bytes_max,
            )
            if room <= 0:
                unsent[stream] = outflow
                blocked += 1
                continue
            blocked = 0
            self._send_data(stream, outflow, room)

    def _send_data(self, stream: int, outflow: Outflow, room: int) -> None:
        piece = outflow.take(room)
        is_last = outflow.has_ended and not outflow.pieces
        ends = is_last and not outflow.trailers
        self._library.send_data(stream, piece, end_stream=ends)
        self.unsent_bytes -= len(piece)
        self._burst_bytes -= len(piece)
        self.progress += 1
        if ends:
            self._ended(stream)
        elif is_last:
            self._send_end(stream, outflow)
        else:
            self._frames.earn(limits.HTTP2_FRAMES_PER_DATA)
            if outflow.pieces:
                self._unsent[stream] = outflow

    def _send_end(self, stream: int, outflow: Outflow) -> None:
        """End a stream on which all data has been sent."""
        if outflow.trailers:
            self._library.send_headers(stream, outflow.trailers, end_stream=True)
        else:
            self._library.end_stream(stream)
        self._ended(stream)

    def _ask_whether_it_reads(self) -> None:
        """Ask once, behind what was sent: the client answers when it has read that."""
        if not self._is_asked:
            self._is_asked = True
            self._library.ping(_PING)

    def _shown_to_read(self) -> None:
        if self._is_asked:
            self._is_asked = False
            self._burst_bytes = limits.HTTP2_BURST_BYTES_MAX
