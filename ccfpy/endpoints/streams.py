"""Streams: answers that go on for as long as a client listens and an application says.

An application declares a class. Each request makes one object of it, whose methods are
called when something happens on the stream: each call is a *step*, with a transaction
of its own. A step never waits. Between two steps a stream is an object in memory, and
costs nothing. A session of a protocol of the application's own is a stream too, without
a request: the client's whole connection.

What a step sends leaves only if the step succeeds, and once its transaction is applied.
A step runs once: an object could not forget what a first run had left in it. Where its
transaction meets a conflict, which only a step can that is so slow that its node goes
on beside it, the stream ends.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.app_calls import check_answer, check_trailers, place_of
from ccfpy.endpoints.auth.all_of import CallerOfAll
from ccfpy.endpoints.auth.cert import MemberCertCaller, NodeCertCaller, UserCertCaller
from ccfpy.endpoints.auth.jwt import JwtCaller
from ccfpy.endpoints.auth.policy import AppCaller
from ccfpy.endpoints.commit_wait import WAIT_HEADER
from ccfpy.endpoints.declaration import Handler, Match, Mode
from ccfpy.endpoints.session import Session
from ccfpy.http import grpc
from ccfpy.http.errors import ApiError, ErrorCode, unavailable
from ccfpy.http.http2_messages import VERSION
from ccfpy.http.messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.endpoints.auth.policy import Identity
    from ccfpy.endpoints.context import Context
    from ccfpy.kv.changes import WriteSet


class NamedMap(Protocol):
    """A map of an application's, of any kind."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


class Following(NamedTuple):
    """What a stream wants to be told of.

    Attributes:
        maps: the names of the maps; none to be told of nothing more.
        after: the last transaction that the stream knows; ``None`` for the last one
            that is committed now.
    """

    maps: frozenset[str]
    after: Seqno | None


@dataclass(slots=True)
class StepOutput:
    """What one step wants done once it has succeeded."""

    sent: list[bytes] = field(default_factory=list)
    following: Following | None = None
    has_paused: bool = False
    has_finished: bool = False
    trailers: dict[str, str] | None = None


class Stream:
    """One stream of an application, which a subclass describes.

    An object is made without arguments for each request, or for each session of a
    protocol, and lives as long as its stream. Each method is a step: it is given a
    context as any handler is, with a transaction of its own, and the caller is
    authenticated anew. An ``ApiError`` ends the stream; in ``on_open`` it is the answer
    to the request.

    Attributes:
        headers: of the answer; a protocol has none.
    """

    headers: Mapping[str, str] = {"content-type": "application/grpc"}
    _output: StepOutput | None = None

    def on_open(self, ctx: "Context") -> None:
        """Begin: the request has come, and nothing of its body, or TLS is set up."""

    def on_data(self, ctx: "Context", data: bytes) -> None:
        """Take what the client has sent: some bytes, cut anywhere."""

    def on_end(self, ctx: "Context") -> None:
        """Note that the client sends no more; the stream finishes if not overridden."""
        del ctx
        self.finish()

    def on_commit(self, ctx: "Context", tx_id: TxId, writes: "WriteSet") -> None:
        """Take a committed transaction that wrote to a map that the stream follows.

        Args:
            ctx: of the step; its transaction reads the latest state.
            tx_id: of the committed transaction.
            writes: what it changed in these maps: keys and values in bytes, and
                ``None`` for the value of a removed key.
        """

    def on_drained(self, ctx: "Context") -> None:
        """Send on after `pause`: the client has taken what was sent."""

    def send(self, data: bytes) -> None:
        """Send bytes to the client, behind those that were sent before."""
        if type(data) is not bytes:
            raise Unwritable(f"a stream sends bytes, not {type(data).__name__}")
        self._step().sent.append(data)

    def finish(self, trailers: dict[str, str] | None = None) -> None:
        """End the stream behind what was sent.

        Args:
            trailers: sent at the end; if not given, ``grpc-status`` 0 where the
                answer is of gRPC. A protocol has none.
        """
        output = self._step()
        output.has_finished = True
        if trailers is None and grpc.is_kind(self.headers.get("content-type", "")):
            trailers = {grpc.STATUS: "0"}
        if trailers is not None:
            check_trailers(trailers)
        output.trailers = trailers

    def pause(self) -> None:
        """Wait until the client has taken what was sent.

        The next step is ``on_drained``. Until then the client's data and what is
        committed wait outside: neither fills memory. A stream that has much to send
        sends some of it in each step, and pauses.
        """
        self._step().has_paused = True

    def follow(self, *maps: NamedMap, after: Seqno | None = None) -> None:
        """Call ``on_commit`` with each committed transaction that writes to a map.

        Each is told once, in their order, on a backup too. Following replaces what was
        followed before; without a map nothing is followed.

        Args:
            maps: of which changes are told.
            after: the last transaction that is known; not given, what is committed
                later than now is told.
        """
        names = frozenset(each.name for each in maps)
        self._step().following = Following(names, after)

    def _step(self) -> StepOutput:
        output = self._output
        if output is None:
            raise RuntimeError("a stream acts only while one of its methods is called")
        if output.has_finished:
            raise RuntimeError("a stream that has finished does nothing more")
        return output


@dataclass(frozen=True, slots=True)
class StreamOwner:
    """Whose a stream is, as far as its place and its unread bytes are concerned.

    Attributes:
        names: of a caller whom a policy has named (`names_of`).
        place: where a stranger's connection comes from; empty for all others.
    """

    names: tuple[str, ...] = ()
    place: str = ""

    @property
    def is_stranger(self) -> bool:
        """Whether no policy has named the caller."""
        return not self.names


