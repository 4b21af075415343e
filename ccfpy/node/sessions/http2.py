"""HTTP/2 on one connection: requests side by side, each answered on its own stream.

A request that waits for its answer does not delay other requests. A turn serves as many
requests as its time and the client's windows allow. While the windows hold back too
many answers, further requests wait, and the input that the client may send meanwhile
has a bound (``ccfpy.http.http2_server``).
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.http import grpc
from ccfpy.http.http2_server import Http2Server
from ccfpy.http.messages import Response
from ccfpy.node.sessions.client import Conversation
from ccfpy.node.sessions.http1 import unwritable
from ccfpy.node.sessions.http2_streams import Http2Streams

if TYPE_CHECKING:
    from ccfpy.endpoints.awaited import Answer, Awaited
    from ccfpy.http.messages import Request
    from ccfpy.node.sessions.client import Client


class _Http2Call(AnsweredCall):
    """Answers a request on a stream of its own."""

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
        """Serve other requests until the answer comes."""
        self._conversation.wait_for(self._stream, self._request, awaited)
        return True


class Http2Connection(Conversation):
    """A conversation in HTTP/2.

    Attributes:
        client: whose requests these are.
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
        """Whether nothing is served until an awaited answer comes: never."""
        return False

    @property
    def is_ready(self) -> bool:
        """Whether something waits for the next turn."""
        return self.has_left

    @property
    def is_midway(self) -> bool:
        """Whether the client has yet to send on, or to read on."""
        return self._server.is_midway

    @property
    def progress(self) -> int:
        """What came whole, and what the client had room for."""
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
        """Begin a turn, of requests and steps of streams."""
        self._share = share

    def come_back(self) -> None:
        """Send awaited answers that have come, and take up what was left."""
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
        """Return the request or step of a stream that is next, or end the turn."""
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
        """Leave what was not answered, or end the connection if that is due."""
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
        """Await the answer to a request, or send the answer if it is there."""
        if awaited.response is not None:
            self.respond(stream, request, awaited.response)
            return
        self._awaited[stream] = (request, awaited)
        awaited.then(self._settled)

    @property
    def unfinished_bytes(self) -> int:
        """Return about how many bytes are held of requests that have not ended."""
        return self._server.unfinished_bytes

    def greet(self) -> None:
        """Do nothing: the client begins."""

    def hear_end(self) -> bool:
        """Return whether the connection ends, now that the client sends no more."""
        return not self.is_ready

    def hear_loss(self) -> bool:
        """Return whether a last turn is due, now that the client has gone: none is."""
        return False

    def turn_away(self, _response: Response) -> bytes:
        """Return what ends the connection: no one of its requests is to blame."""
        self._server.end()
        return self._server.take_output()

    def abandon(self) -> None:
        """Note that the client has gone."""
        for _, awaited in self._awaited.values():
            awaited.abandon()
        self._streams.abandon()

    def _end_if_due(self) -> None:
        """End the connection behind a request that cannot be read, or the last one."""
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
        """Begin an answer that goes on, if there is still room for it.

        Raises:
            Malformed: its headers cannot be written.
        """
        refusal = self._streams.open(stream, response)
        if refusal is not None:
            self.respond(stream, request, refusal)
