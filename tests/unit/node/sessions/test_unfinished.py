"""Unfinished requests of all connections: a bound on their bytes together."""

from collections.abc import Callable

import pytest

from ccfpy.base import limits
from ccfpy.boundary.events import SessionData
from ccfpy.testing.node import Client, InProcessNode, Person, listener
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.h2_session import H2Session, http2_listener

HEAD = b"PUT /app/notes HTTP/1.1\r\ncontent-length: 900000\r\n\r\n"
BOUND = 300_000


@pytest.fixture
def bounded(
    members: tuple[Person, ...], monkeypatch: pytest.MonkeyPatch
) -> InProcessNode:
    monkeypatch.setattr(limits, "SESSIONS_UNFINISHED_BYTES_MAX", BOUND)
    node = InProcessNode(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service()
    return node


def say(node: InProcessNode, client: Client, plaintext: bytes) -> None:
    node.step(SessionData(session=client.session, data=client.encrypt(plaintext)))


def hold_body(node: InProcessNode, size: int) -> Client:
    client = node.connect()
    say(node, client, HEAD + bytes(size))
    return client


def hold_head(node: InProcessNode, size: int) -> Client:
    client = node.connect()
    lines = b"".join(
        b"x%d: %b\r\n" % (at, b"y" * 10_000) for at in range(size // 10_000)
    )
    say(node, client, b"GET / HTTP/1.1\r\n" + lines)
    return client


@attack("fairness: unfinished requests on many connections")
@pytest.mark.parametrize("hold", [hold_body, hold_head])
def test_beyond_the_bound_the_largest_unfinished_request_ends(
    bounded: InProcessNode, hold: Callable[[InProcessNode, int], Client]
) -> None:
    small = hold(bounded, 70_000)
    large = hold(bounded, 120_000)
    other = hold(bounded, 90_000)
    assert not bounded.host.closed & {small.session, large.session, other.session}
    last = hold(bounded, 80_000)
    assert large.session in bounded.host.closed
    assert not bounded.host.closed & {small.session, other.session, last.session}
    (answer,) = large.receive()
    assert answer.status == 503
    assert b"SessionCapExhausted" in answer.body
    assert answer.headers["retry-after"] == "1"
    (line,) = (e.message for e in bounded.host.logs if "unfinished" in e.message)
    assert f"Closing session {large.session}," in line


def test_requests_that_end_make_room(bounded: InProcessNode) -> None:
    body = b'{"a":"%b"}' % (b"x" * 100_000)
    asked = b"PUT /app/notes HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    clients = [bounded.connect() for _ in range(6)]
    for client in clients:
        assert [each.status for each in client.send(asked)] == [200]
    assert not any(client.is_closed for client in clients)


def test_clients_that_leave_make_room(bounded: InProcessNode) -> None:
    for _ in range(5):
        client = hold_body(bounded, 100_000)
        client.close()
    keeper = hold_body(bounded, 200_000)
    assert not keeper.is_closed


@attack("fairness: unfinished requests on many connections")
def test_streams_that_never_end_count_too(bounded: InProcessNode) -> None:
    small = hold_body(bounded, 100_000)
    session = H2Session(bounded)
    session.exchange()
    for _ in range(20):
        if not session.is_closed:
            session.h2.ask("PUT", "/app/notes", body=bytes(16_000), ends=False)
            session.exchange()
    assert session.is_closed
    assert not small.is_closed
