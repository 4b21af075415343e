"""When a turn's events leave, with what time, and when a host stays awake."""

import time
from collections.abc import Callable, Sequence

import pytest

from ccfpy.base.ids import SessionId
from ccfpy.boundary.batch_limits import (
    EVENTS_TOGETHER_MAX,
    WATCH_NS,
    WATCHED_EVENTS_MAX,
)
from ccfpy.boundary.events import Event, SessionData, SessionWritten, Tick, Woken
from ccfpy.host.gathering import Gathering, Ticker, Watch, tick_interval_s

FULL = EVENTS_TOGETHER_MAX - 1
"""A part without the time."""


class _Turn:
    """One turn of a loop, at a millisecond that stays."""

    def __init__(self, *, in_parts: bool = True) -> None:
        self.calls: list[Callable[[], None]] = []
        self.sent: list[list[Event]] = []
        self.gathering = Gathering(
            self.calls.append,
            Ticker(monotonic_ns=lambda: 0, unix_ns=lambda: 0),
            self.sent.append,
            in_parts=in_parts,
        )

    def post(self, count: int) -> list[Event]:
        """Post so many events, and return them."""
        posted: list[Event] = [
            SessionData(session=SessionId(number), data=b"") for number in range(count)
        ]
        for event in posted:
            self.gathering.post(event)
        return posted

    def end(self) -> None:
        """Call what was to be called after the turn."""
        calls = self.calls[:]
        self.calls.clear()
        for call in calls:
            call()


@pytest.mark.parametrize(
    ("count", "at_once", "at_the_end"),
    [
        (1, [], [1]),
        (FULL - 1, [], [FULL - 1]),
        (FULL, [FULL], []),
        (FULL + 1, [FULL], [1]),
        (2 * FULL + 2, [FULL, FULL], [2]),
    ],
)
def test_a_turn_that_says_much_says_it_in_parts(
    count: int, at_once: list[int], at_the_end: list[int]
) -> None:
    turn = _Turn()
    turn.post(1)
    turn.end()
    turn.sent.clear()  # the time among it
    posted = turn.post(count)
    assert [len(part) for part in turn.sent] == at_once
    assert turn.gathering.is_empty is not bool(at_the_end)
    turn.end()
    assert [len(part) for part in turn.sent] == at_once + at_the_end
    assert [event for part in turn.sent for event in part] == posted
    assert turn.gathering.is_empty


def test_a_part_begins_with_the_time_and_fits_one_step() -> None:
    turn = _Turn()
    posted = turn.post(FULL)
    assert turn.sent == [[Tick(monotonic_ms=0, unix_us=0), *posted]]
    assert len(turn.sent[0]) == EVENTS_TOGETHER_MAX


def test_an_enclave_that_answers_at_once_hears_a_turn_when_it_is_over() -> None:
    turn = _Turn(in_parts=False)
    posted = turn.post(FULL + 1)
    assert turn.sent == []
    turn.end()
    assert turn.sent == [[Tick(monotonic_ms=0, unix_us=0), *posted]]


def test_a_tick_is_made_when_the_millisecond_changed() -> None:
    times = iter([5_000_000, 5_999_999, 6_000_000, 6_000_000])
    ticker = Ticker(monotonic_ns=times.__next__, unix_ns=lambda: 7_654_321)
    assert ticker.now() == Tick(monotonic_ms=5, unix_us=7654)
    assert ticker.if_moved() is None
    assert ticker.if_moved() == Tick(monotonic_ms=6, unix_us=7654)


@pytest.mark.parametrize(
    ("configured_us", "interval_s"), [(0, 0.01), (1000, 0.01), (50_000, 0.05)]
)
def test_idle_ticks_are_never_closer_than_ten_milliseconds(
    configured_us: int, interval_s: float
) -> None:
    assert tick_interval_s(configured_us) == pytest.approx(interval_s)


@pytest.mark.parametrize(
    ("now_ns", "due_s"),
    [
        (5_900_000, 0.01),
        (9_000_000, 0.006),
        (14_999_999, 0.001),
        (15_000_000, 0.0),
        (9_000_000_000, 0.0),
    ],
)
def test_an_idle_tick_is_due_an_interval_after_the_last_of_any_kind(
    now_ns: int, due_s: float
) -> None:
    times = iter([5_000_000, now_ns])
    ticker = Ticker(monotonic_ns=times.__next__)
    ticker.now()
    assert ticker.due_in_s(0.01) == pytest.approx(due_s)


REQUEST = SessionData(session=SessionId(1), data=b"a")
OTHERS = SessionData(session=SessionId(2), data=b"a")
WRITTEN = SessionWritten(session=SessionId(1), size=1)
MANY = [REQUEST] * WATCHED_EVENTS_MAX


class _Loop:
    """An event loop, whose turns the test takes."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.watch = Watch(self.calls.append)

    def say(self, *batches: Sequence[Event], after_ns: int = 0) -> None:
        """Send batches, each after so long."""
        for events in batches:
            until_ns = time.monotonic_ns() + after_ns
            while time.monotonic_ns() < until_ns:
                pass
            self.watch.sent(events)

    def turn(self) -> None:
        """Call what was to be called, once."""
        calls = self.calls[:]
        self.calls.clear()
        for call in calls:
            call()


def _stays_awake(*batches: Sequence[Event], after_ns: int = 0) -> bool:
    # Often, since a machine that is busy otherwise may take long for any one of them.
    loops = [_Loop() for _ in range(50)]
    for loop in loops:
        loop.say(*batches, after_ns=after_ns)
    return any(loop.calls for loop in loops)


@pytest.mark.parametrize(
    ("batches", "is_awake"),
    [
        ([[REQUEST]], False),
        ([[REQUEST], [REQUEST]], True),
        ([[REQUEST], [OTHERS]], True),
        ([[REQUEST, OTHERS], [OTHERS, REQUEST]], True),
        ([[REQUEST], [WRITTEN], [REQUEST]], True),
        ([[REQUEST], [WRITTEN]], False),
        ([[WRITTEN], [REQUEST]], False),
        ([[Woken()], [Woken()]], False),
        ([MANY, MANY], True),
        ([MANY, [*MANY, REQUEST]], False),
        ([[*MANY, REQUEST], MANY], False),
    ],
)
def test_a_host_stays_awake_when_requests_follow_each_other(
    batches: list[list[Event]], is_awake: bool
) -> None:
    assert _stays_awake(*batches) is is_awake


def test_a_request_long_after_another_is_none_that_follows() -> None:
    assert not _stays_awake([REQUEST], [REQUEST], after_ns=2 * WATCH_NS)


def test_a_host_looks_in_each_turn_until_its_time_is_over() -> None:
    loop = _Loop()
    began_ns = time.monotonic_ns()
    while not loop.calls:
        loop.say([REQUEST])
    while loop.calls:
        assert len(loop.calls) == 1
        loop.turn()
    assert time.monotonic_ns() - began_ns >= WATCH_NS


def test_the_next_request_prolongs_the_time_and_adds_no_second_look() -> None:
    loop = _Loop()
    while not loop.calls:
        loop.say([REQUEST])
    loop.say([REQUEST], [REQUEST])
    assert len(loop.calls) == 1
