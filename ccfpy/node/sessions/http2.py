"""HTTP/2 on one connection: concurrent requests, each answered on its own stream.

A request that waits for its answer does not delay others. A turn serves as many
requests as its time and the client's flow-control windows allow. While the windows hold
back too many answers, further requests wait, and the client's input has a bound
(``ccfpy.http.http2_server``).

`Http2Streams` runs the live streams of a connection. Like a request, a step of a stream
runs in a turn of the connection. While a step is slow and the node goes on without it,
its stream has no other step.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.endpoints.streams import OpenStream, StreamOwner, StreamWork
from ccfpy.http import grpc
from ccfpy.http.errors import ErrorCode, internal_error, unavailable
from ccfpy.http.http2_frames import Reason
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Response
from ccfpy.node.sessions.client import Conversation
from ccfpy.node.sessions.http1 import unwritable

if TYPE_CHECKING:
    from ccfpy.endpoints.pending import Answer, Awaited
    from ccfpy.endpoints.streams import Following
    from ccfpy.http.messages import Request
    from ccfpy.node.sessions.client import Client
    from ccfpy.node.streams import Follower


class _Http2Call(AnsweredCall):
    """Answers one request of an HTTP/2 connection, on its stream."""

    __slots__ = ("_conversation", "_request", "_stream")

    def __init__(
        self, conversation: "Http2Connection", stream: int, request: "Request"
    ) -> None:
        super().__init__()
        self._conversation = conversation
        self._stream = stream
        self._request = request

    def answer(self) -> "Answer":
        """Answer the request."""
        client = self._conversation.client
        if client.is_capped:
            return client.refuse()
        return client.router.answer(self._request, client.session)

    def deliver(self, response: Response) -> None:
        """Send the response."""
        self._conversation.respond(self._stream, self._request, response)

    def wait_for(self, awaited: "Awaited") -> bool:
        """Serve other requests until the answer is ready."""
        self._conversation.wait_for(self._stream, self._request, awaited)
        return True


class Http2Connection(Conversation):
    """HTTP/2 on one connection.

    Attributes:
        client: the client that sends the requests.
    """

    __slots__ = (
        "_awaited",
        "_has_left",
        "_is_last",
        "_server",
        "_share",
        "_streams",
        "client",
    )

    def __init__(self, client: "Client") -> None:
        super().__init__()
        self.client = client
        self._server = Http2Server(
            client.interface.limits,
            client.interface.http2,
            is_live=client.router.is_live,
        )
        self._streams = Http2Streams(client, self._server)
        self._awaited: dict[int, tuple[Request, Awaited]] = {}
        self._share = 0
        self._is_last = False
        self._has_left = False

    @property
    def has_left(self) -> bool:
        """Whether frames, requests or steps of streams wait for the next turn."""
        return self._has_left or (self._streams.is_due and self._can_step)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is served until a pending answer is ready: never."""
        return False

    @property
    def is_ready(self) -> bool:
        """Whether something waits for the next turn."""
        return self.has_left

    @property
    def is_midway(self) -> bool:
        """Whether the client has to send or to read more."""
        return self._server.is_midway

    @property
    def progress(self) -> int:
        """A number that grows with complete requests and with opened windows."""
        return self._server.progress

    def hear(self, plaintext: bytes) -> None:
        """Receive the client's next bytes."""
        streams = self._streams
        streams.earn()
        most = limits.HTTP2_FRAMES_PER_TURN
        for stream in self._server.receive(plaintext, frames_max=most):
            streams.withdraw(stream)
            waiting = self._awaited.pop(stream, None)
            if waiting is not None:
                waiting[1].abandon()
        streams.received()

    def begin(self, share: int) -> None:
        """Begin a turn of at most ``share`` requests and steps of streams."""
        self._share = share

    def come_back(self) -> None:
        """Send pending answers that are ready, and continue with the rest."""
        settled = [
            (stream, request, awaited.response)
            for stream, (request, awaited) in self._awaited.items()
            if awaited.response is not None
        ]
        for stream, request, response in settled:
            del self._awaited[stream]
            if self._server.unsent_bytes > limits.REPLIES_BYTES_MAX:
                self._server.give_up(stream)
            else:
                self.respond(stream, request, response)
        self._streams.come_back()
        self.hear(b"")

    def next_call(self) -> NodeCall | None:
        """Return the next request or step of a stream, or end the turn."""
        server = self._server
        while self._share > 0 and self._can_step:
            self._share -= 1
            taken = server.take_request()
            if taken is None:
                step = self._streams.next_call()
                if step is None:
                    break
                return step
            stream, request = taken
            refusal = self._streams.refusal() if server.is_live(stream) else None
            if refusal is None:
                return _Http2Call(self, stream, request)
            self.respond(stream, request, refusal)
        self._end_turn()
        return None

    def _end_turn(self) -> None:
        """Keep the unanswered requests, or end the connection if that is due."""
        server = self._server
        self._has_left = not self._is_last and (
            server.has_frames or (server.has_request and self._has_room)
        )
        if not self._has_left:
            self._end_if_due()
        self._streams.count_unsent()
        self.is_over = server.is_over

    def take_output(self) -> bytes:
        """Return the frames for the client."""
        return self._server.take_output()

    def wait_for(self, stream: int, request: "Request", awaited: "Awaited") -> None:
        """Wait for the answer to a request, or send it if it is ready."""
        if awaited.response is not None:
            self.respond(stream, request, awaited.response)
            return
        self._awaited[stream] = (request, awaited)
        awaited.then(self._settled)

    @property
    def unfinished_bytes(self) -> int:
        """About how many bytes of unfinished requests are held."""
        return self._server.unfinished_bytes

    def greet(self) -> None:
        """Do nothing: the client speaks first."""

    def hear_end(self) -> bool:
        """Return whether the connection ends, now that the client sends no more."""
        return not self.is_ready

    def hear_loss(self) -> bool:
        """Return whether a last turn is due after the client has gone: never."""
        return False

    def turn_away(self, _response: Response) -> bytes:
        """Return the frames that end the connection, with no answer to any request."""
        self._server.end()
        return self._server.take_output()

    def abandon(self) -> None:
        """Note that the client has gone."""
        for _, awaited in self._awaited.values():
            awaited.abandon()
        self._streams.abandon()

    def _end_if_due(self) -> None:
        """End the connection after an unreadable request, or after the last answer."""
        server = self._server
        if server.failure is not None:
            self.client.interface.count_error(server.failure)
        elif server.refusal is not None:
            stream, refusal, request = server.refusal
            self.client.interface.count_error(refusal)
            response = refusal.response
            if request is not None and grpc.is_call(request):
                response = grpc.readable(response)
            server.respond(stream, response, is_head=False)
            server.end()
        elif self._is_last:
            server.end()

    @property
    def _has_room(self) -> bool:
        return self._server.unsent_bytes <= limits.HTTP2_UNSENT_BYTES_MAX

    @property
    def _can_step(self) -> bool:
        return not self._is_last and not self._server.is_over and self._has_room

    def _settled(self, _: Response) -> None:
        self.client.on_settled(self.client)

    def respond(self, stream: int, request: "Request", response: Response) -> None:
        """Send the response to a request."""
        is_head = request.method == "HEAD"
        is_call = grpc.is_call(request)
        if is_call:
            response = grpc.readable(response)
        try:
            if response.stream is not None:
                self._begin(stream, request, response)
                return
            self._server.respond(stream, response, is_head=is_head)
        except Malformed as error:
            response = unwritable(response, error)
            if is_call:
                response = grpc.readable(response)
            self._server.respond(stream, response, is_head=is_head)
        self._is_last = self._is_last or response.close

    def _begin(self, stream: int, request: "Request", response: Response) -> None:
        """Begin a live stream, if there is still room for it.

        Raises:
            Malformed: its headers cannot be written.
        """
        refusal = self._streams.open(stream, response)
        if refusal is not None:
            self.respond(stream, request, refusal)


