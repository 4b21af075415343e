"""What it costs a read that an application's calls are watched, on a node's threads.

One enclave answers reads in turns: some that the watchdog looks after, as usual, and
some with a handler whose time is not limited, which is called directly. A turn is one
step, of a third of a millisecond, since the processor's speed changes within
milliseconds where others use the processor too: so what slows the one slows the other.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from benchmarks.harness.scripted import ThreadedNode, scripted_channel
from benchmarks.step import CONNECTIONS, opened_node_of, read_request, write_request
from ccfpy.boundary.events import SessionData
from ccfpy.boundary.wire import EVENTS
from ccfpy.enclave.loop import NODE, Conversation
from ccfpy.endpoints.app_calls import UNLIMITED

AT_ONCE = 32
"""The reads of a turn."""
FOURS = 640
"""How often four turns follow each other for a figure: watched, not, not, watched. More
do not fit: a node stops hearing clients who take no answers, as those here do."""
_WATCHED: Final = (True, False, False, True)


def watching_costs_us(repeats: int, *, fours: int = FOURS) -> tuple[float, ...]:
    """Return how much CPU time a watched read takes beyond another, in µs, each time.

    Each figure is of a node of its own, and the median of the fours' differences.
    """
    return tuple(_apart_us(fours) for _ in range(repeats))


def _apart_us(fours: int) -> float:
    turns_us = _turns_us(4 * fours)
    apart_us: list[float] = []
    for at in range(0, len(turns_us), 4):
        first, second, third, fourth = turns_us[at : at + 4]
        apart_us.append((first + fourth - second - third) / 2)
    return statistics.median(apart_us)


def _turns_us(turns: int) -> list[float]:
    """Return what a read takes in each turn, in µs."""
    node, clients = opened_node_of(ThreadedNode)
    clients[0].send(write_request(0))
    raw = read_request(0)

    def frame(at: int) -> bytes:
        speakers = (clients[(AT_ONCE * at + i) % CONNECTIONS] for i in range(AT_ONCE))
        return EVENTS.encode(
            [
                SessionData(session=each.session, data=each.encrypt(raw))
                for each in speakers
            ]
        )

    # After the last turn one more comes, before which the clock is read.
    frames = [frame(at) for at in range(turns + 1)]
    bounds = node.trusted._calls.limits  # noqa: SLF001 - no vote between two turns
    usual_ms = bounds.execution_ms_max
    moments_s: list[float] = []

    def begin(*, is_watched: bool) -> None:
        bounds.execution_ms_max = usual_ms if is_watched else UNLIMITED
        moments_s.append(time.process_time())

    def beginning(turn: int) -> Callable[[], None]:
        return lambda: begin(is_watched=_WATCHED[turn % 4])

    before: Mapping[int, Callable[[], None]] = {
        turn: beginning(turn) for turn in range(turns + 1)
    }
    gc.collect()
    channel = scripted_channel(frames, before)
    node.threads.drive(node.trusted, Conversation(NODE, channel), started=lambda: None)
    return [1e6 * (end_s - began_s) / AT_ONCE for began_s, end_s in pairwise(moments_s)]
