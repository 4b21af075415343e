"""Servers of certificates on this machine, and a host that relays to them for real."""

import select
import socket
import ssl
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ccfpy.base.ids import CallId
from ccfpy.base.ports import Platform
from ccfpy.boundary.effects import Effect, EndCall, OpenCall, SendCall
from ccfpy.boundary.events import CallData, CallEnded, CallOpened, Event
from ccfpy.crypto.certs import node_self_signed
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.testing.entropy import SeededEntropy
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.surroundings import Alone
from tests.unit.attestation.processor import FROM

DEADLINE_S = 20


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server says to one request; a status of 0 hangs up."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


FAILS = Answer(status=500)
HANGS_UP = Answer(status=0)


class CertificateServer(ThreadingHTTPServer):
    """Returns its answers in order, and the last one again and again."""

    daemon_threads = True

    def __init__(self, answers: Sequence[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._answers = deque(answers)
        self.requests: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def next_answer(self) -> Answer:
        if len(self._answers) > 1:
            return self._answers.popleft()
        return self._answers[0]

    def handle_error(self, *_: object) -> None:
        """Clients may go as they like."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, CertificateServer)
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.requests.append((self.path, headers))
        answer = server.next_answer()
        if answer.status == 0:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(*answers: Answer, tls: bool = True) -> Iterator[CertificateServer]:
    """Serve from a thread; by HTTPS under a certificate that nobody vouches for."""
    server = CertificateServer(answers)
    if tls:
        server.socket = _context().wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _context() -> ssl.SSLContext:
    entropy = SeededEntropy(5)
    key = KeyPair.generate(entropy, Curve.SECP256R1)
    certificate = node_self_signed(
        key,
        subject="CN=nobody",
        sans=(),
        not_before=FROM,
        validity_days=1,
        entropy=entropy,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_text(key.pem + certificate.pem)
        context.load_cert_chain(file)
    return context


class Relay(Alone):
    """A host that makes the connections that its node asks for."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._sockets: dict[CallId, socket.socket] = {}
        self._events: deque[Event] = deque()

    def take(self, node: object, effect: Effect) -> bool:
        del node
        match effect:
            case OpenCall():
                self._open(effect)
            case SendCall():
                self._sockets[effect.call].sendall(effect.data)
            case EndCall():
                ended = self._sockets.pop(effect.call, None)
                if ended is not None:
                    ended.close()
            case _:
                return False
        return True

    def carry(self, node: InProcessNode) -> None:
        """Relay until the node has no connection left."""
        while self._events or self._sockets:
            while self._events:
                node.step(self._events.popleft())
            if not self._sockets:
                continue
            calls = {s.fileno(): call for call, s in self._sockets.items()}
            ready, _, _ = select.select(list(calls), [], [], DEADLINE_S)
            assert ready, "a server does not answer"
            for descriptor in ready:
                self._read(calls[descriptor])

    def _open(self, effect: OpenCall) -> None:
        host, _, port = effect.address.rpartition(":")
        try:
            opened = socket.create_connection((host, int(port)), timeout=DEADLINE_S)
        except OSError as error:
            self._events.append(CallEnded(call=effect.call, reason=str(error)))
            return
        self._sockets[effect.call] = opened
        self._events.append(CallOpened(call=effect.call))

    def _read(self, call: CallId) -> None:
        try:
            data = self._sockets[call].recv(1 << 16)
        except OSError:
            data = b""
        if data:
            self._events.append(CallData(call=call, data=data))
            return
        self._sockets.pop(call).close()
        self._events.append(CallEnded(call=call))
