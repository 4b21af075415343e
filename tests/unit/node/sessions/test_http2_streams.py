"""Streams at a node: what an application is told, and what its clients receive."""

from typing import TYPE_CHECKING

import pytest
from h2.settings import SettingCodes

from ccfpy.app import GrpcMessages, grpc_message
from ccfpy.base import limits
from ccfpy.base.json import Json, JsonObject
from ccfpy.boundary.effects import KeepSession
from ccfpy.testing.configuration import listener
from ccfpy.testing.node import InProcessNode, Person
from tests.attacks import attack
from tests.unit.http.h2_client import Answer
from tests.unit.node.conftest import CONSTITUTION
from tests.unit.node.h2_session import H2Session, http2_listener
from tests.unit.node.streaming_app import ECHO, GRPC, KEEP, PUT, STEPS, WATCH, app

if TYPE_CHECKING:
    from collections.abc import Callable

NO_WINDOW = {SettingCodes.INITIAL_WINDOW_SIZE: 0}


@pytest.fixture
def node(members: tuple[Person, ...], alice: Person) -> InProcessNode:
    node = InProcessNode(
        app,
        constitution=CONSTITUTION,
        members=members,
        interfaces=(listener(), http2_listener()),
    )
    node.open_service(alice)
    return node


class Caller:
    """One stream of a client's.

    Attributes:
        answer: what came.
    """

    def __init__(
        self,
        client: H2Session,
        path: str,
        headers: list[tuple[str, str]] = GRPC,
        method: str = "POST",
    ) -> None:
        self.client = client
        self.stream = client.h2.ask(method, path, headers=headers, ends=False)
        client.exchange()
        self._read = 0

    @property
    def answer(self) -> Answer:
        return self.client.h2.answers.setdefault(self.stream, Answer())

    def say(self, *messages: bytes) -> list[str]:
        """Send messages; return those that came since."""
        self.ask(*messages)
        return self.hear()

    def ask(self, *messages: bytes) -> None:
        """Send messages."""
        for message in messages:
            self.client.h2.h2.send_data(self.stream, grpc_message(message))
        self.client.exchange()

    def end(self) -> None:
        self.client.h2.h2.end_stream(self.stream)
        self.client.exchange()

    def hear(self) -> list[str]:
        """Return the messages that came and were not returned before."""
        self.client.exchange()
        messages = GrpcMessages().feed(self.answer.body)
        messages, self._read = messages[self._read :], len(messages)
        return [message.decode() for message in messages]


def put(client: H2Session, text: str, name: str = "a", other: str = "") -> None:
    path = f"{PUT}?name={name}&other={other}"
    answer = client.ask("POST", path, headers=GRPC, body=text.encode())
    assert answer.status == 200


def commit(node: InProcessNode) -> None:
    """Sign what was written, and pass it to the streams that follow."""
    for _ in range(3):
        node.advance(1000)


def _object(value: Json) -> JsonObject:
    assert isinstance(value, dict)
    return value


def status_of(answer: Answer) -> str:
    assert answer.is_whole
    return answer.trailers.get("grpc-status") or answer.headers["grpc-status"]


@pytest.fixture
def user(node: InProcessNode, alice: Person) -> H2Session:
    return H2Session(node, alice)


def test_a_stream_answers_at_the_headers_and_each_message_as_it_comes(
    user: H2Session,
) -> None:
    echo = Caller(user, ECHO)
    assert echo.answer.status == 200
    assert "content-length" not in echo.answer.headers
    assert echo.hear() == ["hello"]
    assert echo.say(b"one", b"two") == ["one", "two"]
    assert echo.say(b"three") == ["three"]
    assert echo.answer.trailers == {}
    echo.end()
    assert echo.answer.is_whole
    assert echo.answer.trailers == {"grpc-status": "0"}


def test_a_stream_ends_with_the_trailers_that_the_application_says(
    user: H2Session,
) -> None:
    echo = Caller(user, ECHO)
    assert echo.say(b"last", b"bye", b"never heard") == ["hello", "last"]
    assert echo.answer.is_whole
    assert echo.answer.trailers == {"grpc-status": "0", "x-said": "bye"}
    assert user.ask("GET", "/node/state").status == 200


@pytest.mark.parametrize(
    ("message", "status"),
    [(b"fail", "13"), (b"refuse", "10"), (b"wrong", "13"), (b"too much", "13")],
)
def test_a_step_that_fails_ends_its_stream_and_nothing_else(
    user: H2Session, message: bytes, status: str
) -> None:
    failing, other = Caller(user, ECHO), Caller(user, ECHO)
    assert failing.say(b"before") == ["hello", "before"]
    assert failing.say(message) == []
    assert status_of(failing.answer) == status
    assert "private" not in failing.answer.trailers["grpc-message"]
    assert other.say(b"on") == ["hello", "on"]