_MS_PER_S = 1000


@dataclass(slots=True)
class _LiveStream:
    """One live stream.

    Attributes:
        opened: runs the steps of the stream.
        is_grpc: whether errors are sent as trailers; otherwise they reset the stream.
        follower: the committed transactions for this stream, if it follows maps.
        awaited: the result of a slow step, if one is running.
        is_paused: whether the next step waits until the client has read the output.
    """

    opened: OpenStream
    is_grpc: bool
    follower: "Follower | None" = None
    awaited: "Awaited | None" = None
    is_paused: bool = False


class _StreamStep(AnsweredCall):
    """Runs a step of a live stream."""

    __slots__ = ("_live", "_stream", "_streams")

    def __init__(self, streams: "Http2Streams", stream: int, live: _LiveStream) -> None:
        super().__init__()
        self._streams = streams
        self._stream = stream
        self._live = live

    def answer(self) -> "Answer":
        """Run the step."""
        return self._streams.client.router.answer_step(self._live.opened)

    def deliver(self, response: Response) -> None:
        """Apply the output of the step."""
        self._streams.stepped(self._stream, self._live, response)

    def wait_for(self, awaited: "Awaited") -> bool:
        """Wait for the end of the step; the stream runs no other step meanwhile."""
        self._live.awaited = awaited
        self._streams.wait_for(self._stream, awaited)
        return True


