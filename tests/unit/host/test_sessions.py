"""Client connections: numbering, bounds and the two pressures."""

import asyncio
import errno

import pytest

from ccfpy.base.ids import SessionId
from ccfpy.base.limits import (
    SESSION_BACKLOG_BYTES_MAX,
    SESSION_LEAVING_BYTES_MAX,
    SESSION_LEAVING_S_MAX,
    SESSION_READ_BYTES_MAX,
    SESSION_WINDOW_BYTES,
    SESSION_WRITTEN_BYTES,
    SESSIONS_HARD_MARGIN,
)
from ccfpy.boundary.events import (
    Event,
    SessionClosed,
    SessionData,
    SessionOpened,
    SessionWritten,
)
from ccfpy.host.sessions import CloseReason, Session, Sessions
from tests.attacks import attack


class _Transport(asyncio.Transport):
    """A connection whose client's behaviour a test decides."""

    def __init__(self, unsent: int = 0, address: str = "10.0.0.1") -> None:
        super().__init__({"peername": (address, 99)})
        self.unsent = unsent
        self.written: list[bytes] = []
        self.calls: list[str] = []

    def set_write_buffer_limits(
        self, high: int | None = None, low: int | None = None
    ) -> None:
        assert high == 0, low

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def write_eof(self) -> None:
        self.calls.append("end")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")


class _World:
    """All sessions of an interface with a hard cap of one."""

    def __init__(self, idle_s_max: int | None = 3) -> None:
        self.events: list[Event] = []
        self.reports: list[str] = []
        self.sessions = Sessions(
            self.events.append,
            idle_s_max=idle_s_max,
            report=self.reports.append,
        )
        self.make = self.sessions.add_interface("first", 1)

    def connect(self, transport: _Transport) -> Session:
        session = self.make()
        session.connection_made(transport)
        return session


def say(session: Session, data: bytes) -> None:
    """Send bytes as a client, as an event loop hands them over."""
    buffer = session.get_buffer(-1)
    buffer[: len(data)] = data
    session.buffer_updated(len(data))


def test_a_session_is_announced_numbered_and_ended_once() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    say(session, b"hello")
    world.sessions.send(SessionId(1), b"reply")
    session.connection_lost(None)
    world.sessions.send(SessionId(1), b"too late")
    assert world.events == [
        SessionOpened(session=SessionId(1), interface="first", peer="10.0.0.1:99"),
        SessionData(session=SessionId(1), data=b"hello"),
        SessionClosed(session=SessionId(1)),
    ]
    assert transport.written == [b"reply"]
    assert len(world.sessions) == 0
    assert world.connect(_Transport()).number == 2, "numbers are never used again"


class _Reset(_Transport):
    """A connection that its client has reset: nothing can be ended any more."""

    def write_eof(self) -> None:
        raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")


def test_a_session_whose_client_has_just_gone_ends_without_a_failure() -> None:
    world, transport = _World(), _Reset()
    session = world.connect(transport)
    world.sessions.close(SessionId(1))
    assert transport.calls == ["abort"]
    session.connection_lost(None)
    assert len(world.sessions) == 0


def test_a_session_that_the_enclave_ends_is_not_announced_as_ended() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    world.sessions.close(SessionId(1))
    world.sessions.close(SessionId(1))
    assert transport.calls == ["end", "resume"]
    assert len(world.sessions) == 1
    session.connection_lost(None)
    assert len(world.sessions) == 0
    assert not any(isinstance(event, SessionClosed) for event in world.events)


def test_connections_beyond_the_cap_and_its_margin_are_dropped_unannounced() -> None:
    world = _World()
    most = 1 + SESSIONS_HARD_MARGIN
    transports = [_Transport() for _ in range(most + 1)]
    sessions = [world.connect(transport) for transport in transports]
    assert [transport.calls for transport in transports[:most]] == [[]] * most
    assert transports[most].calls == ["abort"]
    assert len(world.events) == most
    for session in sessions:
        session.connection_lost(None)
    assert len(world.sessions) == 0
    assert len(world.events) == 2 * most


@pytest.mark.parametrize("excess", [-1, 0])
def test_a_client_whose_bytes_wait_for_the_enclave_is_not_read_from(
    excess: int,
) -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    say(session, bytes(SESSION_WINDOW_BYTES + excess))
    assert transport.calls == ([] if excess else ["pause"])
    world.sessions.read_more(SessionId(1), 1)
    assert transport.calls == ([] if excess else ["pause", "resume"])


