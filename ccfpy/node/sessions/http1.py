"""HTTP/1.1 on one connection: requests in order, one at a time.

Each request is answered before the next one (``src/http/http_session.h``). A turn
answers a bounded number of requests; the rest waits for the next turn, parsed or not.
While an answer is pending, the node reads nothing more from the client.
"""

from typing import TYPE_CHECKING, Final

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Response, serialise_response
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import UnreadableRequest
from ccfpy.node.sessions.client import Conversation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.endpoints.pending import Answer, Awaited
    from ccfpy.http.messages import Request
    from ccfpy.node.sessions.client import Client


class _Http1Call(AnsweredCall):
    """Answers one request of an HTTP/1.1 connection."""

    __slots__ = ("_conversation", "_request")

    def __init__(self, conversation: "Http1Connection", request: "Request") -> None:
        super().__init__()
        self._conversation = conversation
        self._request = request

    def answer(self) -> "Answer":
        """Answer the request."""
        client = self._conversation.client
        if client.is_capped:
            return client.refuse()
        return client.router.answer(self._request, client.session)

    def deliver(self, response: Response) -> None:
        """Send the response."""
        self._conversation.reply(self._request, response)

    def wait_for(self, awaited: "Awaited") -> bool:
        """Leave the requests behind this one until its answer is ready."""
        self._conversation.wait_for(self._request, awaited)
        return True


