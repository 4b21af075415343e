"""HTTP/1.1 on one connection: requests in the order they came, one at a time.

Each is answered before the next (``src/http/http_session.h``); while an answer is
awaited, what the client sends is held and neither parsed nor served.
"""

from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Response, serialise_response
from ccfpy.http.parser import RequestParser
from ccfpy.http.refusals import UnreadableRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.endpoints.awaited import Answer, Awaited
    from ccfpy.http.messages import Request
    from ccfpy.node.router import Router
    from ccfpy.node.sessions_client import Client


class OneByOne:
    """A conversation in HTTP/1.1."""

    __slots__ = (
        "_awaited",
        "_client",
        "_held",
        "_held_bytes",
        "_parser",
        "_unanswered",
        "_unreadable",
    )

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._parser = RequestParser(client.interface.limits)
        self._awaited: Awaited | None = None
        self._unanswered: Sequence[Request] = ()
        self._unreadable: UnreadableRequest | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0

    @property
    def is_midway(self) -> bool:
        """Whether a request has begun; none is looked for while one is answered."""
        return self._awaited is None and self._parser.is_midway

    @property
    def progress(self) -> int:
        """How many requests came whole."""
        return self._parser.read

    def abandon(self) -> None:
        """Learn that the client has gone."""
        self._parser.close()
        self._unreadable = None
        if self._awaited is not None:
            self._awaited.abandon()

    def go_on(self, router: "Router") -> tuple[bytes, bool]:
        """Send the awaited answer, which has come, and go on behind it."""
        awaited, failure = self._awaited, self._unreadable
        assert awaited is not None, "only a connection that waits goes on"
        requests, held = self._unanswered, b"".join(self._held)
        self._awaited, self._unreadable, self._unanswered = None, None, ()
        self._held.clear()
        self._held_bytes = 0
        reply, ends = self._answer_all(requests, failure, router, awaited.response)
        if ends or not held:
            return reply, ends
        more, ends = self.serve(held, router)
        return reply + more, ends

    def _hold(self, plaintext: bytes) -> tuple[bytes, bool]:
        self._held.append(plaintext)
        self._held_bytes += len(plaintext)
        return b"", self._held_bytes > limits.HELD_BYTES_MAX

    def serve(self, plaintext: bytes, router: "Router") -> tuple[bytes, bool]:
        """Take the client's next bytes; answer what they complete."""
        if self._awaited is not None:
            return self._hold(plaintext)
        try:
            requests = self._parser.feed(plaintext)
        except UnreadableRequest as error:
            # What it knows of frames, and they of it, would outlive the connection; so
            # would what was raised before it.
            error.with_traceback(None).__context__ = None
            return self._answer_all(error.completed, error, router)
        client = self._client
        if len(requests) != 1 or client.is_capped:
            return self._answer_all(requests, None, router)
        # As there, for what is most of it: one request, answered at once.
        request = requests[0]
        response = router.answer(request, client.session)
        if type(response) is not Response:
            return self._answer_all(requests, None, router, response)
        if not request.keep_alive:
            response.close = True
        return serialise_reply(response, request), response.close

    def _answer_all(
        self,
        requests: "Sequence[Request]",
        failure: UnreadableRequest | None,
        router: "Router",
        settled: "Answer | None" = None,
    ) -> tuple[bytes, bool]:
        """Answer requests in order, up to one whose response comes later.

        ``settled`` is the answer to the first, if it is known.
        """
        replies: list[bytes] = []
        reply_bytes = 0
        for position, request in enumerate(requests):
            response = settled or self._client.answer(request, router)
            settled = None
            if not isinstance(response, Response):
                if response.response is None:
                    self._wait(response, requests[position:], failure)
                    return b"".join(replies), False
                response = response.response
            if not request.keep_alive or reply_bytes > limits.REPLIES_BYTES_MAX:
                response.close = True
            reply = serialise_reply(response, request)
            replies.append(reply)
            reply_bytes += len(reply)
            if response.close:
                return b"".join(replies), True
        if failure is not None:
            self._client.interface.count_error(failure)
            replies.append(serialise_response(failure.response))
        return b"".join(replies), failure is not None

    def _wait(
        self,
        awaited: "Awaited",
        unanswered: "Sequence[Request]",
        failure: UnreadableRequest | None,
    ) -> None:
        self._awaited = awaited
        self._unanswered = unanswered
        self._unreadable = failure
        awaited.then(self._settled)

    def _settled(self, _: Response) -> None:
        self._client.on_settled(self._client)


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
    """Give the error that takes a response's place."""
    return ApiError(
        500, ErrorCode.InternalError, str(error), close=response.close
    ).response()
