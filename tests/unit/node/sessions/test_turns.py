"""Connections have their turns in order, and handshakes do not delay requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base import limits
from ccfpy.boundary.events import (
    SessionClosed,
    SessionData,
    SessionWritten,
    Tick,
    Woken,
)
from ccfpy.node.sessions.sessions import Turns
from ccfpy.testing.node import START_UNIX_US, InProcessNode, Person, listener
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION, NotesApp
from tests.unit.node.h2_session import H2Session, http2_listener
from tests.unit.node.watched import (
    GET,
    Newcomer,
    Watched,
    connection_of,
    hello,
    new_connection,
)

PUT = b'PUT /app/notes HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"a":"b"}'


@pytest.fixture
def watched(node: InProcessNode) -> Watched:
    return Watched(node)


def test_requests_of_a_step_are_shared_evenly_and_each_has_one(
    node: InProcessNode,
) -> None:
    assert node.trusted._booted is not None
    sessions = node.trusted._booted.sessions
    sessions.begin_step()
    assert sessions._share_of(limits.STEP_REQUESTS_MAX // 2) == 2
    assert sessions._share_of(1) == 1, "all of the step are given"
    sessions.begin_step()
    assert sessions._share_of(1) == limits.STEP_REQUESTS_MAX
    sessions.begin_step()
    assert sessions._share_of(limits.STEP_REQUESTS_MAX + 1) == 1


def test_requests_beyond_a_steps_share_are_answered_in_later_steps_in_order(
    watched: Watched,
) -> None:
    client = watched.node.connect()
    statuses = [200 if at % 3 and at % 5 else 404 for at in range(200)]
    paths = {200: b"state", 404: b"nonsense"}
    asked = b"".join(b"GET /node/%b HTTP/1.1\r\n\r\n" % paths[s] for s in statuses)
    watched.step(watched.say(client, asked))
    came = b""
    counts = []
    while True:
        part = client.decrypt(watched.sent.pop(client.session))
        counts.append(part.count(b"HTTP/1.1 "))
        came += part
        if not watched.is_to_wake:
            break
        watched.wake()
    assert [int(each[:3]) for each in came.split(b"HTTP/1.1 ")[1:]] == statuses
    assert max(counts) <= limits.STEP_REQUESTS_MAX
    assert len(counts) > 3


@pytest.mark.slow
@attack("fairness: thousands of requests at once")
def test_a_client_is_answered_in_the_step_after_thousands_of_requests_of_others(
    watched: Watched,
) -> None:
    node = watched.node
    hostile = [node.connect() for _ in range(30)]
    honest = node.connect()
    for client in hostile:
        watched.step(watched.say(client, GET * 400))
    watched.step(watched.say(honest, GET))
    before = watched.steps
    while not watched.sent.get(honest.session):
        watched.wake()
    assert watched.steps - before <= 1
    assert watched.is_to_wake, "the others' requests are not answered yet"
    assert watched.answers(honest) == 1
    watched.finish()
    # What was answered is all there, each client's at most what it may leave unread.
    for client in hostile:
        assert 0 < watched.answers(client) <= 400


@pytest.mark.newest
@attack("fairness: thousands of requests at once")
def test_a_step_answers_so_many_requests_and_no_more(watched: Watched) -> None:
    hostile = [watched.node.connect() for _ in range(30)]
    watched.step(*(watched.say(client, GET * 400) for client in hostile))
    for _ in range(20):
        for client in hostile:
            watched.answers(client)
        watched.wake()
        answered = [watched.answers(client) for client in hostile]
        assert sum(answered) <= limits.STEP_REQUESTS_MAX
        assert max(answered) - min(answered) == 0


@pytest.mark.slow
@attack("fairness: more connections than a step has turns")
def test_connections_beyond_a_steps_turns_have_theirs_in_the_next(
    watched: Watched,
) -> None:
    count = 2 * limits.STEP_TURNS_MAX
    clients = [watched.node.connect() for _ in range(count)]
    watched.step(*(watched.say(client, GET) for client in clients))
    answered = [watched.answers(client) for client in clients]
    assert sum(answered) == limits.STEP_TURNS_MAX
    watched.wake()
    assert not watched.is_to_wake
    again = [watched.answers(client) for client in clients]
    assert [a + b for a, b in zip(answered, again, strict=True)] == [1] * count


@attack("fairness: answers that nobody reads")
def test_a_connection_whose_answers_are_not_read_is_not_served_until_they_are(
    watched: Watched,
) -> None:
    client, honest = watched.node.connect(), watched.node.connect()
    watched.step(watched.say(client, GET * 10_000))
    watched.finish()
    sent = len(watched.sent[client.session])
    assert sent >= limits.SESSION_UNREAD_BYTES_MAX
    assert (
        sent < limits.SESSION_UNREAD_BYTES_MAX + limits.STEP_REQUESTS_MAX * limits.KIB
    )
    first = watched.answers(client)
    assert watched.step(watched.say(client, GET)) == []
    assert watched.step() == []
    watched.step(watched.say(honest, GET))
    assert watched.answers(honest) == 1
    unread = connection_of(watched, client.session).unread_bytes
    size = unread - limits.SESSION_UNREAD_BYTES_MAX
    assert watched.step(SessionWritten(session=client.session, size=size)) == []
    watched.step(SessionWritten(session=client.session, size=1))
    again = watched.answers(client)
    assert again > 0
    first += again
    while first < 10_001 and (watched.is_to_wake or watched.sent):
        watched.finish()
        size = len(watched.sent.get(client.session, b""))
        first += watched.answers(client)
        watched.step(SessionWritten(session=client.session, size=size or 1))
    assert not watched.closed


@attack("fairness: answers that nobody reads")
def test_who_does_not_read_is_ended_after_a_while_and_the_log_says_for_what(
    watched: Watched,
) -> None:
    hostile, honest = watched.node.connect(), watched.node.connect()
    watched.step(watched.say(hostile, GET * 10_000))
    watched.finish()
    elapsed_ms = 0
    while not watched.closed and elapsed_ms < 2 * limits.SESSION_UNFINISHED_MS_MAX:
        elapsed_ms += 1000
        now_ms = watched.node.now_ms + elapsed_ms
        watched.step(
            Tick(monotonic_ms=now_ms, unix_us=START_UNIX_US + 1000 * now_ms),
            watched.say(honest, GET),
        )
    assert watched.closed == {hostile.session}
    assert elapsed_ms >= limits.SESSION_UNFINISHED_MS_MAX
    (line,) = (each for each in watched.logs if "Closing session" in each)
    assert "has read none of its answers" in line
    assert f"session {hostile.session}," in line


def test_who_reads_slowly_is_waited_for(watched: Watched) -> None:
    slow = watched.node.connect()
    watched.step(watched.say(slow, GET * 10_000))
    watched.finish()
    for second in range(1, 3 * limits.SESSION_UNFINISHED_MS_MAX // 1000):
        now_ms = watched.node.now_ms + 1000 * second
        watched.step(
            SessionWritten(session=slow.session, size=1),
            Tick(monotonic_ms=now_ms, unix_us=START_UNIX_US + 1000 * now_ms),
        )
        watched.finish()
    assert not watched.closed


def test_who_waits_for_its_turn_is_not_blamed(watched: Watched) -> None:
    """A handshake that the node has no time for is not the client's to end."""
    waiting = [hello(watched.node) for _ in range(limits.STEP_HANDSHAKES_MAX + 1)]
    watched.step(*waiting)
    (late,) = {each.session for each in waiting} - watched.sent.keys()
    for _ in range(2 * limits.SESSION_UNFINISHED_MS_MAX // 1000):
        assert connection_of(watched, late).stall(1000) is None


def test_the_host_is_told_what_a_node_has_come_to(watched: Watched) -> None:
    client = watched.node.connect()
    said = watched.say(client, GET * 600)
    assert limits.SESSION_GRANT_BYTES < len(said.data) < limits.SESSION_TURN_BYTES_MAX
    watched.step(said)
    assert watched.granted.get(client.session, 0) >= len(said.data)


def test_bytes_beyond_one_turn_are_come_to_in_the_next(watched: Watched) -> None:
    client = watched.node.connect()
    body = b'{"a":"%b"}' % (b"x" * (3 * limits.SESSION_TURN_BYTES_MAX))
    asked = b"PUT /app/notes HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    watched.step(watched.say(client, asked))
    assert watched.answers(client) == 0
    steps = watched.steps
    watched.finish()
    assert watched.answers(client) == 1
    assert watched.steps - steps >= 2


def test_nobody_is_woken_for_what_a_step_has_time_for(watched: Watched) -> None:
    clients = [watched.node.connect() for _ in range(3)]
    watched.step(*(watched.say(client, GET) for client in clients))
    assert not watched.is_to_wake


@pytest.mark.slow
def test_a_request_that_waited_is_done_though_its_client_left(
    watched: Watched,
) -> None:
    clients = [watched.node.connect() for _ in range(limits.STEP_TURNS_MAX + 1)]
    last = clients[-1]
    watched.step(
        *(watched.say(client, GET) for client in clients[:-1]), watched.say(last, PUT)
    )
    assert watched.answers(last) == 0
    watched.step(SessionClosed(session=last.session))
    assert watched.answers(last) == 0
    watched.finish()
    assert b"b" in watched.node.request("GET", "/app/notes?name=a").body


def test_all_is_answered_to_a_client_that_says_goodbye_behind_its_requests(
    watched: Watched,
) -> None:
    client = watched.node.connect()
    asked = client.encrypt(GET * (3 * limits.STEP_REQUESTS_MAX))
    client._tls.close()
    asked += client._tls.take_output()
    watched.step(SessionData(session=client.session, data=asked))
    assert client.session not in watched.closed
    watched.finish()
    assert watched.answers(client) == 3 * limits.STEP_REQUESTS_MAX
    assert client.session in watched.closed


@attack("fairness: many streams at once")
def test_streams_of_one_connection_are_answered_in_turns_too(
    members: tuple[Person, ...],
) -> None:
    node = InProcessNode(
        NotesApp(),
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service()
    watched = Watched(node)
    hostile, other, honest = H2Session(node), H2Session(node), H2Session(node)
    for each in (hostile, other, honest):
        each.exchange()
    streams = {
        each: [each.h2.ask("GET", "/node/state") for _ in range(90)]
        for each in (hostile, other)
    }

    def said(each: H2Session) -> SessionData:
        return watched.say(each._client, each.h2.take())

    def hear(each: H2Session) -> None:
        came = watched.sent.pop(each.session, b"")
        each.h2.receive(each._client.decrypt(came))

    watched.step(said(hostile), said(other))
    asked = honest.h2.ask("GET", "/node/state")
    watched.step(said(honest))
    hear(honest)
    assert honest.h2.answers[asked].status == 200
    assert watched.is_to_wake
    watched.finish()
    for each, asked_of in streams.items():
        hear(each)
        assert [each.h2.answers[stream].status for stream in asked_of] == [200] * 90


@attack("fairness: a thousand handshakes at once")
def test_a_step_shakes_so_many_hands_and_answers_who_is_ready(
    watched: Watched,
) -> None:
    honest = watched.node.connect()
    hellos = [hello(watched.node) for _ in range(5 * limits.STEP_HANDSHAKES_MAX)]
    watched.step(*hellos, watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == limits.STEP_HANDSHAKES_MAX
    for turn in range(2, 6):
        watched.step(Woken(), watched.say(honest, GET))
        assert watched.answers(honest) == 1
        assert len(watched.sent) == turn * limits.STEP_HANDSHAKES_MAX
    assert all(watched.sent[each.session] for each in hellos)


@attack("fairness: a thousand handshakes at once")
def test_no_hand_is_shaken_before_the_node_has_heard_what_the_host_had_to_say(
    watched: Watched,
) -> None:
    honest = watched.node.connect()
    hellos = [hello(watched.node) for _ in range(3 * limits.STEP_HANDSHAKES_MAX)]
    most = limits.STEP_HANDSHAKES_MAX
    watched.step(*hellos[: 2 * most])
    assert len(watched.sent) == most
    # The host asked for nothing yet: this is what it had to say before.
    watched.step(*hellos[2 * most :], watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == most
    watched.step(watched.say(honest, GET))
    assert watched.answers(honest) == 1
    assert len(watched.sent) == most
    watched.wake()
    assert len(watched.sent) == 2 * most
    watched.finish()
    assert len(watched.sent) == 3 * most


@attack("fairness: a thousand handshakes at once")
def test_the_first_of_many_clients_is_served_before_the_hello_of_the_last(
    watched: Watched,
) -> None:
    count = 8 * limits.STEP_HANDSHAKES_MAX
    clients = [Newcomer(watched.node) for _ in range(count)]
    watched.step(*(client.said() for client in clients))
    served: dict[int, int] = {}
    while len(served) < count:
        for at, client in enumerate(clients):
            if event := client.reply(watched.sent.pop(client.session, b"")):
                watched.step(event)
            if client.is_served:
                served.setdefault(at, watched.steps)
        if watched.is_to_wake:
            watched.wake()
    assert list(served) == list(range(count)), "in the order of their hellos"
    begun = limits.STEP_HANDSHAKES_MAX // 2
    assert served[begun] < served[count - 1] / 2


@attack("fairness: handshakes that go on and on")
def test_clients_whose_handshakes_go_on_and_on_leave_half_the_turns_to_others(
    watched: Watched,
) -> None:
    hostile = [hello(watched.node) for _ in range(4 * limits.STEP_HANDSHAKES_MAX)]
    said = {event.session: iter(event.data) for event in hostile}

    def dribble() -> list[SessionData]:
        return [
            SessionData(session=session, data=bytes([next(rest)]))
            for session, rest in said.items()
        ]

    watched.step(*dribble())
    watched.finish()
    honest = [hello(watched.node) for _ in range(limits.STEP_HANDSHAKES_MAX)]
    watched.step(*dribble(), *honest)
    for _ in range(2):
        watched.step(*dribble())
        watched.wake()
    assert watched.sent.keys() == {event.session for event in honest}


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 11)), st.booleans(), st.integers(0, 11)),
        max_size=30,
    )
)
def test_every_handshake_has_its_turn_after_at_most_those_that_waited(
    steps: list[tuple[set[int], bool, int]],
) -> None:
    """Clients say something, or end, in any order; the host answers now and then."""
    turns, interface = Turns(), listener()
    clients = [new_connection(interface, number) for number in range(12)]
    waited: dict[int, int] = {}

    def step(*, has_heard_all: bool) -> None:
        taken = turns.take(has_served=False, has_heard_all=has_heard_all)
        assert len(taken) <= (limits.STEP_HANDSHAKES_MAX if has_heard_all else 0)
        for client in taken:
            client.received += 1
            # As many of the other queue had turns as of those before it in its own.
            assert waited.pop(client.session.id) < 2 * len(clients)
        for session in waited:
            waited[session] += len(taken)

    for speaking, has_heard_all, ending in steps:
        for number in speaking:
            client = clients[number]
            if not client.has_ended:
                turns.put(client)
                waited.setdefault(client.session.id, 0)
        clients[ending].has_ended = True
        waited.pop(clients[ending].session.id, None)
        step(has_heard_all=has_heard_all)
    while turns.waiting:
        step(has_heard_all=True)
    assert not waited
