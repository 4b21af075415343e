"""A protocol of the application's own, in which a connection is one stream.

The stream begins when TLS is set up, and ends with the connection. Its steps are those
of any stream (`ccfpy.endpoints.streams`) and run in turns of the connection. While a
step is slow and the node goes on without it, the node reads nothing from the client.
The output of a step goes to the host at once. A client that does not read is bounded as
in HTTP/1.1: it has no turn while too much of its output is unread, and is disconnected
if it reads nothing.
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Unwritable
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.endpoints.streams import OpenStream, StreamWork
from ccfpy.http.messages import Response
from ccfpy.node.sessions.client import Conversation

if TYPE_CHECKING:
    from ccfpy.endpoints.declaration import Endpoint
    from ccfpy.endpoints.pending import Answer, Awaited
    from ccfpy.endpoints.streams import Following, StepOutput
    from ccfpy.node.sessions.client import Client
    from ccfpy.node.streams import Follower


class _SessionStep(AnsweredCall):
    """Begins the stream of a session, or runs its next step."""

    __slots__ = ("_conversation",)

    def __init__(self, conversation: "AppProtocol") -> None:
        super().__init__()
        self._conversation = conversation

    def answer(self) -> "Answer":
        """Run the step."""
        return self._conversation.step()

    def deliver(self, response: Response) -> None:
        """Apply the output of the step."""
        self._conversation.stepped(response)

    def wait_for(self, awaited: "Awaited") -> bool:
        """Run no other step until this one has ended."""
        self._conversation.wait_for(awaited)
        return True


class AppProtocol(Conversation):
    """A connection that speaks a protocol of the application's."""

    __slots__ = (
        "_awaited",
        "_client",
        "_data",
        "_follower",
        "_has_begun",
        "_has_gone",
        "_has_heard_end",
        "_has_told_end",
        "_is_paused",
        "_opened",
        "_protocol",
        "_replies",
        "_share",
    )

    def __init__(self, client: "Client", protocol: "Endpoint") -> None:
        super().__init__()
        self._client = client
        self._protocol = protocol
        self._opened: OpenStream | None = None
        self._follower: Follower | None = None
        self._awaited: Awaited | None = None
        self._data = b""
        self._replies: list[bytes] = []
        self._share = 0
        self._has_begun = False
        self._has_gone = False
        self._has_heard_end = False
        self._has_told_end = False
        self._is_paused = False

    @property
    def has_left(self) -> bool:
        """Whether a step is due or is running."""
        return self._awaited is not None or self._is_due

    @property
    def is_ready(self) -> bool:
        """Whether a step is due and may begin."""
        return self._awaited is None and self._is_due

    @property
    def is_waiting(self) -> bool:
        """Whether a step is running; nothing is served until it ends."""
        return self._awaited is not None

    @property
    def is_midway(self) -> bool:
        """Whether a request is unfinished: only the application could know."""
        return False

    @property
    def progress(self) -> int:
        """How many requests are complete: 0, as there are none."""
        return 0

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes wait for a step."""
        return len(self._data)

    def greet(self) -> None:
        """Note that TLS is set up, so that the stream may begin."""
        self._has_begun = True

    def hear(self, plaintext: bytes) -> None:
        """Receive the client's next bytes."""
        self._data += plaintext

    def begin(self, share: int) -> None:
        """Begin a turn."""
        self._share = share

    def come_back(self) -> None:
        """End a step that was slow."""
        awaited, self._awaited = self._awaited, None
        if awaited is not None:
            assert awaited.response is not None, "only then does it go on"
            self.stepped(awaited.response)

    def next_call(self) -> NodeCall | None:
        """Return the next step, if one is due."""
        if (
            self._share <= 0
            or not self.is_ready
            or sum(map(len, self._replies)) >= limits.SESSION_UNREAD_BYTES_MAX
        ):
            return None
        self._share -= 1
        follower = self._follower
        if (self._opened is None and not self._has_room()) or (
            follower is not None and follower.is_lost
        ):
            self._end()
            return None
        return _SessionStep(self)

    def take_output(self) -> bytes:
        """Return the bytes that steps sent."""
        sent = b"".join(self._replies)
        self._replies.clear()
        return sent

    def wait_for(self, awaited: "Awaited") -> None:
        """Wait for the end of the running step."""
        self._awaited = awaited
        awaited.then(self._settled)

    def step(self) -> "Answer":
        """Begin the stream, or run its next step."""
        router, opened = self._client.router, self._opened
        if opened is None:
            return router.begin_session(self._protocol, self._client.session)
        opened.expect(self._work())
        return router.answer_step(opened)

    def stepped(self, answer: Response) -> None:
        """Apply the output of a step, or end the session if the step failed."""
        if answer.status != 200:  # noqa: PLR2004 - as `OpenStream` answers
            self._end()
            return
        if self._opened is None:
            opened = answer.stream
            assert isinstance(opened, OpenStream), "a session begins so"
            if not self._begin(opened):
                return
        else:
            opened = self._opened
        self._apply(opened.output)

    def hear_end(self) -> bool:
        """Note that the client sends no more; return whether the connection ends."""
        self._has_heard_end = True
        return self.is_over or not self._has_begun

    def hear_loss(self) -> bool:
        """Note that the client has gone; return whether last turns are due."""
        self._has_gone = True
        return self._opened is not None and not self.is_waiting

    def turn_away(self, _response: Response) -> bytes:
        """Return the last bytes for a refused client: none."""
        return b""

    def abandon(self) -> None:
        """Note that the client has gone."""
        if self._awaited is not None:
            self._awaited.abandon()
            self._awaited = None
        self._end()

    # Inside

    @property
    def _is_due(self) -> bool:
        if self.is_over or not self._has_begun:
            return False
        follower = self._follower
        return (
            self._opened is None
            or self._is_paused
            or bool(self._data)
            or self._end_is_due
            or (follower is not None and (follower.has_news or follower.is_lost))
        )

    @property
    def _end_is_due(self) -> bool:
        return self._has_heard_end and not self._has_told_end

    def _has_room(self) -> bool:
        client = self._client
        if client.is_capped:
            client.interface.capped += 1
            return False
        return client.streams.has_room

    def _work(self) -> StreamWork:
        is_drained, self._is_paused = self._is_paused, False
        has_gone = self._has_gone
        if is_drained and not has_gone:
            return StreamWork(is_drained=True)
        data, self._data = self._data, b""
        is_end = self._end_is_due
        self._has_told_end = self._has_heard_end
        follower = self._follower
        news = () if follower is None else self._client.streams.feed.take(follower)
        return StreamWork(data, is_end, news, is_drained, has_gone)

    def _begin(self, opened: OpenStream) -> bool:
        """Begin the session; return whether there is room for it."""
        client = self._client
        streams = client.streams
        if not streams.has_room_for(opened.owner):
            self._end()
            return False
        self._opened = opened
        streams.opened(opened.owner)
        streams.sessions += 1
        if not opened.owner.is_stranger:
            streams.on_kept(client.session.id, True)
        return True

    def _apply(self, output: "StepOutput") -> None:
        """Apply the output of a step."""
        router = self._client.router
        size, most = sum(map(len, output.sent)), router.calls.limits.response_bytes_max
        if size > most:
            defect = Unwritable(f"{size} bytes at once, where {most} are allowed")
            router.step_failed(self._protocol, defect)
            self._end()
            return
        self._replies += output.sent
        self._is_paused = output.has_paused
        if output.following is not None:
            self._follow(output.following)
        if output.has_finished:
            self._end()

    def _follow(self, wanted: "Following") -> None:
        feed = self._client.streams.feed
        self._unfollow()
        if not wanted.maps:
            return
        try:
            self._follower = feed.follow(wanted.maps, wanted.after, self._has_news)
        except LimitExceeded:
            self._end()

    def _unfollow(self) -> None:
        if self._follower is not None:
            self._client.streams.feed.leave(self._follower)
            self._follower = None

    def _has_news(self) -> None:
        self._client.streams.on_turn(self._client.session)

    def _settled(self, _: Response) -> None:
        self._client.on_settled(self._client)

    def _end(self) -> None:
        """End the session, and the connection once all output is sent."""
        opened, self._opened = self._opened, None
        self.is_over = True
        self._data = b""
        self._unfollow()
        if opened is not None:
            client = self._client
            client.streams.closed(opened.owner)
            client.streams.sessions -= 1
            if not opened.owner.is_stranger:
                client.streams.on_kept(client.session.id, False)
