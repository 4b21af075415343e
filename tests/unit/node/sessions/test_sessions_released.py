"""What a session held is let go of when it ends, without the collector's help.

Collections are rare in an enclave, and a client may come and go often.
"""

import gc
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from ccfpy.base.limits import HTTP_HEADER_BYTES_MAX
from ccfpy.boundary.events import SessionClosed
from ccfpy.testing.node import InProcessNode

GET_STATE = b"GET /node/state HTTP/1.1\r\n\r\n"
TIMES = 3


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def census() -> Counter[str]:
    """Count the objects that a node's sessions are made of."""
    kinds = (
        f"{kind.__module__}.{kind.__qualname__}" for kind in map(type, gc.get_objects())
    )
    homes = (
        *("ccfpy.node.sessions.sessions", "ccfpy.http.parser", "ccfpy.http.tls"),
        *("ccfpy.http.refusals.ParseFailure", "ccfpy.http.refusals.HeadersTooLarge"),
        *("OpenSSL.SSL.Connection", "ssl.", "_ssl."),
    )
    return Counter(kind for kind in kinds if kind.startswith(homes))


def come_and_be_told_off(node: InProcessNode) -> None:
    client = node.connect()
    client.send(b"no request\r\n\r\n")
    assert client.session in node.host.closed


def come_and_say_too_much(node: InProcessNode) -> None:
    client = node.connect()
    value = b"x" * (HTTP_HEADER_BYTES_MAX + 1)
    client.send(b"GET / HTTP/1.1\r\na: " + value + b"\r\n\r\n")
    assert client.session in node.host.closed


def come_and_be_lost(node: InProcessNode) -> None:
    client = node.connect()
    client.send(GET_STATE)
    node.step(SessionClosed(session=client.session))


def begin_a_handshake_and_be_lost(node: InProcessNode) -> None:
    session = node.open_session()
    node.step(SessionClosed(session=session))


@pytest.mark.slow
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "visit",
    [
        come_and_be_lost,
        come_and_be_told_off,
        come_and_say_too_much,
        begin_a_handshake_and_be_lost,
    ],
)
def test_a_session_that_ended_leaves_nothing_to_the_collector(
    node: InProcessNode, visit: Callable[[InProcessNode], None]
) -> None:
    visit(node)
    before = census()
    for _ in range(TIMES):
        visit(node)
    assert census() - before == Counter()
