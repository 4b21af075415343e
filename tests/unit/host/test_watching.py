"""When a host stays awake between two requests."""

import time
from collections.abc import Callable, Sequence

import pytest

from ccfpy.base.ids import SessionId
from ccfpy.boundary.events import Event, SessionData, SessionWritten, Woken
from ccfpy.boundary.pace import WATCH_NS, WATCHED_EVENTS_MAX
from ccfpy.host.watching import Watch

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
