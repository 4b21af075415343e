"""What the threads of a node cost a call of an application's code that is fast."""

import time
from collections.abc import Callable, Sequence

from benchmarks.harness.scripted import scripted_channel
from ccfpy.base import limits
from ccfpy.boundary.effects import Effect, Stop
from ccfpy.boundary.events import Event, Tick
from ccfpy.boundary.wire import EVENTS
from ccfpy.enclave.loop import NODE, Conversation
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.threads import NodeThreads

COUNT = 50_000
_MS_MAX = 1000


class _Measuring:
    """A node of one step, in which calls are made and measured."""

    def __init__(self, measure: Callable[[], None]) -> None:
        self._measure = measure

    def step(self, events: Sequence[Event]) -> Sequence[Effect]:
        del events
        self._measure()
        return [Stop(exit_code=0, reason="measured")]

    def go_on(self, call: object) -> Sequence[Effect]:
        raise AssertionError(f"{call} was slow")

    def give_up(self, call: object, reason: str) -> Sequence[Effect]:
        raise AssertionError(f"{call} was given up: {reason}")


def threads_cost_us(repeats: int) -> tuple[float, ...]:
    """Return how much longer a call takes on a node's threads, in µs, each time."""
    threads = NodeThreads(SystemMemory())
    # On a busy machine a fast call may be slow. Nobody here goes on beside such a call.
    threads.allow(0)
    costs: list[float] = []

    def plain() -> None:
        for number in range(COUNT):
            _nothing(number)

    def threaded() -> None:
        call = threads.call
        for number in range(COUNT):
            call(_nothing, number, _MS_MAX, limits.APP_MEMORY_BYTES_MAX)

    def measure() -> None:
        costs.extend(_us(threaded) - _us(plain) for _ in range(repeats))

    # A host that wants one step, and does not listen.
    channel = scripted_channel([EVENTS.encode([Tick(monotonic_ms=0, unix_us=0)])], {})
    conversation = Conversation(NODE, channel)
    threads.drive(_Measuring(measure), conversation, started=lambda: None)
    return tuple(costs)


def _nothing(number: int) -> int:
    return number


def _us(function: Callable[[], None]) -> float:
    began = time.thread_time()
    function()
    return 1e6 * (time.thread_time() - began) / COUNT