def test_a_stream_that_is_refused_is_answered_as_any_request(
    node: InProcessNode, user: H2Session
) -> None:
    assert status_of(Caller(H2Session(node), ECHO).answer) == "16"
    refused = Caller(user, ECHO, [*GRPC, ("x-refuse", "1")])
    assert status_of(refused.answer) == "7"
    assert status_of(Caller(user, ECHO, [*GRPC, ("x-broken", "1")]).answer) == "13"
    plain = node.connect().request("POST", f"/app{WATCH}", body="")
    assert plain.status == 501
    assert b"This endpoint answers by HTTP/2 alone." in plain.body


def test_a_stream_is_told_what_is_committed_in_the_maps_it_follows(
    node: InProcessNode, user: H2Session
) -> None:
    watch = Caller(user, WATCH)
    assert watch.say(b"") == ["follows"]
    put(user, "one")
    assert watch.hear() == [], "nothing is committed yet"
    put(user, "elsewhere", other="yes")
    commit(node)
    (first,) = watch.hear()
    assert first.startswith("a=one@")
    put(user, "two")
    put(user, "three", name="b")
    commit(node)
    told = watch.hear()
    assert [each.partition("@")[0] for each in told] == ["a=two", "b=three"]
    assert watch.say(b"stop") == ["follows"]
    put(user, "four")
    commit(node)
    assert watch.hear() == []


def test_a_stream_is_told_what_was_committed_before_if_it_asks(
    node: InProcessNode, user: H2Session
) -> None:
    early = Caller(user, WATCH)
    early.say(b"")
    for text in ("one", "two", "three"):
        put(user, text)
        commit(node)
    told = early.hear()
    assert [each.partition("@")[0] for each in told] == ["a=one", "a=two", "a=three"]
    seqno = told[0].partition("@")[2]
    late = Caller(user, WATCH)
    heard = late.say(seqno.encode())
    commit(node)
    put(user, "four")
    commit(node)
    assert heard + late.hear() == ["follows", *told[1:], *early.hear()]


