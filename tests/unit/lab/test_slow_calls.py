"""Slow calls stop and run on when they are told to, and only then."""

from collections.abc import Sequence

import pytest

from ccfpy.boundary.effects import Effect, LogLevel, WriteLog
from ccfpy.boundary.events import Event, Woken
from tests.lab.slow_calls import SlowCalls, may_stop


def _line(text: str) -> Effect:
    return WriteLog(level=LogLevel.INFO, message=text)


class Talker:
    """A node that calls one function in each step with events, and says so."""

    def __init__(self, slow: SlowCalls) -> None:
        self.slow = slow
        self.done: list[str] = []
        self.late = 0
        self._is_away = False

    def step(self, events: Sequence[Event], /) -> Sequence[Effect]:
        if not events:
            return [_line("meanwhile" if self._is_away else "nothing")]
        self._is_away = False
        self.slow.call(self._work, "work", 0, 0)
        if not self._is_away:
            return [_line("at once")]
        self.slow.came_back()
        return [_line("after")]

    def _work(self, what: str) -> None:
        may_stop()
        self.slow.inside(lambda _: may_stop(), None)
        self.done.append(what)

    def leave(self, _: object, /) -> None:
        self._is_away = True

    def give_up(self, _: object, reason: str, /) -> Sequence[Effect]:
        return [_line(reason)]

    def came_back_late(self, _: object, /) -> None:
        self.late += 1


@pytest.fixture
def talker() -> Talker:
    return Talker(SlowCalls())


def test_a_call_is_fast_unless_it_is_to_stop(talker: Talker) -> None:
    assert talker.slow.step(talker, [Woken()]) == [_line("at once")]
    assert talker.slow.away == []


def test_a_slow_call_stops_as_often_as_was_said(talker: Talker) -> None:
    slow = talker.slow
    slow.next_stops = 2
    assert slow.step(talker, [Woken()]) == [_line("meanwhile")]
    (call,) = slow.away
    assert slow.run_on(call) == []
    assert talker.done == []
    assert slow.run_on(call) == [_line("after")]
    assert talker.done == ["work"]
    assert slow.away == []


def test_a_step_without_a_call_leaves_the_stops_to_the_next(talker: Talker) -> None:
    talker.slow.next_stops = 1
    assert talker.slow.step(talker, []) == [_line("nothing")]
    assert talker.slow.next_stops == 1


def test_what_is_given_up_does_nothing_more(talker: Talker) -> None:
    slow = talker.slow
    slow.next_stops = 1
    slow.step(talker, [Woken()])
    (call,) = slow.away
    (line,) = slow.give_up(talker, call)
    assert isinstance(line, WriteLog)
    assert "may take 1000 ms" in line.message
    assert slow.run_on(call) == []
    assert talker.late == 1
    assert not slow.is_full


def test_the_end_ends_every_thread(talker: Talker) -> None:
    slow = talker.slow
    for _ in range(3):
        slow.next_stops = 1
        slow.step(talker, [Woken()])
    calls = list(slow.away)
    slow.end()
    assert all(call.is_over for call in calls)
    assert talker.done == []
