"""The live streams of one connection: whose step is due, and what a step has sent.

A step runs in a turn of its connection, as a request does. While a step is slow and its
node goes on without it, its stream has no other step.
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
from ccfpy.http.messages import Response

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Answer, Awaited
    from ccfpy.endpoints.streams import Following
    from ccfpy.http.http2_server import Http2Server
    from ccfpy.node.sessions.client import Client
    from ccfpy.node.streams.commit_feed import Follower

_MS_PER_S = 1000


@dataclass(slots=True)
class _LiveStream:
    """One open stream.

    Attributes:
        opened: its steps.
        is_grpc: its errors are trailers; others' end it without a word.
        follower: what is committed, for this stream.
        awaited: where the end of its step will be known, while that is slow.
        is_paused: it has no other step until the client has taken what was sent.
    """

    opened: OpenStream
    is_grpc: bool
    follower: "Follower | None" = None
    awaited: "Awaited | None" = None
    is_paused: bool = False


class _StreamStep(AnsweredCall):
    """Does a step of a live stream."""

    __slots__ = ("_live", "_stream", "_streams")

    def __init__(self, streams: "Http2Streams", stream: int, live: _LiveStream) -> None:
        super().__init__()
        self._streams = streams
        self._stream = stream
        self._live = live

    def answer(self) -> "Answer":
        """Do the step."""
        return self._streams.client.router.answer_step(self._live.opened)

    def deliver(self, response: Response) -> None:
        """Do what the step wants done."""
        self._streams.stepped(self._stream, self._live, response)

    def wait_for(self, awaited: "Awaited") -> bool:
        """Await the end of the step, and do no other of this stream meanwhile."""
        self._live.awaited = awaited
        self._streams.wait_for(self._stream, awaited)
        return True


class Http2Streams:
    """The live streams of a connection.

    Attributes:
        client: whose streams these are.
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
        """How many of them have a caller whom a policy has named: these alone live
        however long nothing happens."""
        self._counted_bytes = 0
        self._owner = StreamOwner()
        """Whose the first of them is: what waits on the connection counts as theirs."""
        self._earned_ms = 0

    @property
    def is_due(self) -> bool:
        """Whether a step is due."""
        return bool(self._due)

    def refusal(self) -> Response | None:
        """Return the answer to a request for which there is no room, if so."""
        if (
            len(self._open) < limits.STREAMS_PER_SESSION_MAX
            and self.client.streams.has_room
        ):
            return None
        return _no_room()

    def open(self, stream: int, response: Response) -> Response | None:
        """Begin an answer that goes on; return another if there is no room for it.

        Raises:
            Malformed: its headers cannot be written.
        """
        opened = response.stream
        assert isinstance(opened, OpenStream), "only those go on"
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
        """Allow a client with a live stream some frames for the time that passed."""
        if self._open:
            seconds = (self.client.streams.now_ms - self._earned_ms) // _MS_PER_S
            if seconds > 0:
                self._earned_ms += seconds * _MS_PER_S
                self._server.earn(seconds * limits.STREAM_FRAMES_PER_S)

    def received(self) -> None:
        """Note on which streams something came, or room for what a stream has left."""
        for stream in self._server.take_fed():
            self._look_at(stream)
        for stream, live in self._open.items():
            if live.is_paused:
                self._look_at(stream)

    def next_call(self) -> NodeCall | None:
        """Return the step that is due next."""
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
        """Await the end of the step of a stream."""
        self._away[stream] = None
        awaited.then(self._settled)

    def come_back(self) -> None:
        """Go on with the streams whose slow steps have ended."""
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
        """Count for the node what waits for this client."""
        self._count(self._server.unsent_bytes if self._open else 0)

    def _count(self, bytes_now: int) -> None:
        if bytes_now != self._counted_bytes:
            more = bytes_now - self._counted_bytes
            self.client.streams.count_unsent(self._owner, more)
            self._counted_bytes = bytes_now

    # Inside

    def _look_at(self, stream: int) -> None:
        """Mark the step of a stream as due if something waits for it."""
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
        """Do what a step of a stream wants done, or end the stream if it failed."""
        if answer.status == 200:  # noqa: PLR2004 - as `OpenStream` answers
            self._apply(stream, live)
        else:
            self._fail(stream, live, answer)
        self._look_at(stream)

    def _apply(self, stream: int, live: _LiveStream) -> None:
        """Do what a step wants done."""
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
        """Send what a step has sent; return whether the stream goes on."""
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
        """Follow what a step wants; return whether the stream goes on."""
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
