"""What a turn of the loop says together, and in which parts."""

from typing import TYPE_CHECKING

import pytest

from ccfpy.base.ids import SessionId
from ccfpy.boundary.events import Event, SessionData, Tick
from ccfpy.boundary.pace import EVENTS_TOGETHER_MAX
from ccfpy.host.gathering import Gathering
from ccfpy.host.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable

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
