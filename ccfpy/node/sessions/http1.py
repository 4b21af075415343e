"""HTTP/1.1 on one connection: requests in the order they came, one at a time.

Each is answered before the next (``src/http/http_session.h``). So many are answered in
one turn; what a turn leaves, parsed or not, waits for the next one. While an answer is
awaited nothing more is taken from the client.
"""

from typing import TYPE_CHECKING, Final

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Response, serialise_response
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import UnreadableRequest
from ccfpy.node.sessions.client import Conversation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.endpoints.awaited import Answer, Awaited
    from ccfpy.http.messages import Request
    from ccfpy.node.sessions.client import Client


class Http1Connection(Conversation):
    """A conversation in HTTP/1.1."""

    __slots__ = (
        "_awaited",
        "_client",
        "_has_left",
        "_held",
        "_parser",
        "_replies",
        "_response",
        "_unanswered",
        "_unreadable",
    )

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._parser = RequestParser(
            client.interface.limits, client.interface.header_cache
        )
        self._awaited: Awaited | None = None
        # The requests that came, what failed behind them, and the bytes that wait
        # behind both. During a turn the replies are those to the first of the requests.
        self._unanswered: Sequence[Request] = ()
        self._unreadable: UnreadableRequest | None = None
        self._held = b""
        self._has_left = False
        self._replies: list[bytes] = []
        self._response: Response | None = None

    @property
    def has_left(self) -> bool:
        """Whether an answer is awaited, or something waits for the next turn."""
        return self._has_left

    @property
    def is_midway(self) -> bool:
        """Whether a request has begun; none is looked for while one is answered."""
        return self._awaited is None and self._parser.is_midway

    @property
    def progress(self) -> int:
        """How many requests came whole."""
        return self._parser.read

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is awaited, and nothing served until it comes."""
        return self._awaited is not None

    @property
    def is_ready(self) -> bool:
        """Whether something waits for the next turn."""
        return self._has_left and self._awaited is None

    @property
    def unfinished_bytes(self) -> int:
        """Return about how many bytes are held of a request that has not ended."""
        return self._parser.unfinished_bytes

    def greet(self) -> None:
        """Do nothing: the client begins."""

    def hear_end(self) -> bool:
        """Return whether the connection ends, now that the client sends no more."""
        return not self.is_ready

    def hear_loss(self) -> bool:
        """Return whether a last turn is due, now that the client has gone: none is."""
        return False

    def turn_away(self, response: Response) -> bytes:
        """Return the answer to a request that is not waited for."""
        return serialise_response(response)

    def abandon(self) -> None:
        """Note that the client has gone."""
        self._parser.close()
        self._unreadable = None
        if self._awaited is not None:
            self._awaited.abandon()

    def hear(self, plaintext: bytes) -> None:
        """Parse the client's next bytes.

        Of many requests the first are parsed, and the bytes of the others wait: a
        request in memory takes many times its bytes, and parsing takes time too.
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
            # What it knows of frames, and they of it, would outlive the connection; so
            # would what was raised before it.
            error.with_traceback(None).__context__ = None
            self._unanswered, self._unreadable = error.completed, error

    def serve(self, share: int) -> bool:
        """Answer the requests that came whole."""
        requests, client = self._unanswered, self._client
        if (
            len(requests) != 1
            or not share
            or client.is_capped
            or self._held
            or self._unreadable is not None
        ):
            return self._answer_all(share)
        # As there, for what is most of it: one request, answered at once.
        request = requests[0]
        client.router.calls.underway.recipient = self
        response = client.router.answer(request, client.session)
        if type(response) is not Response or request.method == "HEAD":
            return self._answer_all(share, response)
        self._unanswered = ()
        if not request.keep_alive:
            response.close = True
        self._response = response
        return response.close

    def go_on(self, share: int) -> bool:
        """Send the awaited answer, if it has come, and serve what waits behind it."""
        awaited, self._awaited = self._awaited, None
        settled = None
        if awaited is not None:
            settled = awaited.response
            assert settled is not None, "only then does it go on"
        self._has_left = False
        if not self._unanswered and self._unreadable is None:
            held, self._held = self._held, b""
            self.hear(held)
        return self._answer_all(share, settled)

    def take_output(self) -> bytes:
        """Return the bytes of the responses."""
        response = self._response
        if response is not None:
            self._response = None
            return serialise_or_error(response)
        if not self._replies:
            return b""
        replies, self._replies = self._replies, []
        return b"".join(replies)

    def wait_for(self, awaited: "Awaited") -> None:
        """Take the answer that is under way later, from there."""
        self._wait_for(awaited, len(self._replies))

    def _wait_for(self, awaited: "Awaited", position: int) -> None:
        """Await the answer to the request at a position, and leave what is behind."""
        self._leave(position)
        self._awaited = awaited
        awaited.then(self._settled)

    def _leave(self, position: int) -> None:
        """Leave the requests from a position on for the next turn."""
        self._unanswered = self._unanswered[position:]
        self._has_left = True

    def _answer_all(self, share: int, settled: "Answer | None" = None) -> bool:
        """Answer requests in order, up to one whose response comes later.

        Those beyond the turn's share, or beyond the bytes that a client may leave
        unread, wait for the next turn. ``settled`` is the answer to the first request,
        if it is known.
        """
        ends = self._answer_each(share, settled)
        if ends:
            self._held = b""
        elif self._held:
            self._has_left = True
        return ends

    def _answer_each(self, share: int, settled: "Answer | None") -> bool:
        """Add replies; return whether the last of them ends the connection."""
        replies, failure = self._replies, self._unreadable
        reply_bytes = 0
        for position, request in enumerate(self._unanswered):
            if (
                position >= share or reply_bytes >= limits.SESSION_UNREAD_BYTES_MAX
            ) and settled is None:
                self._leave(position)
                return False
            if settled is None:
                self._client.router.calls.underway.recipient = self
                response = self._client.answer(request)
            else:
                response, settled = settled, None
            if not isinstance(response, Response):
                if response.response is None:
                    self._wait_for(response, position)
                    return False
                response = response.response
            if not request.keep_alive:
                response.close = True
            reply = serialise_reply(response, request)
            replies.append(reply)
            reply_bytes += len(reply)
            if response.close:
                self._unanswered, self._unreadable = (), None
                return True
        self._unanswered, self._unreadable = (), None
        if failure is not None:
            self._client.interface.count_error(failure)
            replies.append(serialise_response(failure.response))
        return failure is not None

    def _settled(self, _: Response) -> None:
        self._client.on_settled(self._client)


_VERSION: Final = b"HTTP/"
"""In the first line of each request: bytes have no more requests than that."""


def serialise_reply(response: Response, request: "Request") -> bytes:
    """Write a response; one to HEAD keeps its headers and loses its body."""
    try:
        data = serialise_response(response)
    except Malformed as error:
        response = unwritable(response, error)
        data = serialise_response(response)
    if request.method == "HEAD" and response.body:
        return data[: -len(response.body)]
    return data


def serialise_or_error(response: Response) -> bytes:
    """Write a response; one that an app made wrongly becomes an error in its place."""
    try:
        return serialise_response(response)
    except Malformed as error:
        return serialise_response(unwritable(response, error))


def unwritable(response: Response, error: Malformed) -> Response:
    """Return the error that takes a response's place."""
    return ApiError(
        500, ErrorCode.InternalError, str(error), close=response.close
    ).response()