def test_one_client_that_is_not_read_from_keeps_nobody_else_from_being_read() -> None:
    world, full, other = _World(), _Transport(), _Transport()
    say(world.connect(full), bytes(SESSION_WINDOW_BYTES))
    say(world.connect(other), b"x")
    assert full.calls == ["pause"]
    assert not other.calls


def test_the_enclave_may_go_on_to_bytes_of_a_client_that_has_left() -> None:
    world, transport = _World(), _Transport()
    world.connect(transport).connection_lost(None)
    world.sessions.read_more(SessionId(1), 1)
    assert not transport.calls


@attack("slow: an answer that is never read")
def test_the_enclave_is_told_what_of_its_answers_has_left() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    world.events.clear()
    world.sessions.send(SessionId(1), bytes(SESSION_WRITTEN_BYTES - 1))
    assert not world.events, "little is told with what follows"
    world.sessions.send(SessionId(1), b"x")
    told = SessionWritten(session=SessionId(1), size=SESSION_WRITTEN_BYTES)
    assert world.events == [told]
    session.pause_writing()
    world.sessions.send(SessionId(1), bytes(SESSION_WRITTEN_BYTES))
    assert world.events == [told], "it has not left"
    session.resume_writing()
    assert world.events == [told, told]


def test_a_client_that_reads_slowly_is_told_of_every_second() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    session.pause_writing()
    world.sessions.send(SessionId(1), bytes(100))
    transport.unsent = 100
    world.events.clear()
    world.sessions.second_passed()
    assert not world.events, "none of it has left"
    transport.unsent = 60
    for _ in range(2):
        world.sessions.second_passed()
    assert world.events == [SessionWritten(session=SessionId(1), size=40)]


def test_a_client_that_lets_too_much_pile_up_is_dropped() -> None:
    world, transport = _World(), _Transport(unsent=SESSION_BACKLOG_BYTES_MAX)
    session = world.connect(transport)
    session.pause_writing()
    world.sessions.send(SessionId(1), b"x")
    assert transport.calls == []
    transport.unsent += 1
    world.sessions.send(SessionId(1), b"x")
    assert transport.calls == ["abort"]


def test_nobody_is_read_from_while_the_enclave_does_not_keep_up() -> None:
    world, first = _World(), _Transport()
    session = world.connect(first)
    world.sessions.set_congested(is_congested=True)
    late = _Transport()

    async def connect() -> None:
        world.connect(late)
        assert late.calls == [], "a loop would begin to read after this"
        await asyncio.sleep(0)

    asyncio.run(connect())
    assert first.calls == late.calls == ["pause"]
    say(session, bytes(SESSION_WINDOW_BYTES))
    world.sessions.set_congested(is_congested=False)
    assert first.calls[-1] == "pause", "its own bytes wait for the enclave"
    assert late.calls == ["pause", "resume"]
    session.read_more(SESSION_WINDOW_BYTES)
    assert first.calls[-1] == "resume"


def test_a_connection_on_its_way_out_is_left_alone() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    transport.close()
    world.sessions.close(SessionId(1))
    say(session, bytes(SESSION_WINDOW_BYTES))
    assert transport.calls == ["close"]