def test_a_stream_that_missed_little_need_not_wait_for_one_that_missed_much(
    node: InProcessNode, user: H2Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, notes, missed = 5, 40, 3
    monkeypatch.setattr(limits, "STREAM_TURN_ENTRIES", turn)
    monkeypatch.setattr(limits, "INDEX_ENTRIES_PER_STEP", turn)
    before = Caller(user, WATCH)
    before.say(b"")
    for number in range(notes):
        put(user, str(number))
    commit(node)
    seqnos = [each.partition("@")[2] for each in before.hear() if "@" in each]
    far, near = Caller(user, WATCH), Caller(user, WATCH)
    for caller, after in ((far, "0"), (near, seqnos[-missed - 1])):
        user.h2.h2.send_data(caller.stream, grpc_message(after.encode()))
    told_far, told_near = list[str](), list[str]()
    for _ in range(2 * turn):
        if len(told_near) == 1 + missed:
            break
        node.advance(10)
        told_far += far.hear()
        told_near += near.hear()
    assert len(told_far) <= 1 + 2 * turn
    for _ in range(notes):
        node.advance(10)
        told_far += far.hear()
    assert len(told_far) == 1 + notes
    assert told_far[-missed:] == told_near[1:]


def test_a_stream_that_writes_has_a_transaction_for_each_step(
    node: InProcessNode, user: H2Session
) -> None:
    keep = Caller(user, KEEP)
    assert keep.say(b"one") == ["1"]
    assert keep.say(b"two") == ["2"]
    commit(node)
    watch = Caller(user, WATCH)
    watch.say(b"")
    assert keep.say(b"three") == ["3"]
    commit(node)
    assert [each[:2] for each in watch.hear()] == ["2="]


def test_a_stream_of_another_format_goes_on_when_the_request_is_whole(
    node: InProcessNode, user: H2Session
) -> None:
    stream = user.h2.ask("GET", "/app/lines/notes")
    user.exchange()
    answer = user.h2.answers[stream]
    put(user, "one")
    commit(node)
    user.exchange()
    assert answer.body == b"begin\none\n"
    put(user, "end")
    commit(node)
    user.exchange()
    assert (answer.body, answer.is_whole) == (b"begin\none\nend\n", True)
    assert answer.trailers == {}


def test_an_error_of_another_format_resets_its_stream(
    node: InProcessNode, user: H2Session
) -> None:
    stream = user.h2.ask("GET", "/lines/notes")
    user.exchange()
    put(user, "fail")
    commit(node)
    user.exchange()
    assert user.h2.answers[stream].reset == 0x2


def test_a_client_that_cancels_or_goes_leaves_nothing_behind(
    node: InProcessNode, user: H2Session
) -> None:
    watches = [Caller(user, WATCH) for _ in range(2)]
    for watch in watches:
        watch.say(b"")
    running = node.trusted.running
    assert running is not None
    user.h2.h2.reset_stream(watches[0].stream)
    user.exchange()
    put(user, "one")
    commit(node)
    assert [len(watch.hear()) for watch in watches] == [0, 1]
    user.close()
    assert running.indexing.lags() == [0, 0]
    assert all(
        "next_requested_seqno" not in each
        for each in map(_object, running.indexing.describe())
    )


@attack("http2: a stream that nobody reads")
@pytest.mark.parametrize("excess", [0, 1])
def test_a_stream_whose_client_does_not_read_is_cancelled_at_the_bound(
    node: InProcessNode, alice: Person, excess: int
) -> None:
    client = H2Session(node, alice, settings=NO_WINDOW)
    echo = Caller(client, ECHO)
    hello = len(grpc_message(b"hello"))
    size = limits.STREAM_UNSENT_BYTES_MAX - hello + excess
    echo.say(b"large %d" % size)
    assert echo.answer.reset is None
    echo.say(b"one more")
    assert echo.answer.reset == (0xB if excess else None)
    assert client.ask("GET", "/node/state").status == 200 or not excess
    assert not client.is_closed


@attack("http2: streams without end")
def test_streams_of_a_session_are_bounded(
    user: H2Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_SESSION_MAX", 2)
    open_ = [Caller(user, WATCH) for _ in range(2)]
    refused = Caller(user, WATCH)
    assert status_of(refused.answer) == "14"
    assert refused.answer.headers["retry-after"]
    open_[0].end()
    assert Caller(user, WATCH).answer.headers.get("grpc-status") is None


@attack("http2: streams without end")
def test_streams_of_a_node_are_bounded(
    node: InProcessNode, user: H2Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_MAX", 2)
    other = H2Session(node)
    first = Caller(other, WATCH)
    assert first.say(b"") == ["follows"]
    assert Caller(user, WATCH).say(b"") == ["follows"]
    assert status_of(Caller(user, WATCH).answer) == "14"
    other.close()
    assert Caller(user, WATCH).say(b"") == ["follows"]


def fill_what_is_recent(node: InProcessNode, person: Person) -> None:
    """Write so much that the node has older entries from its host alone."""
    text = b"x" * 900_000
    for _ in range(limits.RECENT_ENTRIES_BYTES_MAX // len(text) + 1):
        answer = node.request("POST", f"{PUT}?other=yes", body=text, person=person)
        assert answer.status == 200, answer.body


def test_a_stream_ends_that_is_to_follow_what_its_node_does_not_have(
    node: InProcessNode, user: H2Session, alice: Person
) -> None:
    put(user, "old")
    commit(node)
    fill_what_is_recent(node, alice)
    put(user, "new")
    commit(node)
    first = 10
    node.host.after += first
    del node.host.entries[:first]
    early, now = Caller(user, WATCH), Caller(user, WATCH)
    assert now.say(b"") == ["follows"]
    assert early.say(b"0") == ["follows"]
    commit(node)
    assert early.hear() == []
    assert status_of(early.answer) == "14"
    put(user, "newer")
    commit(node)
    assert [each.partition("@")[0] for each in now.hear()] == ["a=newer"]


@attack("http2: streams without end")
def test_streams_of_a_caller_are_bounded(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STREAMS_PER_CALLER_MAX", 3)
    mine = [Caller(H2Session(node, alice), ECHO) for _ in range(4)]
    assert [status_of(each.answer) for each in mine[3:]] == ["14"]
    assert [each.answer.headers.get("grpc-status") for each in mine[:3]] == [None] * 3

    def open_as_stranger(address: str) -> str | None:
        caller = Caller(H2Session(node, address=address), WATCH)
        return caller.answer.headers.get("grpc-status")

    heard = [open_as_stranger("10.0.0.1") for _ in range(3)]
    assert heard == [None, None, "14"], "one address leaves a place to others"
    heard = [open_as_stranger(f"10.0.0.{number}") for number in (2, 3)]
    assert heard == [None, "14"], "all strangers together are counted as one"


@attack("http2: a stream that nobody reads")
def test_unread_bytes_of_all_streams_are_bounded(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [H2Session(node, alice, settings=NO_WINDOW) for _ in range(2)]
    callers = [Caller(client, ECHO) for client in clients]
    hello = len(grpc_message(b"hello"))
    monkeypatch.setattr(limits, "STREAMS_UNSENT_BYTES_MAX", 2 * hello + 1)
    resets = []
    for _ in range(3):
        callers[0].say(b"large 1")
        resets.append(callers[0].answer.reset)
    assert resets == [None, None, 0xB], "at the bound, beyond it, and sending on"
    callers[1].say(b"large 1")
    assert callers[1].answer.reset is None, "there is room again"


@attack("http2: a stream that nobody reads")
@pytest.mark.parametrize("excess", [0, 1])
def test_unread_bytes_of_a_caller_are_bounded_over_all_connections(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    assert limits.STREAMS_UNSENT_BYTES_PER_CALLER_MAX == 64 << 20
    clients = [H2Session(node, alice, settings=NO_WINDOW) for _ in range(3)]
    callers = [Caller(client, ECHO) for client in clients]
    stranger = Caller(H2Session(node, settings=NO_WINDOW), WATCH)
    unread = len(callers) * len(grpc_message(b"hello"))
    monkeypatch.setattr(
        limits, "STREAMS_UNSENT_BYTES_PER_CALLER_MAX", unread + 50 - excess
    )
    callers[0].say(b"large 50")
    callers[1].say(b"large 1")
    assert callers[1].answer.reset == (0xB if excess else None)
    assert stranger.say(b"") == []
    assert stranger.answer.reset is None, "another's bytes are not a stranger's"
    for client in clients:
        client.close()
    last = Caller(H2Session(node, alice, settings=NO_WINDOW), ECHO)
    last.say(b"large 50")
    assert last.answer.reset is None, "who has gone leaves nothing unread"


@attack("http2: a stream that nobody reads")
def test_a_stream_that_is_read_is_not_ended_for_what_its_caller_leaves_elsewhere(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = Caller(H2Session(node, alice, settings=NO_WINDOW), ECHO)
    read = Caller(H2Session(node, alice), ECHO)
    monkeypatch.setattr(limits, "STREAMS_UNSENT_BYTES_PER_CALLER_MAX", 100)
    idle.say(b"large 1000")
    assert read.say(b"one") == ["hello", "one"]
    idle.say(b"large 1")
    assert (read.answer.reset, idle.answer.reset) == (None, 0xB)


@attack("http2: a stream that nobody reads")
def test_unread_bytes_of_strangers_are_counted_by_their_addresses(
    node: InProcessNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle, other = (
        Caller(H2Session(node, settings=NO_WINDOW, address=address), WATCH)
        for address in ("10.0.0.1", "10.0.0.2")
    )
    follows = len(grpc_message(b"follows"))
    monkeypatch.setattr(limits, "STREAMS_UNSENT_BYTES_PER_CALLER_MAX", 2 * follows)
    for _ in range(3):
        idle.say(b"")
    for _ in range(2):
        other.say(b"")
    assert (idle.answer.reset, other.answer.reset) == (None, None)
    idle.say(b"")
    other.say(b"")
    assert (idle.answer.reset, other.answer.reset) == (0xB, None)


SAID = b"0123456789"


def test_a_stream_that_pauses_goes_on_when_its_client_has_taken_what_was_sent(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.STREAM_DRAINED_BYTES_MAX == 64 << 10
    monkeypatch.setattr(limits, "STREAM_DRAINED_BYTES_MAX", 4)
    client = H2Session(node, alice, settings=NO_WINDOW)
    client.h2.reads = False
    steps = Caller(client, STEPS)
    steps.ask(SAID, b"later")

    def take(size: int) -> bytes:
        client.h2.h2.increment_flow_control_window(size, steps.stream)
        client.exchange()
        return steps.answer.body

    assert take(5) == b"01234", "five bytes wait: one more than may"
    assert take(1) == b"012345", "four wait, and another step is taken"
    assert take(4) == SAID
    assert take(5) == SAID + b"drain"
    assert take(100) == SAID + b"drained" + b"later" + b"drained"
    assert not steps.answer.is_whole


def test_a_stream_that_pauses_hears_the_end_once_it_has_sent_everything(
    user: H2Session,
) -> None:
    steps = Caller(user, STEPS)
    messages = grpc_message(SAID) + grpc_message(b"later")
    user.h2.h2.send_data(steps.stream, messages, end_stream=True)
    user.exchange()
    assert steps.answer.body == SAID + b"drained" + b"later" + b"drained"
    assert steps.answer.is_whole


def test_a_step_that_pauses_with_nothing_to_be_read_goes_on_at_once(
    user: H2Session,
) -> None:
    steps = Caller(user, STEPS)
    steps.ask(b"")
    assert steps.answer.body == b"drained"


@attack("http2: a stream that nobody reads")
def test_who_reads_keeps_a_stream_while_another_leaves_much_unread(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [H2Session(node, alice, settings=NO_WINDOW) for _ in range(2)]
    greedy, modest = (Caller(client, ECHO) for client in clients)
    monkeypatch.setattr(limits, "STREAMS_UNSENT_BYTES_MAX", 1000)
    greedy.say(b"large 1000")
    resets = []
    for _ in range(2):
        modest.say(b"large 1")
        resets.append(modest.answer.reset)
    assert resets == [None, None], "more than the bound waits, of the other's"
    greedy.say(b"large 1")
    assert greedy.answer.reset == 0xB


def test_the_host_is_told_which_sessions_wait(
    node: InProcessNode, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, bool]] = []
    perform: Callable[..., None] = node.perform

    def note(effects: list[object]) -> None:
        told.extend(
            (effect.session, effect.is_kept)
            for effect in effects
            if isinstance(effect, KeepSession)
        )
        perform(effects)

    monkeypatch.setattr(node, "perform", note)
    client = H2Session(node, alice)
    public = Caller(client, WATCH)
    assert told == [], "strangers' streams live by what they send"
    callers = [Caller(client, ECHO) for _ in range(2)]
    assert told == [(client.session, True)]
    callers[0].end()
    assert told == [(client.session, True)]
    callers[1].end()
    assert told == [(client.session, True), (client.session, False)]
    public.end()
    assert len(told) == 2


def test_a_client_that_only_waits_may_ask_for_ever_whether_the_node_is_there(
    node: InProcessNode, user: H2Session
) -> None:
    watch = Caller(user, WATCH)
    watch.say(b"")
    for _ in range(limits.HTTP2_SPARE_FRAMES_MAX + 10):
        user.h2.h2.ping(b"8 bytes.")
        node.advance(1000)
        user.exchange()
    assert not user.is_closed
    put(user, "one")
    commit(node)
    assert len(watch.hear()) == 1


@attack("http2: a stream of a removed user")
def test_who_may_not_call_any_more_is_told_nothing_more(
    node: InProcessNode, user: H2Session, alice: Person
) -> None:
    echo = Caller(user, ECHO)
    assert echo.say(b"one") == ["hello", "one"]
    node.propose({"name": "remove_user", "args": {"user_id": alice.id}})
    assert echo.say(b"two") == []
    assert status_of(echo.answer) == "16"


def test_data_comes_no_faster_than_it_is_taken(user: H2Session) -> None:
    echo = Caller(user, ECHO)
    echo.hear()
    h2 = user.h2.h2
    message = grpc_message(b"x" * 200_000)
    while message:
        room = min(h2.local_flow_control_window(echo.stream), 16_384, len(message))
        if room:
            h2.send_data(echo.stream, message[:room])
            message = message[room:]
        user.exchange()
    assert [len(each) for each in echo.hear()] == [200_000]


@pytest.mark.parametrize("excess", [0, 1])
def test_a_stream_for_which_a_node_has_no_strategy_left_ends(
    user: H2Session, monkeypatch: pytest.MonkeyPatch, excess: int
) -> None:
    monkeypatch.setattr(limits, "STRATEGIES_MAX", 2 - excess)
    watches = [Caller(user, WATCH) for _ in range(2)]
    assert [watch.say(b"") for watch in watches] == [["follows"], ["follows"]]
    ended = [watch.answer.trailers.get("grpc-status") for watch in watches]
    assert ended == (["14", "14"] if excess else [None, None])


def test_a_client_may_begin_and_cancel_many_streams(user: H2Session) -> None:
    for _ in range(limits.HTTP2_SPARE_FRAMES_MAX // limits.HTTP2_FRAMES_PER_RESET + 20):
        watch = Caller(user, WATCH)
        user.h2.h2.reset_stream(watch.stream)
        user.exchange()
    assert not user.is_closed
    assert Caller(user, WATCH).say(b"") == ["follows"]