class StreamWork(NamedTuple):
    """What has happened on a stream since its last step.

    Attributes:
        data: the client's next bytes.
        is_end: the client sends no more.
        news: what is committed.
        is_drained: the client has taken what was sent before a pause.
        has_gone: the client has gone. This step is the last, whatever it pauses.
    """

    data: bytes = b""
    is_end: bool = False
    news: "Sequence[tuple[TxId, WriteSet]]" = ()
    is_drained: bool = False
    has_gone: bool = False


class OpenStream:
    """A stream that has been opened, and the steps by which it goes on.

    Attributes:
        request: the one that opened the stream, without a body.
        output: what the last step wants done.
        owner: whose the stream is.
    """

    def __init__(self, stream: Stream, context: "Context") -> None:
        self._stream = stream
        self._work = StreamWork()
        self.output = StepOutput()
        self._endpoint = context.endpoint
        self._params = context.params
        asked = context.request
        self.request = Request(
            method=asked.method,
            path=asked.path,
            query=asked.query,
            headers={k: v for k, v in asked.headers.items() if k != WAIT_HEADER},
            version=asked.version,
        )
        connection = context.session
        names = names_of(context.caller)
        place = "" if names else place_of(connection.origin)
        self.owner = StreamOwner(names, place)
        self._session = Session(
            id=connection.id,
            interface=connection.interface,
            caller=connection.caller,
            origin=connection.origin,
        )

    @property
    def match(self) -> Match:
        """Return the endpoint as which the next step is executed.

        It knows this object, so it is made for each step: what a session held would
        otherwise be kept until the collector came by.
        """
        endpoint = replace(
            self._endpoint, handler=self._run, on_local_commit=None, is_live=False
        )
        return Match(
            endpoint=endpoint, params=self._params, full_path=self._endpoint.path
        )

    @property
    def session(self) -> Session:
        """Return the session of the next step.

        A step promises nothing of what earlier steps and answers read, so no view binds
        it.
        """
        self._session.active_view = None
        return self._session

    def expect(self, work: StreamWork) -> None:
        """Set what the next step is about, behind what a pause has left."""
        left = self._work
        if left.data or left.is_end or left.news:
            work = StreamWork(
                left.data + work.data,
                left.is_end or work.is_end,
                [*left.news, *work.news],
                work.is_drained,
                work.has_gone,
            )
        self._work = work

    def open(self, context: "Context") -> Response:
        """Run the first step, and return the beginning of the answer."""
        stream = self._stream
        self.output = stream._output = StepOutput()  # noqa: SLF001 - its other half
        try:
            stream.on_open(context)
        finally:
            stream._output = None  # noqa: SLF001
        _check_is_not_answered(context)
        response = Response(status=200, headers={**stream.headers}, stream=self)
        check_answer(response)
        return response

    def _run(self, context: "Context") -> Response:
        stream = self._stream
        self.output = stream._output = StepOutput()  # noqa: SLF001
        try:
            self._tell(context)
        finally:
            stream._output = None  # noqa: SLF001
        _check_is_not_answered(context)
        return Response(status=200)

    def _tell(self, context: "Context") -> None:
        """Call the stream's methods for what has happened, up to a pause."""
        stream, work, output = self._stream, self._work, self.output
        data, is_end, news = work.data, work.is_end, deque(work.news)
        if work.is_drained:
            stream.on_drained(context)
        if data and self._listens:
            stream.on_data(context, data)
            data = b""
        if is_end and self._listens:
            stream.on_end(context)
            is_end = False
        while news and self._listens:
            tx_id, writes = news.popleft()
            stream.on_commit(context, tx_id, writes)
        if output.following is not None:
            news.clear()  # it is told anew from where it said
        self._work = StreamWork(data, is_end, news)

    @property
    def _listens(self) -> bool:
        output = self.output
        if output.has_finished:
            return False
        return self._work.has_gone or not output.has_paused


def opening(kind: type[Stream]) -> Handler:
    """Return the handler of an endpoint that answers by a stream."""

    def open_stream(context: "Context") -> Response:
        if context.request.version != VERSION:
            raise ApiError(
                501, ErrorCode.NotImplemented, "This endpoint answers by HTTP/2 alone."
            )
        return _open(kind, context)

    return open_stream


def beginning(kind: type[Stream]) -> Handler:
    """Return the handler by which a session of a protocol begins."""

    def begin_session(context: "Context") -> Response:
        return _open(kind, context)

    return begin_session


def _open(kind: type[Stream], context: "Context") -> Response:
    if context.endpoint.mode is Mode.READ_WRITE and not context.node.is_primary:
        raise unavailable(
            ErrorCode.NodeCannotHandleRequest,
            "A stream that writes is served by the primary alone.",
        )
    stream: Any = kind()
    return OpenStream(stream, context).open(context)


def names_of(caller: "Identity | None") -> tuple[str, ...]:
    """Return the names of a caller: none where no policy has named it.

    Anybody can have a certificate that nobody vouches for, and many of them.
    """
    if isinstance(caller, CallerOfAll):
        parts = map(names_of, caller.identities.values())
        return tuple(chain.from_iterable(parts))
    names: tuple[str, ...] | None = None
    match caller:
        case UserCertCaller():
            names = (caller.user_id,)
        case MemberCertCaller():
            names = (caller.member_id,)
        case NodeCertCaller():
            names = (caller.node_id,)
        case JwtCaller():
            names = (caller.key_issuer, str(caller.payload.get("sub")))
        case AppCaller():
            names = (caller.id,)
        case _:
            pass
    return () if caller is None or names is None else (caller.policy, *names)


def _check_is_not_answered(context: "Context") -> None:
    if context.answer_at_commit is not None:
        raise Unwritable("a stream has no answer at commit: it follows what it wrote")