def test_what_a_client_still_sends_is_read_and_thrown_away() -> None:
    world, transport = _World(), _Transport()
    session = world.connect(transport)
    say(session, bytes(SESSION_WINDOW_BYTES))
    world.sessions.close(SessionId(1))
    assert transport.calls == ["pause", "end", "resume"]
    world.events.clear()
    world.sessions.set_congested(is_congested=True)
    for _ in range(SESSION_LEAVING_BYTES_MAX // SESSION_READ_BYTES_MAX):
        say(session, bytes(SESSION_READ_BYTES_MAX))
    assert transport.calls[-1] == "resume"
    say(session, b"x")
    assert transport.calls[-1] == "abort"
    assert not world.events


def test_a_client_that_does_not_end_its_side_is_not_waited_for() -> None:
    world, transport = _World(idle_s_max=None), _Transport()
    world.connect(transport)
    world.sessions.close(SessionId(1))
    for _ in range(SESSION_LEAVING_S_MAX - 1):
        world.sessions.second_passed()
    assert "close" not in transport.calls
    world.sessions.second_passed()
    world.sessions.second_passed()
    assert transport.calls.count("close") == 1


def test_an_idle_connection_is_dropped_with_a_word() -> None:
    world, idle, busy = _World(), _Transport(), _Transport()
    world.connect(idle)
    talker = world.connect(busy)
    for second in range(4):
        if second % 2:
            say(talker, b"x")
        else:
            world.sessions.send(SessionId(2), b"x")
        assert not idle.calls
        world.sessions.second_passed()
    assert idle.calls == ["abort"]
    assert not busy.calls
    assert world.reports == ["Closing socket 1 after 4s idle (max = 3s)"]


def test_connections_are_counted_by_who_ended_them() -> None:
    world = _World()
    first, second, third = (world.connect(_Transport()) for _ in range(3))
    counts = world.sessions.counts()["first"]
    assert (counts.active, counts.peak) == (3, 3)
    world.sessions.close(second.number)
    third.close_reason = CloseReason.IDLE
    for session in (first, second, third):
        session.connection_lost(None)
    assert (counts.active, counts.peak) == (0, 3)
    assert {reason: n for reason, n in counts.closed.items() if n} == {
        CloseReason.CLIENT: 1,
        CloseReason.NODE: 1,
        CloseReason.IDLE: 1,
    }


def test_idle_connections_may_be_kept_for_ever() -> None:
    world, transport = _World(idle_s_max=None), _Transport()
    world.connect(transport)
    for _ in range(100):
        world.sessions.second_passed()
    assert not transport.calls


@attack("fairness: many connections from one address")
def test_an_address_has_so_many_connections_and_others_have_theirs() -> None:
    world = _World()
    make = world.sessions.add_interface("second", 10, per_address_max=2)

    def connect(address: str) -> tuple[Session, _Transport]:
        session, transport = make(), _Transport(address=address)
        session.connection_made(transport)
        return session, transport

    first, _ = connect("10.0.0.1")
    transports = [connect("10.0.0.1")[1] for _ in range(3)]
    assert [each.calls for each in transports] == [[], ["abort"], ["abort"]]
    (report,) = world.reports
    assert report.startswith("Refusing connections from 10.0.0.1: interface second has")
    assert report.endswith("(max = 2)")
    assert not connect("10.0.0.2")[1].calls
    world.connect(_Transport())
    assert len(world.sessions) == 6, "the other interface has no such cap"
    first.connection_lost(None)
    assert not connect("10.0.0.1")[1].calls
    assert connect("10.0.0.1")[1].calls == ["abort"]
    assert len(world.reports) == 2


def test_a_refused_connection_counts_for_nothing_when_it_ends() -> None:
    world = _World()
    make = world.sessions.add_interface("second", 10, per_address_max=1)
    sessions = [make() for _ in range(3)]
    for session in sessions:
        session.connection_made(_Transport())
    for session in reversed(sessions):
        session.connection_lost(None)
    transport = _Transport()
    make().connection_made(transport)
    assert not transport.calls


@pytest.mark.parametrize("end", ["close_all", "abort_all"])
def test_all_connections_may_be_ended(end: str) -> None:
    world = _World()
    transports = [_Transport(), _Transport()]
    for transport in transports:
        world.connect(transport)
    world.sessions.close(SessionId(1))
    getattr(world.sessions, end)()
    for transport in transports:
        assert transport.calls[-1] == end.removesuffix("_all")


def test_a_connection_with_a_waiting_stream_may_be_idle() -> None:
    world, transport = _World(), _Transport()
    world.connect(transport)
    world.sessions.keep(SessionId(1), is_kept=True)
    world.sessions.keep(SessionId(7), is_kept=True)
    for _ in range(10):
        world.sessions.second_passed()
    assert transport.calls == []
    world.sessions.keep(SessionId(1), is_kept=False)
    for _ in range(4):
        world.sessions.second_passed()
    assert transport.calls == ["abort"]


def test_a_kept_connection_that_leaves_is_waited_for_no_longer_than_others() -> None:
    world, transport = _World(), _Transport()
    world.connect(transport)
    world.sessions.keep(SessionId(1), is_kept=True)
    world.sessions.close(SessionId(1))
    for _ in range(4):
        world.sessions.second_passed()
    assert transport.calls[-1] == "abort"
