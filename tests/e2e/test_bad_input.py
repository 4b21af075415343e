"""Whatever bytes a stranger sends, the node answers or closes, and continues."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from ccfpy.base.json import Json
from ccfpy.client.transport import trust_only
from ccfpy.local.configuration import INTERFACE
from tests.attacks import attack
from tests.e2e.running import DEADLINE_S, Running, running_node

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

SOFT, HARD = 4, 6
REQUEST = b"GET /node/state HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a node that allows few sessions and small requests."""
    interface: JsonObject = {
        "max_open_sessions_soft": SOFT,
        "max_open_sessions_hard": HARD,
        "http_configuration": {"max_body_size": "2KB", "max_header_size": "1KB"},
    }
    workspace = tmp_path_factory.mktemp("limits")
    with running_node(workspace, interface=interface) as running:
        yield running


def _plain(node: Running) -> socket.socket:
    place = urlsplit(node.url)
    assert place.hostname is not None
    connection = socket.create_connection((place.hostname, place.port or 0))
    connection.settimeout(DEADLINE_S)
    return connection


def _secure(node: Running) -> ssl.SSLSocket:
    context = trust_only(node.certificate)
    return context.wrap_socket(_plain(node), server_hostname="127.0.0.1")


def _to_the_end(connection: socket.socket) -> bytes:
    received = bytearray()
    try:
        while data := connection.recv(65536):
            received += data
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return bytes(received)


def _status(reply: bytes) -> int:
    match = re.match(rb"HTTP/1\.1 (\d{3})", reply)
    assert match is not None, reply
    return int(match[1])


def _answers(node: Running) -> bool:
    with _secure(node) as connection:
        connection.sendall(REQUEST)
        return _status(connection.recv(65536)) == 200


@attack("tls: bytes that are no TLS")
@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 64,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\xff\xff" + bytes(100),
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
    ],
)
def test_what_is_not_tls_is_closed(node: Running, data: bytes) -> None:
    with _plain(node) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert not _to_the_end(connection).startswith(b"HTTP")
    assert _answers(node)


@attack("http: bytes that are no HTTP")
@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"NOTAVERB ",
        b"POST / HTTP/42.42",
        b'{"json": true}\r\n\r\n',
        b"POST /node/\xff HTTP/2.0\r\n\r\n",
        bytes(range(200, 240)),
    ],
)
def test_what_is_not_http_is_told_so_without_waiting_for_more(
    node: Running, data: bytes
) -> None:
    with _secure(node) as connection:
        connection.sendall(data)
        reply = _to_the_end(connection)
    assert _status(reply) == 400
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"text/plain" in head
    assert body.startswith(b"Unable to parse data as a HTTP request. Error message is:")
    assert data in body
    assert _answers(node)


@attack("http: a body beyond the limit")
def test_a_body_beyond_the_limit_is_413(node: Running) -> None:
    head = b"POST /app/log/private HTTP/1.1\r\nhost: x\r\ncontent-length: 4096\r\n\r\n"
    with _secure(node) as connection:
        connection.sendall(head + bytes(4096))
        reply = _to_the_end(connection)
    assert _status(reply) == 413
    assert b"RequestBodyTooLarge" in reply
    assert _answers(node)


@attack("http: a header beyond the limit")
def test_a_header_beyond_the_limit_is_431(node: Running) -> None:
    head = b"GET /node/state HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 2048 + b"\r\n\r\n"
    with _secure(node) as connection:
        connection.sendall(head)
        reply = _to_the_end(connection)
    assert _status(reply) == 431
    assert b"RequestHeaderTooLarge" in reply
    assert _answers(node)


def test_requests_sent_in_one_go_are_answered_in_order(node: Running) -> None:
    paths = [b"/node/state", b"/no/such", b"/node/commit"]
    requests = b"".join(b"GET %s HTTP/1.1\r\nhost: x\r\n\r\n" % p for p in paths)
    with _secure(node) as connection:
        connection.sendall(requests)
        received = b""
        while received.count(b"HTTP/1.1 ") < 3 or not received.endswith(b"}"):
            received += connection.recv(65536)
    assert re.findall(rb"HTTP/1\.1 (\d{3})", received) == [b"200", b"404", b"200"]


@attack("http: more sessions than an interface takes")
def test_sessions_beyond_the_soft_cap_are_told_and_beyond_the_hard_cap_closed(
    node: Running,
) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(_secure(node)) for _ in range(HARD)]
        for _ in range(2):
            with pytest.raises((OSError, ssl.SSLError)), _secure(node):
                pass
        statuses = []
        for connection in held:
            connection.sendall(REQUEST)
            statuses.append(_status(connection.recv(65536)))
    assert statuses == [200] * SOFT + [503] * (HARD - SOFT)


def test_the_caps_are_lifted_when_sessions_end(node: Running) -> None:
    for _ in range(3 * HARD):
        with _secure(node) as connection:
            connection.sendall(REQUEST)
            assert _status(connection.recv(65536)) == 200


def _counts(node: Running) -> dict[str, Json]:
    with node.connect() as anybody:
        metrics = anybody.get("/node/metrics").object()
    sessions = metrics["sessions"]
    assert isinstance(sessions, dict)
    interfaces = sessions["interfaces"]
    assert isinstance(interfaces, dict)
    counts = interfaces[INTERFACE]
    assert isinstance(counts, dict)
    return counts


def test_errors_are_counted_by_interface(node: Running) -> None:
    before = _counts(node)
    with _secure(node) as connection:
        connection.sendall(b"\x01")
        _to_the_end(connection)
    after = _counts(node)
    assert (after["soft_cap"], after["hard_cap"]) == (SOFT, HARD)
    errors, earlier = after["errors"], before["errors"]
    assert isinstance(errors, dict)
    assert isinstance(earlier, dict)
    parsing = earlier["parsing"]
    assert isinstance(parsing, int)
    assert errors == earlier | {"parsing": parsing + 1}
