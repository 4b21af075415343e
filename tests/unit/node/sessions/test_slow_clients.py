"""Clients that read slowly, send slowly or never finish a request are bounded."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from h2.settings import SettingCodes

from ccfpy.base import limits
from ccfpy.base.ids import SessionId
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.events import SessionData
from ccfpy.http.http2_frames import PREFACE
from ccfpy.http.tls import TlsSession
from ccfpy.http.tls_calls import ClientContext
from ccfpy.node.sessions.connection import ReadTimeout
from ccfpy.testing.node import (
    HOST,
    START_UNIX_US,
    Client,
    InProcessNode,
    Person,
    listener,
)
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.h2_session import H2Session, http2_listener

PATIENCE_S = limits.SESSION_UNFINISHED_MS_MAX // 1000
SAID = "began what it has not ended"
HEAD = b"PUT /app/notes HTTP/1.1\r\n"


@pytest.fixture
def listening(members: tuple[Person, ...]) -> InProcessNode:
    """A node with an interface of each kind."""
    plain = listener("plain", port=8003, authority=InterfaceAuthority.UNSECURED)
    node = InProcessNode(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener(), plain),
    )
    node.open_service()
    return node


Drip = Iterator[tuple[SessionId, bytes]]
"""What a client says every second, and where; never all."""


def handshake(node: InProcessNode) -> Drip:
    """Say the first message of TLS a byte at a time."""
    session = node.open_session()
    now = datetime.fromtimestamp(START_UNIX_US / 1e6, tz=UTC)
    context = ClientContext(trusted_pem=node.service_certificate, host=HOST, now=now)
    for byte in TlsSession(context).take_output():
        yield session, bytes((byte,))


def silence(node: InProcessNode) -> Drip:
    """Say nothing at all."""
    session = node.open_session()
    while True:
        yield session, b""


def record(node: InProcessNode) -> Drip:
    """Say one record of TLS, which nobody can read before it is whole."""
    client = node.connect()
    for byte in client.encrypt(HEAD + b"a: " + b"x" * 10_000):
        yield client.session, bytes((byte,))


def head(node: InProcessNode) -> Drip:
    """Say a head that never ends, each line a record of its own."""
    client = node.connect()
    yield client.session, client.encrypt(HEAD)
    while True:
        yield client.session, client.encrypt(b"a: b\r\n")


def empty_lines(node: InProcessNode) -> Drip:
    """Say what may stand before a request, for ever."""
    client = node.connect()
    while True:
        yield client.session, client.encrypt(b"\r\n")


def body(node: InProcessNode) -> Drip:
    """Announce a body and say it a byte at a time."""
    client = node.connect()
    yield client.session, client.encrypt(HEAD + b"content-length: 9999\r\n\r\n")
    while True:
        yield client.session, client.encrypt(b"x")


def chunks(node: InProcessNode) -> Drip:
    """Say a body in chunks of one byte."""
    client = node.connect()
    yield client.session, client.encrypt(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    while True:
        yield client.session, client.encrypt(b"1\r\nx\r\n")


def body_in_the_clear(node: InProcessNode) -> Drip:
    """Do the same where there is no TLS."""
    session = node.open_session("plain")
    yield session, HEAD + b"content-length: 9999\r\n\r\n"
    while True:
        yield session, b"x"


def preface(node: InProcessNode) -> Drip:
    """Say what HTTP/2 begins with a byte at a time, at leisure."""
    client = node.connect(interface="http2")
    for byte in PREFACE:
        yield client.session, client.encrypt(bytes((byte,)))
        yield client.session, b""


def frame(node: InProcessNode) -> Drip:
    """Say one frame of HTTP/2 a byte at a time."""
    client = node.connect(interface="http2")
    yield client.session, client.encrypt(PREFACE + bytes(3) + b"\x04" + bytes(5))
    yield client.session, client.encrypt(b"\x00\x20\x00\x01\x04\x00\x00\x00\x01")
    while True:
        yield client.session, client.encrypt(b"\x00")


def headers_that_go_on(node: InProcessNode) -> Drip:
    """Say headers of HTTP/2 frame by frame, and never the last."""
    client = node.connect(interface="http2")
    yield client.session, client.encrypt(PREFACE + bytes(3) + b"\x04" + bytes(5))
    yield client.session, client.encrypt(b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82")
    while True:
        yield (
            client.session,
            client.encrypt(b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x84"),
        )


def stream(node: InProcessNode) -> Drip:
    """Say the body of a request of HTTP/2 a byte at a time."""
    client = H2Session(node)
    asked = client.h2.ask("PUT", "/app/notes", body=b"{", ends=False)
    client.exchange()
    while True:
        client.h2.h2.send_data(asked, b" ")
        client.exchange()
        yield client.session, b""


def window(node: InProcessNode) -> Drip:
    """Open no window for an answer of HTTP/2, and knock to be no idler."""
    client = H2Session(node, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
    client.ask("GET", "/node/network")
    while True:
        client.h2.h2.ping(b"not idle")
        client.exchange()
        yield client.session, b""


DRIPS = (
    handshake,
    silence,
    record,
    head,
    empty_lines,
    body,
    chunks,
    body_in_the_clear,
    preface,
    frame,
    headers_that_go_on,
    stream,
    window,
)


def seconds_until_closed(node: InProcessNode, drip: Drip, most: int) -> int | None:
    """Make a client drip; return how long it was listened to."""
    for second in range(most):
        session, data = next(drip)
        if session in node.host.closed:
            return second
        if data:
            node.step(SessionData(session=session, data=data))
        node.advance(1000)
    return None


@attack("slow: an answer that is never read", "window")
@attack("slow: a stream byte by byte", "stream")
@attack(
    "slow: an HTTP/2 preface, frame or headers byte by byte",
    "preface",
    "frame",
    "headers_that_go_on",
)
@attack("slow: a body in tiny chunks", "chunks")
@attack("slow: a body byte by byte", "body", "body_in_the_clear")
@attack("slow: empty lines for ever", "empty_lines")
@attack("slow: a head that goes on", "head")
@attack("slow: a record byte by byte", "record")
@attack("slow: a handshake byte by byte", "handshake")
@attack("slow: a connection without a handshake", "silence")
@pytest.mark.parametrize("make", DRIPS, ids=lambda make: make.__name__)
def test_a_client_that_drips_is_not_waited_for(
    listening: InProcessNode, make: Callable[[InProcessNode], Drip]
) -> None:
    node = listening
    waited = seconds_until_closed(node, make(node), PATIENCE_S + 10)
    assert waited is not None, "it may drip for ever"
    assert PATIENCE_S <= waited <= PATIENCE_S + 5, waited
    assert sum(SAID in log.message for log in node.host.logs) == 1
    assert node.request("GET", "/node/state").status == 200


def test_a_slow_but_honest_upload_is_taken(listening: InProcessNode) -> None:
    """It is as slow as may be, and takes far longer than a client that stalls has."""
    node, client = listening, listening.connect()
    text = b'{"a":"%b"}' % (b"x" * 200 * limits.KIB)
    node.step(
        SessionData(
            session=client.session,
            data=client.encrypt(HEAD + b"content-length: %d\r\n\r\n" % len(text)),
        )
    )
    rate = limits.SESSION_BYTES_PER_S_MIN
    for at in range(0, len(text), rate):
        assert not client.is_closed
        sent = client.encrypt(text[at : at + rate])
        node.step(SessionData(session=client.session, data=sent))
        node.advance(1000)
    (answer,) = client.receive()
    assert answer.status == 200


def test_a_client_that_asks_again_and_again_is_served_for_ever(
    listening: InProcessNode,
) -> None:
    """Each request is whole, and each begins in the delivery that ends another."""
    node, client = listening, listening.connect()
    asked = b"GET /node/state HTTP/1.1\r\n\r\n"
    client.send(asked[:5])
    for _ in range(3 * PATIENCE_S):
        assert [r.status for r in client.send(asked[5:] + asked[:5])] == [200]
        node.advance(1000)
    assert not client.is_closed


def test_a_client_that_waits_for_its_answer_is_not_to_blame(
    listening: InProcessNode,
) -> None:
    """Nor is one that has asked nothing yet: idlers are the host's business."""
    node = listening
    idle, spoken = node.connect(), H2Session(node)
    spoken.ask("GET", "/node/state")
    for _ in range(3 * PATIENCE_S):
        node.advance(1000)
    assert not idle.is_closed
    assert not spoken.is_closed


