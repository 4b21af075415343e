"""Protocols of an application's own at a node: sessions, steps, bounds and ends."""

import gc
from collections.abc import Iterator

import pytest

from ccfpy.base import limits
from ccfpy.boundary.configuration import InterfaceAuthority
from ccfpy.boundary.effects import KeepSession, ReadMore
from ccfpy.boundary.events import SessionClosed, SessionData, SessionWritten, Woken
from ccfpy.node.sessions.app_protocol import AppProtocol
from ccfpy.node.sessions.connection import Stall
from ccfpy.testing.configuration import listener
from ccfpy.testing.node import ADDRESS, Client, InProcessNode, Person
from tests.attacks import attack
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.line_app import KEPT, LINES, WATCH, Watch, app, line_listener
from tests.unit.node.slow_node import SlowNode


def _node(kind: type[InProcessNode], members: tuple[Person, ...]) -> InProcessNode:
    return kind(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(
            listener(),
            line_listener(LINES),
            line_listener(WATCH, port=8003, authority=InterfaceAuthority.UNSECURED),
        ),
    )


@pytest.fixture
def node(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    """A node of an open service, with an interface for each protocol."""
    node = _node(InProcessNode, members)
    node.open_service(alice)
    return node


@pytest.fixture
def slow(members: tuple[Person, ...], alice: Person) -> Iterator[SlowNode]:
    node = _node(SlowNode, members)
    assert isinstance(node, SlowNode)
    node.open_service(alice)
    yield node
    node.slow.end()


class Watcher:
    """A client without TLS of the protocol that watches."""

    def __init__(self, node: InProcessNode, address: str = ADDRESS) -> None:
        self.node = node
        self.session = node.open_session(WATCH, address)

    @property
    def is_closed(self) -> bool:
        return self.session in self.node.host.closed

    def say(self, data: bytes) -> bytes:
        self.node.step(SessionData(session=self.session, data=data))
        return self.hear()

    def hear(self) -> bytes:
        return bytes(self.node.host.sent.pop(self.session, b""))


def kept(node: InProcessNode, name: str = "last") -> str | None:
    running = node.trusted.running
    assert running is not None
    return KEPT.of(running.begin(read_only=True)).get(name)


def commit(node: InProcessNode) -> None:
    """Sign what was written, and pass it to the sessions that follow."""
    for _ in range(3):
        node.advance(1000)


def hello(person: Person) -> bytes:
    return f"hello {person.id[:4]}\n".encode()


@pytest.fixture
def user(node: InProcessNode, alice: Person) -> Client:
    """A session of a user, who has been greeted."""
    user = node.connect(alice, interface=LINES)
    assert user.converse() == hello(alice)
    return user


def test_a_session_has_its_caller_keeps_its_state_and_writes(
    node: InProcessNode, user: Client, alice: Person
) -> None:
    other = node.connect(alice, interface=LINES)
    assert other.converse() == hello(alice), "before it has said anything"
    assert user.converse(b"one\ntw") == b"1 one\n"
    assert other.converse(b"keep tea\n") == b"kept\n"
    assert user.converse(b"o\nread\n") == b"2 two\ntea\n"
    assert kept(node) == "tea"
    assert not user.is_closed
    assert node.connect(alice).request("GET", "/app/commit").status == 200


def test_a_session_that_pauses_goes_on_before_it_takes_more(user: Client) -> None:
    assert user.converse(b"pause\n") == b"pause\non\n"
    assert user.converse(b"two\n") == b"2 two\n"


def test_a_session_ends_when_its_application_says_so(user: Client) -> None:
    assert user.converse(b"one\nbye\n") == b"1 one\nbye\n"
    assert user.is_closed


@pytest.mark.parametrize("line", [b"fail", b"refuse"])
def test_a_step_that_fails_ends_its_session_without_a_word(
    node: InProcessNode, user: Client, alice: Person, line: bytes
) -> None:
    other = node.connect(alice, interface=LINES)
    other.converse()
    assert user.converse(b"before\n") == b"1 before\n"
    assert user.converse(line + b"\n") == b""
    assert user.is_closed
    assert kept(node) is None
    assert other.converse(b"on\n") == b"1 on\n"
    logged = [each.message for each in node.host.logs if "PROTOCOL" in each.message]
    assert len(logged) == (0 if line == b"refuse" else 1), "a refusal is no defect"
    assert not any("private" in each for each in logged)


def test_who_ends_a_session_in_good_order_is_answered_till_the_end(
    node: InProcessNode, user: Client
) -> None:
    user.converse(b"one\ntwo\n")
    assert user.end() == b"after 2\n"
    assert user.is_closed
    assert kept(node, "ended") == "2"


def test_a_session_is_told_that_its_client_has_gone(
    node: InProcessNode, user: Client
) -> None:
    user.converse(b"one\n")
    user.close()
    assert kept(node, "ended") == "1"


def test_a_session_that_ended_itself_is_not_told_that_its_client_has_gone(
    node: InProcessNode, user: Client
) -> None:
    user.converse(b"bye\n")
    user.close()
    assert kept(node, "ended") is None


def test_what_was_said_last_is_heard_before_the_end(
    node: InProcessNode, user: Client
) -> None:
    node.step(
        SessionData(session=user.session, data=user.encrypt(b"one\n")),
        SessionData(session=user.session, data=user.encrypt(b"two\n")),
        SessionClosed(session=user.session),
    )
    assert kept(node, "ended") == "2"


@pytest.mark.parametrize("lines", [0, 1, limits.SESSION_TURN_BYTES_MAX // 2])
def test_a_session_that_has_paused_hears_what_was_said_last_and_the_end(
    node: InProcessNode, user: Client, lines: int
) -> None:
    node.reads_answers = False
    user.converse(b"flood %d\n" % limits.SESSION_UNREAD_BYTES_MAX)
    if lines:
        said = user.encrypt(lines * b"two\n")
        node.step(SessionData(session=user.session, data=said))
    assert kept(node, "ended") is None
    user.close()
    assert kept(node, "ended") == f"{1 + lines}"


def test_without_tls_a_session_begins_with_its_connection(node: InProcessNode) -> None:
    watcher = Watcher(node)
    assert not watcher.is_closed
    assert watcher.say(b"now") == b"follows\n"


def test_a_session_of_a_user_is_kept_and_a_strangers_is_not(
    node: InProcessNode, user: Client
) -> None:
    Watcher(node)
    user.converse(b"bye\n")
    kept = [each for each in node.host.effects if isinstance(each, KeepSession)]
    assert kept == [
        KeepSession(session=user.session, is_kept=is_kept) for is_kept in (True, False)
    ]


def test_strangers_have_no_session_where_users_have(
    node: InProcessNode, members: tuple[Person, ...]
) -> None:
    for person in (None, members[0]):
        stranger = node.connect(person, interface=LINES)
        assert stranger.is_closed
        assert stranger.converse() == b""


def test_who_may_not_call_any_more_is_served_no_more(
    node: InProcessNode, user: Client, alice: Person
) -> None:
    node.propose({"name": "remove_user", "args": {"user_id": alice.id}})
    assert user.converse(b"keep one\n") == b""
    assert user.is_closed
    assert kept(node) is None


def test_there_are_no_sessions_before_the_service_is_open(
    members: tuple[Person, ...],
) -> None:
    node = _node(InProcessNode, members)
    assert Watcher(node).is_closed


def test_a_session_is_told_what_is_committed(node: InProcessNode, user: Client) -> None:
    watcher = Watcher(node)
    assert watcher.say(b"now") == b"follows\n"
    user.converse(b"keep one\n")
    assert watcher.hear() == b"", "nothing is committed yet"
    commit(node)
    assert watcher.hear() == b"one\n"
    late = Watcher(node)
    heard = late.say(b"0")
    commit(node)
    assert heard + late.hear() == b"follows\none\n"
    assert watcher.say(b"stop") == b"follows\n"
    user.converse(b"keep fail\n")
    commit(node)
    assert watcher.hear() == b""
    assert (watcher.is_closed, late.is_closed) == (False, True)


def test_a_session_may_go_on_behind_the_end_of_what_its_client_says(
    members: tuple[Person, ...],
) -> None:
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), line_listener(WATCH)),
    )
    node.open_service()
    client = node.connect(interface=WATCH)
    assert client.converse(b"now") == b"follows\n"
    assert client.end() == b""
    assert not client.is_closed


