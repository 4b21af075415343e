"""Whose call may begin, goes on, or is ended, where many callers have slow calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from ccfpy.base import limits
from ccfpy.endpoints.call_shares import (
    CallShares,
    Taking,
    Waiting,
    largest,
    may_begin,
    next_turn,
)


@pytest.mark.parametrize(
    ("own", "free", "may"),
    [
        (0, 16, True),
        (0, 1, True),
        (0, 0, False),
        (1, 2, True),
        (1, 1, False),
        (7, 8, True),
        (8, 8, False),
        (8, 9, True),
    ],
)
def test_a_call_may_begin_while_more_places_are_free_than_its_caller_has(
    own: int, free: int, *, may: bool
) -> None:
    assert may_begin(own, free) is may


@pytest.mark.parametrize("places", range(2, limits.SLOW_CALLS_CEILING + 1))
def test_however_many_places_there_are_one_caller_leaves_one(places: int) -> None:
    own = 0
    while may_begin(own, places - own):
        own += 1
    assert own == (places + 1) // 2
    assert own < places


@pytest.mark.parametrize(
    ("waiting", "turns_ns", "place"),
    [
        ([("a", 5)], {}, 0),
        ([("a", 5), ("a", 3), ("a", 4)], {"a": 9}, 1),
        ([("a", 1), ("a", 2), ("b", 3)], {"a": 9, "b": 8}, 2),
        ([("a", 1), ("b", 3)], {"a": 9}, 1),
        ([("a", 4), ("b", 4)], {}, 0),
    ],
)
def test_callers_take_turns_and_then_the_calls_of_each(
    waiting: Sequence[tuple[str, int]], turns_ns: Mapping[str, int], place: int
) -> None:
    assert next_turn([Waiting(*each) for each in waiting], turns_ns) == place


def test_a_caller_with_many_calls_has_no_more_turns_than_one_with_one() -> None:
    waiting = [Waiting("many", number) for number in range(8)] + [Waiting("one", 8)]
    turns_ns: dict[str, int] = {}
    had: list[str] = []
    for now_ns in range(10, 30):
        chosen = waiting.pop(next_turn(waiting, turns_ns))
        turns_ns[chosen.caller] = now_ns
        had.append(chosen.caller)
        waiting.append(Waiting(chosen.caller, now_ns))
    assert had.count("one") == had.count("many")


@pytest.mark.parametrize(
    ("taking", "place"),
    [
        ([("a", 1)], 0),
        ([("a", 1), ("b", 2)], 1),
        ([("a", 3), ("b", 2), ("b", 2)], 1),
        ([("a", 5), ("b", 2), ("b", 2)], 0),
        ([("a", 3), ("b", 1), ("b", 4), ("b", -1)], 2),
    ],
)
def test_the_largest_call_of_the_largest_caller_is_ended(
    taking: Sequence[tuple[str, int]], place: int
) -> None:
    assert largest([Taking(*each) for each in taking]) == place


@dataclass
class Room:
    """Places for slow calls."""

    free: int
    free_to_hang: int = 16


def test_who_has_slow_calls_is_counted_until_they_are_over() -> None:
    shares, last_place = CallShares(), Room(free=1)
    quiet = [shares.is_quiet]
    shares.began("a")
    quiet.append(shares.is_quiet)
    assert not shares.may_begin("a", last_place, in_python=True)
    assert shares.may_begin("b", last_place, in_python=True)
    shares.ended("a")
    quiet.append(shares.is_quiet)
    assert shares.may_begin("a", last_place, in_python=True)
    assert quiet == [True, False, True]


def test_calls_that_may_hang_have_places_of_their_own() -> None:
    shares = CallShares()
    shares.began("a")
    room = Room(free=9, free_to_hang=1)
    assert not shares.may_begin("a", room, in_python=True)
    assert shares.may_begin("a", room, in_python=False)
    assert shares.may_begin("b", room, in_python=True)
    assert not shares.may_begin("b", Room(free=9, free_to_hang=0), in_python=True)
