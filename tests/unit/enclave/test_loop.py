"""The enclave's life: batches in, batches out, and how it ends."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.base.ids import SessionId
from ccfpy.boundary.batch_limits import (
    EVENTS_TOGETHER_MAX,
    WATCH_NS,
    WATCHED_EVENTS_MAX,
)
from ccfpy.boundary.effects import Effect, LogLevel, SendData, Stop, WriteLog
from ccfpy.boundary.events import Event, SessionData, SessionOpened, Tick
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import EFFECTS, EVENTS, FrameReader
from ccfpy.enclave.channel import HostChannel
from ccfpy.enclave.loop import (
    NODE,
    Conversation,
    Steps,
    describe_crash,
    serve,
)
from tests.unit.enclave.hosts_end import HostsEnd


class _Echo:
    def __init__(self) -> None:
        self.batches: list[list[Event]] = []

    def step(self, events: Sequence[Event]) -> list[Effect]:
        self.batches.append(list(events))
        effects: list[Effect] = []
        for event in events:
            if not isinstance(event, SessionData):
                continue
            if event.data == b"stop":
                effects.append(Stop(exit_code=0, reason="asked"))
            elif event.data.startswith(b"crash"):
                raise ZeroDivisionError(event.data)
            else:
                effects.append(SendData(session=event.session, data=event.data))
        return effects


class _Enclave:
    """A loop in a thread, and the host's end of its channel."""

    def __init__(self, build: Callable[[], Steps]) -> None:
        self.channel = HostsEnd()
        self.exit_code: ExitCode | None = None
        self.started = 0
        self.reader = FrameReader()
        self.thread = threading.Thread(target=self._run, args=(build,))
        self.thread.start()

    def _run(self, build: Callable[[], Steps]) -> None:
        with HostChannel(*self.channel.theirs) as theirs:
            self.exit_code = serve(theirs, build, started=self._count)

    def _count(self) -> None:
        self.started += 1

    def say(self, *events: Event) -> None:
        self.channel.say(EVENTS.encode(events))

    def hear(self) -> list[Effect]:
        while data := self.channel.hear():
            bodies = self.reader.feed(data)
            if bodies:
                return [effect for body in bodies for effect in EFFECTS.decode(body)]
        return []

    def end(self) -> ExitCode | None:
        self.channel.close()
        self.thread.join(10)
        return self.exit_code


def _data(data: bytes) -> SessionData:
    return SessionData(session=SessionId(1), data=data)


@pytest.fixture
def node() -> _Echo:
    return _Echo()


@pytest.fixture
def enclave(node: _Echo) -> Iterator[_Enclave]:
    started = _Enclave(lambda: node)
    yield started
    started.end()


def test_each_batch_is_one_step(enclave: _Enclave, node: _Echo) -> None:
    tick = Tick(monotonic_ms=1, unix_us=2)
    enclave.say(tick, _data(b"a"), _data(b"b"))
    assert enclave.hear() == [
        SendData(session=SessionId(1), data=b"a"),
        SendData(session=SessionId(1), data=b"b"),
    ]
    assert node.batches == [[tick, _data(b"a"), _data(b"b")]]


@pytest.mark.parametrize("surplus", [0, 1, EVENTS_TOGETHER_MAX])
def test_a_step_takes_so_many_events_and_its_answers_leave_before_the_next(
    enclave: _Enclave, node: _Echo, surplus: int
) -> None:
    told = [_data(b"%d" % number) for number in range(EVENTS_TOGETHER_MAX + surplus)]
    enclave.say(*told)
    heard: list[Effect] = []
    while len(heard) < len(told):
        heard += enclave.hear()
    assert heard == [SendData(session=each.session, data=each.data) for each in told]
    sizes = [EVENTS_TOGETHER_MAX, surplus] if surplus else [EVENTS_TOGETHER_MAX]
    assert [len(batch) for batch in node.batches] == sizes


def test_what_comes_behind_a_stop_is_not_taken(enclave: _Enclave, node: _Echo) -> None:
    enclave.say(*[_data(b"stop")] * (EVENTS_TOGETHER_MAX + 1))
    assert enclave.hear()[-1] == Stop(exit_code=0, reason="asked")
    enclave.thread.join(10)
    assert enclave.exit_code is ExitCode.OK
    assert [len(batch) for batch in node.batches] == [EVENTS_TOGETHER_MAX]