@pytest.mark.parametrize("excess", [0, 1])
def test_a_session_for_which_a_node_has_no_strategy_left_ends(
    node: InProcessNode, monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    monkeypatch.setattr(limits, "STRATEGIES_MAX", 2 - excess)
    watchers = [Watcher(node) for _ in range(2)]
    for watcher in watchers:
        watcher.say(b"now")
    assert [each.is_closed for each in watchers] == [bool(excess)] * 2


# Bounds


@attack("http2: streams without end")
def test_sessions_are_bounded_as_streams_are(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_CALLER_MAX", 2)
    mine = [node.connect(alice, interface=LINES) for _ in range(3)]
    assert [each.is_closed for each in mine] == [False, False, True]
    others = [Watcher(node, f"10.0.0.{last}") for last in (1, 1, 2, 3)]
    assert [each.is_closed for each in others] == [False, True, False, True]
    mine[0].close()
    assert not node.connect(alice, interface=LINES).is_closed
    monkeypatch.setattr(limits, "STREAMS_PER_CALLER_MAX", 9)
    monkeypatch.setattr(limits, "STREAMS_MAX", 5)
    assert [Watcher(node).is_closed for _ in range(2)] == [False, True]


@attack("http2: streams without end")
def test_a_session_beyond_the_soft_cap_ends_after_its_handshake(
    members: tuple[Person, ...], alice: Person
) -> None:
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), line_listener(sessions_soft_max=1)),
    )
    node.open_service(alice)
    first, second = (node.connect(alice, interface=LINES) for _ in range(2))
    assert (first.is_closed, second.is_closed) == (False, True)
    running = node.trusted.running
    assert running is not None
    assert running.session_counts.interfaces[LINES].capped == 1


