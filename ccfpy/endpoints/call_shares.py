"""Whose slow call may begin, goes on, or is ended: each caller has a share.

A *slow call* is one of an application's code, or of a member's, without which its node
goes on. A *caller* is an identity that was authenticated, or else an address. All that
is decided about slow calls of several callers is decided here:

1. A caller with *n* slow calls may begin another only while more than *n* places are
   free. So one caller alone has half of the places, the next has half of what is left,
   and the last place is for a caller who has none.
2. Of the calls that wait to go on, the callers have turns, each with the call of theirs
   that waited longest.
3. Where slow calls together take too much memory, the call is ended that took most, of
   the caller who took most.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


def may_begin(own: int, free: int) -> bool:
    """Return whether a caller with so many slow calls may begin one more.

    Args:
        own: the caller's slow calls.
        free: how many more calls may be away.
    """
    return own < free


class Waiting(NamedTuple):
    """A call that waits to go on.

    Attributes:
        caller: whose it is.
        turn_ns: when it had its last turn, or began.
    """

    caller: str
    turn_ns: int


def next_turn(waiting: Sequence[Waiting], turns_ns: Mapping[str, int]) -> int:
    """Return the place of the call that goes on next.

    Args:
        waiting: the calls that wait; at least one.
        turns_ns: when each caller had its last turn, but for callers who had none.
    """
    return min(
        range(len(waiting)),
        key=lambda place: (
            turns_ns.get(waiting[place].caller, 0),
            waiting[place].turn_ns,
        ),
    )


class Taking(NamedTuple):
    """A call that takes memory.

    Attributes:
        caller: whose it is.
        memory_bytes: by how much the process grew by it.
    """

    caller: str
    memory_bytes: int


def largest(taking: Sequence[Taking]) -> int:
    """Return the place of the call to end, where calls take too much together.

    Args:
        taking: the calls; at least one.
    """
    of_caller = Counter[str]()
    for each in taking:
        of_caller[each.caller] += each.memory_bytes
    return max(
        range(len(taking)),
        key=lambda place: (of_caller[taking[place].caller], taking[place].memory_bytes),
    )


class Places(Protocol):
    """The places for slow calls."""

    @property
    def free(self) -> int:
        """How many more calls may be away."""
        ...

    @property
    def free_to_hang(self) -> int:
        """How many more calls in Python may hang."""
        ...


class CallShares:
    """The slow calls of each caller.

    Attributes:
        is_quiet: nobody has a slow call. Most calls look no further.
    """

    def __init__(self) -> None:
        self.is_quiet = True
        self._own = Counter[str]()

    def began(self, caller: str) -> None:
        """Count a call that is away now."""
        self._own[caller] += 1
        self.is_quiet = False

    def ended(self, caller: str) -> None:
        """Count a call no more, which is over."""
        self._own[caller] -= 1
        if not self._own[caller]:
            del self._own[caller]
        self.is_quiet = not self._own

    def may_begin(self, caller: str, places: Places, *, in_python: bool) -> bool:
        """Return whether a caller may begin another call, as it may be slow."""
        own = self._own[caller]
        return may_begin(own, places.free) and (
            not in_python or may_begin(own, places.free_to_hang)
        )