def test_time_in_which_the_node_itself_slept_does_not_count(
    listening: InProcessNode,
) -> None:
    node, client = listening, listening.connect()
    client.send(b"GET /node/state")
    node.advance(100 * limits.SESSION_UNFINISHED_MS_MAX)
    assert not client.is_closed
    (answer,) = client.send(b" HTTP/1.1\r\n\r\n")
    assert answer.status == 200


def test_a_connection_that_is_given_up_makes_room(members: tuple[Person, ...]) -> None:
    node = InProcessNode(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(sessions_soft_max=1, sessions_hard_max=1),),
    )
    slow = node.open_session()
    assert node.open_session() in node.host.closed
    for _ in range(PATIENCE_S + 2):
        node.advance(1000)
    assert slow in node.host.closed
    again = node.open_session()
    assert again not in node.host.closed


MOST_MS = limits.SESSION_UNFINISHED_MS_MAX


def begun(received: int = 0) -> ReadTimeout:
    patience = ReadTimeout()
    assert not patience.is_over(progress=1, received=received, elapsed_ms=0)
    return patience


def test_it_lasts_for_so_long_and_no_longer() -> None:
    assert not begun().is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)
    assert begun().is_over(progress=1, received=0, elapsed_ms=MOST_MS)


def test_looks_add_up() -> None:
    patience = begun()
    for _ in range(MOST_MS // 1000 - 1):
        assert not patience.is_over(progress=1, received=0, elapsed_ms=1000)
    assert patience.is_over(progress=1, received=0, elapsed_ms=1000)


def test_what_is_sent_meanwhile_prolongs_it_by_its_rate() -> None:
    sent = 10 * limits.SESSION_BYTES_PER_S_MIN
    for received, is_over in ((5 + sent, False), (5 + sent - 1, True)):
        patience = begun(received=5)
        over = patience.is_over(
            progress=1, received=received, elapsed_ms=MOST_MS + 10_000 - 1
        )
        assert over is is_over


def test_whatever_comes_whole_restores_it() -> None:
    for progress in (2, None):
        patience = begun()
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)
        assert not patience.is_over(progress=progress, received=0, elapsed_ms=MOST_MS)
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS)
        assert not patience.is_over(progress=1, received=0, elapsed_ms=MOST_MS - 1)


def test_who_has_begun_nothing_is_not_waited_for() -> None:
    patience = ReadTimeout()
    for _ in range(3):
        assert not patience.is_over(progress=None, received=0, elapsed_ms=MOST_MS)


LARGE_HEAD = b"PUT /app/notes HTTP/1.1\r\ncontent-length: 900000\r\n\r\n"
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
    say(node, client, LARGE_HEAD + bytes(size))
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
