"""A client of a node in the test's own thread: real TLS and HTTP, and no socket."""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from ccfpy.base import json
from ccfpy.base.ids import SessionId
from ccfpy.base.json import Json
from ccfpy.base.limits import SESSION_WINDOW_BYTES
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event, SessionClosed, SessionData
from ccfpy.http.messages import Request, Response, serialise_request
from ccfpy.http.refusals import ParserLimits
from ccfpy.http.response_parser import ResponseParser
from ccfpy.http.tls import TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.testing.configuration import HOST, START_UNIX_US, Person
from ccfpy.testing.surroundings import Recorded

WAITS_MAX = 1000
"""How often time passes while one answer is awaited."""
_BOUNDS: Final = ParserLimits(body_bytes_max=sys.maxsize)
"""Of an answer: an app makes it as large as it likes."""


class Served(Protocol):
    """A node, as a client needs it.

    Attributes:
        host: what the node's host was given.
        now_ms: the node's time since its start.
    """

    host: Recorded
    now_ms: int

    def step(self, *events: Event) -> list[Effect]:
        """Pass events to the node."""
        ...

    def settle(self) -> None:
        """Wait until other nodes have done their part."""
        ...


class Client:
    """One TLS connection to an in-process node."""

    def __init__(
        self,
        node: Served,
        session: SessionId,
        person: Person | None,
        trusted_pem: str,
    ) -> None:
        self._node = node
        self.session = session
        context = ClientContext(
            trusted_pem=trusted_pem,
            host=HOST,
            now=datetime.fromtimestamp(START_UNIX_US / 1e6 + node.now_ms / 1e3, tz=UTC),
            certificate_pem=person.certificate.pem if person else None,
            key_pem=person.key.pem if person else None,
        )
        self._tls = TlsSession(context)
        self._parser = ResponseParser(_BOUNDS)
        self._came = self._exchange()

    @property
    def is_closed(self) -> bool:
        """Whether the node ended the connection."""
        return self.session in self._node.host.closed

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Json | bytes = None,
        headers: Mapping[str, str] | None = None,
        pass_time: Callable[[], None] | None = None,
    ) -> Response:
        """Send a request, and return the answer.

        Args:
            method: the verb.
            path: where to.
            body: bytes, or what is sent as JSON.
            headers: of the request.
            pass_time: called again and again while the answer waits for something.
        """
        content = b"" if body is None else body
        fields = dict(headers or {})
        if not isinstance(content, bytes):
            content = json.dumps(content)
            fields.setdefault("content-type", "application/json")
        target, _, query = path.partition("?")
        request = Request(
            method=method, path=target, query=query, headers=fields, body=content
        )
        parser = self._parser
        if method == "HEAD":
            parser = ResponseParser(_BOUNDS, is_to_head=True)
        responses = parser.feed(self.converse(serialise_request(request)))
        for _ in range(WAITS_MAX if pass_time else 0):
            if responses or pass_time is None:
                break
            pass_time()
            responses = parser.feed(self.converse())
        assert len(responses) == 1, responses
        return responses[0]

    def send(self, plaintext: bytes) -> list[Response]:
        """Send any bytes over TLS; return the answers that came."""
        return self._parser.feed(self.converse(plaintext))

    def receive(self) -> list[Response]:
        """Return the answers that came since the last call."""
        return self._parser.feed(self.converse())

    def converse(self, plaintext: bytes = b"") -> bytes:
        """Send any bytes over TLS; return the bytes that came, of any protocol."""
        self._tls.write(plaintext)
        came, self._came = self._came, b""
        return came + self._exchange()

    def end(self) -> bytes:
        """Say that nothing more comes; return the bytes that came until then."""
        self._tls.close()
        return self._exchange()

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt ``plaintext`` as the client would send it, without sending."""
        self._tls.write(plaintext)
        return self._tls.take_output()

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt a node's answer for the client."""
        return self._tls.feed(ciphertext)

    def close(self) -> None:
        """Close the connection."""
        self._node.step(SessionClosed(session=self.session))

    def _exchange(self) -> bytes:
        """Exchange bytes until neither side has more to send; return what came."""
        plaintext = b""
        while True:
            out = self._tls.take_output()
            # As the host does, which passes on no more at once.
            for start in range(0, len(out), SESSION_WINDOW_BYTES):
                piece = out[start : start + SESSION_WINDOW_BYTES]
                self._node.step(SessionData(session=self.session, data=piece))
            self._node.settle()
            received = self._node.host.sent.pop(self.session, bytearray())
            if not out and not received:
                return plaintext
            plaintext += self._tls.feed(bytes(received))