@pytest.mark.parametrize("excess", [0, 1])
def test_what_one_step_sends_is_bounded(node: InProcessNode, excess: int) -> None:
    node.propose(
        {"name": "set_python_runtime_options", "args": {"max_response_bytes": 1000}}
    )
    commit(node)
    watcher = Watcher(node)
    sent = watcher.say(b"large %d" % (1000 + excess))
    assert len(sent) == (0 if excess else 1000)
    assert watcher.is_closed is bool(excess)
    logged = [each.message for each in node.host.logs if "PROTOCOL" in each.message]
    assert len(logged) == excess


@attack("slow: an answer that is never read")
@pytest.mark.parametrize("excess", [0, 1])
def test_a_session_whose_client_leaves_too_much_unread_has_no_step(
    node: InProcessNode, excess: int
) -> None:
    node.reads_answers = False
    watcher = Watcher(node)
    unread = limits.SESSION_UNREAD_BYTES_MAX - 1 + excess
    assert len(watcher.say(b"large %d" % unread)) == unread
    assert watcher.say(b"now") == (b"" if excess else b"follows\n")
    node.step(SessionWritten(session=watcher.session, size=unread))
    assert watcher.hear() == (b"follows\n" if excess else b"")


@attack("slow: an answer that is never read")
@pytest.mark.parametrize("is_reading", [False, True])
def test_a_client_that_reads_nothing_is_disconnected(
    node: InProcessNode, is_reading: bool
) -> None:
    node.reads_answers = False
    watcher, other = Watcher(node), Watcher(node)
    watcher.say(b"large %d" % limits.SESSION_UNREAD_BYTES_MAX)
    for _ in range(limits.SESSION_UNFINISHED_MS_MAX // 1000 + 2):
        node.advance(1000)
        if is_reading:
            node.step(SessionWritten(session=watcher.session, size=1))
    assert watcher.is_closed is not is_reading
    assert not other.is_closed
    assert any(Stall.UNREAD in each.message for each in node.host.logs) is not (
        is_reading
    )


def test_nothing_more_is_taken_while_a_step_is_slow(
    slow: SlowNode, alice: Person
) -> None:
    user = slow.connect(alice, interface=LINES)
    user.converse()
    slow.slow.next_stops = 1
    assert user.converse(b"slowly a\n") == b""
    (call,) = slow.slow.away
    earlier = len(slow.host.effects)
    lines = b"x" * (limits.SESSION_GRANT_BYTES - 2) + b"\n"
    assert user.converse(lines) == b""
    assert user.converse(lines) == b""
    assert not any(isinstance(e, ReadMore) for e in slow.host.effects[earlier:])
    assert Watcher(slow).say(b"now") == b"follows\n", "others are served"
    slow.run_on(call)
    assert user.converse() == b"1 a\n2 " + lines + b"3 " + lines
    assert any(isinstance(e, ReadMore) for e in slow.host.effects[earlier:])


def test_what_was_sent_before_a_slow_step_is_not_held_back(
    slow: SlowNode, alice: Person
) -> None:
    user = slow.connect(alice, interface=LINES)
    slow.slow.next_stops = 1
    assert user.converse(b"slowly a\n") == hello(alice)
    slow.run_on(slow.slow.away[0])
    assert user.converse() == b"1 a\n"


def test_a_session_whose_first_step_is_slow_begins_when_that_ends(
    slow: SlowNode, alice: Person
) -> None:
    slow.slow.next_stops = 1
    user = slow.connect(alice, interface=LINES)
    assert user.converse(b"one\n") == b""
    slow.run_on(slow.slow.away[0])
    assert user.converse() == hello(alice) + b"1 one\n"


def test_who_says_no_more_during_a_slow_step_is_answered(
    slow: SlowNode, alice: Person
) -> None:
    user = slow.connect(alice, interface=LINES)
    user.converse()
    slow.slow.next_stops = 1
    assert user.converse(b"slowly a\n") == b""
    assert user.end() == b""
    assert not user.is_closed
    slow.run_on(slow.slow.away[0])
    assert user.converse() == b"1 a\nafter 1\n"
    assert user.is_closed


def test_a_step_that_does_not_come_back_ends_its_session(
    slow: SlowNode, alice: Person
) -> None:
    user = slow.connect(alice, interface=LINES)
    user.converse()
    slow.slow.next_stops = 1
    user.converse(b"slowly a\n")
    slow.give_up(slow.slow.away[0])
    assert user.converse() == b""
    assert user.is_closed


@attack("http2: streams without end")
def test_who_goes_during_a_slow_step_leaves_its_place(
    slow: SlowNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_CALLER_MAX", 1)
    user = slow.connect(alice, interface=LINES)
    user.converse()
    slow.slow.next_stops = 1
    user.converse(b"a\n")
    user.close()
    _has_room_beside_a_slow_step(slow, alice)


@attack("http2: streams without end")
def test_who_goes_before_a_slow_last_step_leaves_its_place(
    slow: SlowNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_CALLER_MAX", 1)
    user = slow.connect(alice, interface=LINES)
    user.converse()
    said = user.encrypt(b"x" * limits.SESSION_TURN_BYTES_MAX + b"\n")
    slow.trusted.step([SessionData(session=user.session, data=said)])
    slow.slow.next_stops = 1
    user.close()  # while the rest of what it said waits for a turn
    slow.step(Woken())
    _has_room_beside_a_slow_step(slow, alice)


def _has_room_beside_a_slow_step(slow: SlowNode, person: Person) -> None:
    (call,) = slow.slow.away
    assert slow.connect(person, interface=LINES).converse() == hello(person)
    slow.run_on(call)


def test_a_session_that_ended_leaves_nothing_to_the_collector(
    node: InProcessNode,
) -> None:
    gc.collect()
    gc.disable()
    try:
        before = _count()
        for _ in range(3):
            watcher = Watcher(node)
            watcher.say(b"now")
            node.step(SessionClosed(session=watcher.session))
        last = Watcher(node)
        node.step(SessionClosed(session=last.session))
        assert _count() == before
    finally:
        gc.enable()


def _count() -> int:
    return sum(isinstance(each, (AppProtocol, Watch)) for each in gc.get_objects())