class _Listener:
    """A host that says batches, each after so long, and counts the watches over it."""

    def __init__(self, *said: tuple[Sequence[Event], int]) -> None:
        self.said = iter(said)
        self.watches = 0

    def watch(self, most_ns: int) -> None:
        assert most_ns == WATCH_NS
        self.watches += 1

    def receive_into(self, buffer: memoryview) -> int:
        events, after_ns = next(self.said, ((), 0))
        until_ns = time.monotonic_ns() + after_ns
        while time.monotonic_ns() < until_ns:
            pass
        frame = EVENTS.encode(events) if events else b""
        buffer[: len(frame)] = frame
        return len(frame)

    def send(self, data: bytes) -> None:
        """Hear it."""


@pytest.mark.parametrize(
    ("events", "after_ns", "is_watched"),
    [
        (1, 0, True),
        (WATCHED_EVENTS_MAX, 0, True),
        (WATCHED_EVENTS_MAX + 1, 0, False),
        (EVENTS_TOGETHER_MAX + 1, 0, False),
        (1, 2 * WATCH_NS, False),
        (EVENTS_TOGETHER_MAX + 1, 2 * WATCH_NS, False),
    ],
)
def test_an_enclave_watches_a_host_that_speaks_often_and_says_little(
    events: int, after_ns: int, is_watched: bool
) -> None:
    # Often, since a machine that is busy otherwise may take long for any one of them.
    host = _Listener(*[([_data(b"a")] * events, after_ns)] * 100)
    conversation = Conversation(NODE, cast("HostChannel", host))
    while conversation.next_events():
        pass
    assert bool(host.watches) is is_watched


def test_a_frame_may_come_in_pieces(enclave: _Enclave) -> None:
    for byte in EVENTS.encode([_data(b"a")]):
        enclave.channel.say(bytes([byte]))
    assert enclave.hear() == [SendData(session=SessionId(1), data=b"a")]


def test_a_step_that_asks_nothing_says_nothing(enclave: _Enclave) -> None:
    enclave.say(SessionOpened(session=SessionId(1), interface="i", peer="p"))
    enclave.say(_data(b"a"))
    assert enclave.hear() == [SendData(session=SessionId(1), data=b"a")]


def test_the_start_is_over_after_the_first_step(enclave: _Enclave) -> None:
    assert enclave.started == 0
    for _ in range(3):
        enclave.say(_data(b"a"))
        enclave.hear()
    assert enclave.end() is ExitCode.OK
    assert enclave.started == 1


def test_the_end_of_the_channel_ends_the_enclave(enclave: _Enclave) -> None:
    assert enclave.end() is ExitCode.OK


def test_a_stop_ends_the_enclave(enclave: _Enclave) -> None:
    enclave.say(_data(b"stop"))
    assert enclave.hear() == [Stop(exit_code=0, reason="asked")]
    assert enclave.hear() == []
    assert enclave.end() is ExitCode.OK


def test_a_crash_is_reported_without_values(enclave: _Enclave) -> None:
    enclave.say(_data(b"crash secret"))
    (log,) = enclave.hear()
    assert isinstance(log, WriteLog)
    assert log.level is LogLevel.FATAL
    assert "ZeroDivisionError at " in log.message
    assert " step < " in log.message
    assert "secret" not in log.message
    assert enclave.end() is ExitCode.CRASHED


def test_a_host_that_breaks_the_protocol_ends_the_enclave(enclave: _Enclave) -> None:
    enclave.channel.say(b"\xff\xff\xff\xff")
    (log,) = enclave.hear()
    assert isinstance(log, WriteLog)
    assert "BoundaryViolation (a frame of 4294967295 bytes" in log.message
    assert enclave.end() is ExitCode.CRASHED


def test_a_node_that_cannot_be_built_is_a_stop_with_its_reason() -> None:
    def refuse() -> Steps:
        raise ConfigurationRefused("no such thing; get one")

    enclave = _Enclave(refuse)
    assert enclave.hear() == [Stop(exit_code=2, reason="no such thing; get one")]
    assert enclave.end() is ExitCode.NOT_STARTED


def test_a_node_whose_code_fails_at_once_is_a_crash() -> None:
    def fail() -> Steps:
        raise KeyError("secret")

    enclave = _Enclave(fail)
    (log,) = enclave.hear()
    assert isinstance(log, WriteLog)
    assert "KeyError at " in log.message
    assert "secret" not in log.message
    assert enclave.end() is ExitCode.CRASHED


def test_a_violation_may_say_what_it_is() -> None:
    assert "BoundaryViolation (x)" in describe_crash(BoundaryViolation("x"))
    assert "(x)" not in describe_crash(ValueError("x"))