class Http2Streams:
    """The live streams of a connection.

    Attributes:
        client: the client that opened the streams.
    """

    __slots__ = (
        "_away",
        "_counted_bytes",
        "_due",
        "_earned_ms",
        "_named",
        "_open",
        "_owner",
        "_server",
        "client",
    )

    def __init__(self, client: "Client", server: "Http2Server") -> None:
        self.client = client
        self._server = server
        self._open: dict[int, _LiveStream] = {}
        self._due: dict[int, None] = {}
        self._away: dict[int, None] = {}
        self._named = 0
        """Number of streams whose caller is authenticated. Only these keep the session
        open while nothing happens."""
        self._counted_bytes = 0
        self._owner = StreamOwner()
        """Owner of the first stream; the connection's unsent bytes count as theirs."""
        self._earned_ms = 0

    @property
    def is_due(self) -> bool:
        """Whether a step is due."""
        return bool(self._due)

    def refusal(self) -> Response | None:
        """Return the answer that refuses another stream, or nothing."""
        if (
            len(self._open) < limits.STREAMS_PER_SESSION_MAX
            and self.client.streams.has_room
        ):
            return None
        return _no_room()

    def open(self, stream: int, response: Response) -> Response | None:
        """Begin a live stream, or return the answer that refuses it.

        Raises:
            Malformed: its headers cannot be written.
        """
        opened = response.stream
        assert isinstance(opened, OpenStream), "no other answer is live"
        if self.refusal() is not None:
            return _no_room()
        if not self.client.streams.has_room_for(opened.owner):
            return _no_room()
        if not self._server.begin(stream, response):
            return None
        kind = response.headers.get("content-type", "")
        live = _LiveStream(opened, is_grpc=grpc.is_kind(kind))
        self._open[stream] = live
        client = self.client
        client.streams.opened(opened.owner)
        if len(self._open) == 1:
            self._earned_ms = client.streams.now_ms
            client.streams.sessions += 1
            self._count(0)
            self._owner = opened.owner
        if not opened.owner.is_stranger:
            self._named += 1
            if self._named == 1:
                client.streams.on_kept(client.session.id, True)
        self._apply(stream, live)
        self._look_at(stream)
        return None

    def earn(self) -> None:
        """Allow a client with a live stream more frames for the time that passed."""
        if self._open:
            seconds = (self.client.streams.now_ms - self._earned_ms) // _MS_PER_S
            if seconds > 0:
                self._earned_ms += seconds * _MS_PER_S
                self._server.earn(seconds * limits.STREAM_FRAMES_PER_S)

    def received(self) -> None:
        """Find the streams that have received data, or whose output has drained."""
        for stream in self._server.take_fed():
            self._look_at(stream)
        for stream, live in self._open.items():
            if live.is_paused:
                self._look_at(stream)

    def next_call(self) -> NodeCall | None:
        """Return the next step that is due."""
        while self._due:
            stream = next(iter(self._due))
            del self._due[stream]
            live = self._open[stream]
            if live.follower is not None and live.follower.is_lost:
                self._fail(stream, live, _not_here())
                continue
            work = self._work_of(stream, live)
            if work is not None:
                live.opened.expect(work)
                return _StreamStep(self, stream, live)
        return None

    def wait_for(self, stream: int, awaited: "Awaited") -> None:
        """Wait for the end of a stream's slow step."""
        self._away[stream] = None
        awaited.then(self._settled)

    def come_back(self) -> None:
        """Continue the streams whose slow steps have ended."""
        for stream in list(self._away):
            live = self._open[stream]
            awaited = live.awaited
            assert awaited is not None, "it is away"
            if awaited.response is not None:
                live.awaited = None
                del self._away[stream]
                self.stepped(stream, live, awaited.response)

    def withdraw(self, stream: int) -> None:
        """Note that the client has cancelled a stream."""
        if stream in self._open:
            self._forget(stream)

    def abandon(self) -> None:
        """Note that the client has gone."""
        for stream in list(self._open):
            self._forget(stream)
        self.count_unsent()

    def count_unsent(self) -> None:
        """Report the bytes that wait for this client to the node's count."""
        self._count(self._server.unsent_bytes if self._open else 0)

    def _count(self, bytes_now: int) -> None:
        if bytes_now != self._counted_bytes:
            more = bytes_now - self._counted_bytes
            self.client.streams.count_unsent(self._owner, more)
            self._counted_bytes = bytes_now

    # Inside

    def _look_at(self, stream: int) -> None:
        """Mark a stream's step as due if there is something for it."""
        live = self._open.get(stream)
        if live is None or live.awaited is not None:
            return
        if live.is_paused:
            if self._server.unsent_of(stream) <= limits.STREAM_DRAINED_BYTES_MAX:
                self._due[stream] = None
            return
        follower = live.follower
        if self._server.has_data(stream) or (
            follower is not None and (follower.has_news or follower.is_lost)
        ):
            self._due[stream] = None

    def _work_of(self, stream: int, live: _LiveStream) -> StreamWork | None:
        if live.is_paused:
            live.is_paused = False
            return StreamWork(is_drained=True)
        data, is_end = b"", False
        if self._server.has_data(stream):
            data, is_end = self._server.take_data(stream)
        news = (
            []
            if live.follower is None
            else self.client.streams.feed.take(live.follower)
        )
        if not (data or is_end or news):
            return None
        return StreamWork(data, is_end, news)

    def stepped(self, stream: int, live: _LiveStream, answer: Response) -> None:
        """Apply the output of a step, or end the stream if the step failed."""
        if answer.status == 200:  # noqa: PLR2004 - as `OpenStream` answers
            self._apply(stream, live)
        else:
            self._fail(stream, live, answer)
        self._look_at(stream)

    def _apply(self, stream: int, live: _LiveStream) -> None:
        """Apply the output of a step."""
        output = live.opened.output
        live.is_paused = output.has_paused
        if output.sent and not self._send(stream, live, output.sent):
            return
        if output.following is not None and not self._follow(
            stream, live, output.following
        ):
            return
        if output.has_finished:
            self._finish(stream, live, output.trailers)

    def _send(self, stream: int, live: _LiveStream, sent: list[bytes]) -> bool:
        """Send the output of a step; return whether the stream goes on."""
        server, most = self._server, self.client.router.calls.limits.response_bytes_max
        size = sum(map(len, sent))
        if size > most:
            error = internal_error(f"{size} bytes at once, where {most} are allowed")
            self._fail(stream, live, error.response())
            return False
        unsent, streams = server.unsent_of(stream), self.client.streams
        if unsent > limits.STREAM_UNSENT_BYTES_MAX or (
            unsent
            and (
                streams.holds_too_much(server.unsent_bytes)
                or streams.is_too_much_of(self._owner)
            )
        ):
            server.cancel(stream, Reason.ENHANCE_YOUR_CALM)
            self._forget(stream)
            return False
        for data in sent:
            server.send(stream, data)
        return True

    def _follow(self, stream: int, live: _LiveStream, wanted: "Following") -> bool:
        """Follow the maps that a step asked for; return whether the stream goes on."""
        feed = self.client.streams.feed
        if live.follower is not None:
            feed.leave(live.follower)
            live.follower = None
        if not wanted.maps:
            return True
        try:
            live.follower = feed.follow(
                wanted.maps, wanted.after, partial(self._has_news, stream)
            )
        except LimitExceeded as error:
            refusal = unavailable(ErrorCode.SessionCapExhausted, str(error))
            self._fail(stream, live, refusal.response())
            return False
        return True

    def _settled(self, _: Response) -> None:
        self.client.on_settled(self.client)

    def _has_news(self, stream: int) -> None:
        self._look_at(stream)
        self.client.streams.on_turn(self.client.session)

    def _finish(
        self, stream: int, live: _LiveStream, trailers: dict[str, str] | None
    ) -> None:
        try:
            self._server.finish(stream, trailers)
        except Malformed as error:
            self._fail(stream, live, internal_error(str(error)).response())
        else:
            self._forget(stream)

    def _fail(self, stream: int, live: _LiveStream, refusal: Response) -> None:
        """End a stream with an error."""
        if live.is_grpc:
            headers = grpc.readable(refusal).headers
            trailers = {name: headers[name] for name in (grpc.STATUS, grpc.MESSAGE)}
            self._server.finish(stream, trailers)
        else:
            self._server.cancel(stream, Reason.INTERNAL_ERROR)
        self._forget(stream)

    def _forget(self, stream: int) -> None:
        live = self._open.pop(stream)
        self._due.pop(stream, None)
        self._away.pop(stream, None)
        client = self.client
        client.streams.closed(live.opened.owner)
        if live.follower is not None:
            client.streams.feed.leave(live.follower)
        if live.awaited is not None:
            live.awaited.abandon()
        if not self._open:
            client.streams.sessions -= 1
        if not live.opened.owner.is_stranger:
            self._named -= 1
            if not self._named:
                client.streams.on_kept(client.session.id, False)


def _not_here() -> Response:
    return unavailable(
        ErrorCode.NodeCannotHandleRequest,
        "This node does not have the transactions that the stream is to follow.",
    ).response()


def _no_room() -> Response:
    return unavailable(
        ErrorCode.SessionCapExhausted,
        "Too many streams are open.",
        after_s=limits.RETRY_AFTER_S,
    ).response()
