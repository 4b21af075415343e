"""How long an honest client waits beside hostile clients, over real sockets."""

import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from ccfpy.client.transport import trust_only
from tests.attacks import attack
from tests.e2e.running import DEADLINE_S, Running, running_node, wait_until

pytestmark = pytest.mark.alone

HOSTILE = 30
REQUESTS = 400
"""The load of each hostile client: 10 KiB, to be answered by documents of 60 KiB
each."""
PER_ADDRESS = 2 * HOSTILE + 5
ASKED = 100
WORST_S = 1.0
"""The longest wait of an honest client, on two processors that are otherwise idle."""
QUIET_TIMES = 50
"""On a crowded machine: this many times the longest wait without hostile clients."""

GREETERS = """
import socket, ssl, sys, threading
host, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def greet():
    for _ in range(5):
        try:
            plain = socket.create_connection((host, port), timeout=20)
            context.wrap_socket(plain).close()
        except OSError:
            pass
threads = [threading.Thread(target=greet) for _ in range(count)]
for thread in threads:
    thread.start()
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a node that accepts this many connections from one address."""
    workspace = tmp_path_factory.mktemp("fairness")
    interface = {"max_open_sessions_per_address": PER_ADDRESS}
    with running_node(workspace, interface={**interface}) as running:
        yield running


def place_of(node: Running) -> tuple[str, int]:
    place = urlsplit(node.url)
    assert place.hostname is not None
    assert place.port is not None
    return place.hostname, place.port


def connect(node: Running) -> ssl.SSLSocket:
    connection = socket.create_connection(place_of(node), timeout=DEADLINE_S)
    context = trust_only(node.certificate)
    return context.wrap_socket(connection, server_hostname="127.0.0.1")


def ask(connection: ssl.SSLSocket) -> float:
    """Ask once; return the seconds until the answer arrived."""
    began = time.monotonic()
    connection.sendall(b"GET /node/state HTTP/1.1\r\nhost: x\r\n\r\n")
    received = b""
    while not received.rstrip().endswith(b"}"):
        data = connection.recv(65536)
        assert data, "an honest client is not cut off"
        received += data
    assert received.startswith(b"HTTP/1.1 200 ")
    return time.monotonic() - began


@attack("fairness: thousands of requests at once")
@attack("fairness: a thousand handshakes at once")
@attack("fairness: answers that nobody reads")
def test_an_honest_client_is_answered_beside_hostile_ones(node: Running) -> None:
    host, port = place_of(node)
    with ExitStack() as stack:
        honest = stack.enter_context(connect(node))
        quiet = max(ask(honest) for _ in range(ASKED))
        hostile = [stack.enter_context(connect(node)) for _ in range(HOSTILE)]
        greeters = subprocess.Popen(
            [sys.executable, "-c", GREETERS, host, str(port), str(HOSTILE)]
        )
        stack.callback(greeters.wait, 60)
        for each in hostile:
            each.settimeout(0.05)
            with contextlib.suppress(
                OSError
            ):  # the node does not read from it any more
                each.sendall(b"GET /node/api HTTP/1.1\r\n\r\n" * REQUESTS)
        waits: list[float] = []
        while greeters.poll() is None or len(waits) < ASKED:
            waits.append(ask(honest))
        assert max(waits) <= max(WORST_S, QUIET_TIMES * quiet)


@attack("fairness: many connections from one address")
def test_connections_of_an_address_beyond_its_cap_are_closed(node: Running) -> None:
    def is_the_cap_met() -> bool:
        """Take all connections and one more; connections of earlier tests may still
        count, and then some of these are refused."""
        with ExitStack() as stack:
            taken = [
                stack.enter_context(socket.create_connection(place_of(node)))
                for _ in range(PER_ADDRESS)
            ]
            with contextlib.suppress(ConnectionResetError):
                refused = stack.enter_context(socket.create_connection(place_of(node)))
                refused.settimeout(DEADLINE_S)
                assert refused.recv(1) == b""
            return all(map(is_open, taken))

    wait_until(is_the_cap_met, what="as many connections as one address may have")
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), connect(node) as again:
            assert ask(again) >= 0
            return
    pytest.fail("closed connections still count")


def is_open(connection: socket.socket) -> bool:
    """Return whether a connection is not closed; connections are accepted in order."""
    connection.settimeout(0.01)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False