class Http1Connection(Conversation):
    """HTTP/1.1 on one connection.

    Attributes:
        client: the client that sends the requests.
    """

    __slots__ = (
        "_answered",
        "_awaited",
        "_has_left",
        "_held",
        "_parser",
        "_replies",
        "_reply_bytes",
        "_response",
        "_share",
        "_unanswered",
        "_unreadable",
        "client",
    )

    def __init__(self, client: "Client") -> None:
        super().__init__()
        self.client = client
        self._parser = RequestParser(
            client.interface.limits, client.interface.header_cache
        )
        self._awaited: Awaited | None = None
        # The parsed requests, the error behind them, and the bytes behind both; how
        # many of the requests this turn has answered, and how many more it may.
        self._unanswered: Sequence[Request] = ()
        self._answered = 0
        self._share = 0
        self._unreadable: UnreadableRequest | None = None
        self._held = b""
        self._has_left = False
        self._replies: list[bytes] = []
        self._reply_bytes = 0
        self._response: Response | None = None

    @property
    def has_left(self) -> bool:
        """Whether an answer is pending, or something waits for the next turn."""
        return self._has_left

    @property
    def is_midway(self) -> bool:
        """Whether a request is unfinished; false while an answer is pending."""
        return self._awaited is None and self._parser.is_midway

    @property
    def progress(self) -> int:
        """How many requests are complete."""
        return self._parser.read

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is pending; nothing is served until it is ready."""
        return self._awaited is not None

    @property
    def is_ready(self) -> bool:
        """Whether something waits for the next turn."""
        return self._has_left and self._awaited is None

    @property
    def unfinished_bytes(self) -> int:
        """About how many bytes of an unfinished request are held."""
        return self._parser.unfinished_bytes

    def greet(self) -> None:
        """Do nothing: the client speaks first."""

    def hear_end(self) -> bool:
        """Return whether the connection ends, now that the client sends no more."""
        return not self.is_ready

    def hear_loss(self) -> bool:
        """Return whether a last turn is due after the client has gone: never."""
        return False

    def turn_away(self, response: Response) -> bytes:
        """Return the answer that refuses an unfinished request."""
        return serialise_response(response)

    def abandon(self) -> None:
        """Note that the client has gone."""
        self._parser.close()
        self._unreadable = None
        if self._awaited is not None:
            self._awaited.abandon()

    def hear(self, plaintext: bytes) -> None:
        """Parse the client's next bytes.

        If there are many requests, only the first are parsed and the bytes of the
        others wait: a parsed request takes many times the memory of its bytes.
        """
        if (
            len(plaintext) > limits.SESSION_PARSE_BYTES_MAX
            and plaintext.count(_VERSION) > limits.SESSION_PARSE_REQUESTS_MAX
        ):
            self._held = plaintext[limits.SESSION_PARSE_BYTES_MAX :]
            plaintext = plaintext[: limits.SESSION_PARSE_BYTES_MAX]
        try:
            self._unanswered = self._parser.feed(plaintext)
        except UnreadableRequest as error:
            # Its traceback and context would form a cycle that outlives the connection.
            error.with_traceback(None).__context__ = None
            self._unanswered, self._unreadable = error.completed, error

    def begin(self, share: int) -> None:
        """Begin a turn."""
        self._share = share
        self._reply_bytes = 0

    def come_back(self) -> None:
        """Send the pending answer, if it is ready, and continue with the rest."""
        awaited, self._awaited = self._awaited, None
        self._has_left = False
        if not self._unanswered and self._unreadable is None:
            held, self._held = self._held, b""
            self.hear(held)
        if awaited is not None:
            assert awaited.response is not None, "only then does it go on"
            self._share -= 1
            self.reply(self._unanswered[0], awaited.response)

    def next_call(self) -> NodeCall | None:
        """Return the next request to answer, or end the turn.

        Requests beyond the turn's share, or beyond the bytes that a client may leave
        unread, wait for the next turn.
        """
        position = self._answered
        if (
            position >= len(self._unanswered)
            or self._share <= 0
            or self._awaited is not None
            or self.is_over
            or self._reply_bytes >= limits.SESSION_UNREAD_BYTES_MAX
        ):
            self._end_turn()
            return None
        self._share -= 1
        return _Http1Call(self, self._unanswered[position])

    def reply(self, request: "Request", response: Response) -> None:
        """Add a reply; replies have the order of their requests."""
        self._answered += 1
        if not request.keep_alive:
            response.close = True
        self.is_over = response.close
        if len(self._unanswered) == 1 and request.method != "HEAD":
            self._response = response  # the usual case: written at the turn's end
            return
        data = serialise_reply(response, request)
        self._replies.append(data)
        self._reply_bytes += len(data)

    def wait_for(self, request: "Request", awaited: "Awaited") -> None:
        """Wait for the answer to a request, or send it if it is ready."""
        if awaited.response is not None:
            self.reply(request, awaited.response)
            return
        self._awaited = awaited
        awaited.then(self._settled)

    def _end_turn(self) -> None:
        """Keep the unanswered requests, or end the connection after a last reply."""
        answered, self._answered = self._answered, 0
        failure = self._unreadable
        if not self.is_over:
            if answered < len(self._unanswered):
                self._unanswered = self._unanswered[answered:]
                self._has_left = True
                return
            if failure is None:
                self._unanswered = ()
                self._has_left = bool(self._held)
                return
            self.is_over = True
            self.client.interface.count_error(failure)
            self._replies.append(serialise_response(failure.response))
        self._unanswered, self._unreadable, self._held = (), None, b""

    def take_output(self) -> bytes:
        """Return the bytes of the responses."""
        response, replies = self._response, self._replies
        if response is not None:
            self._response = None
            data = serialise_or_error(response)
            if not replies:
                return data
            replies.insert(0, data)
        if not replies:
            return b""
        self._replies = []
        return b"".join(replies)

    def _settled(self, _: Response) -> None:
        self.client.on_settled(self.client)


_VERSION: Final = b"HTTP/"
"""Part of each request's first line; bytes hold at most as many requests."""


def serialise_reply(response: Response, request: "Request") -> bytes:
    """Serialise a response; a response to HEAD has headers and no body."""
    try:
        data = serialise_response(response)
    except Malformed as error:
        response = unwritable(response, error)
        data = serialise_response(response)
    if request.method == "HEAD" and response.body:
        return data[: -len(response.body)]
    return data


def serialise_or_error(response: Response) -> bytes:
    """Serialise a response, or an error if the application made it wrongly."""
    try:
        return serialise_response(response)
    except Malformed as error:
        return serialise_response(unwritable(response, error))


def unwritable(response: Response, error: Malformed) -> Response:
    """Return the error that replaces a response."""
    return ApiError(
        500, ErrorCode.InternalError, str(error), close=response.close
    ).response()
