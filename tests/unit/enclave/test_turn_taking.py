"""Few slow calls run at once: the others wait, and all have turns."""

import os
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from ccfpy.base import limits
from ccfpy.enclave.holding import HOLDS_PYTHON, Hold
from ccfpy.enclave.watchdog import TurnTaking, scripts_at_once
from ccfpy.enclave.workers import AwayCall, Worker
from tests.attacks import attack
from tests.unit.enclave.small_node import LONG_MS, Enclave, wait_until

MS = 1_000_000
TURN_NS = limits.SLOW_CALL_TURN_MS * MS
SPINS = ("spin0", "spin1", "spin2")


@pytest.fixture
def enclave() -> Iterator[Enclave]:
    started = Enclave({})
    yield started
    started.end()


@pytest.mark.skipif(not HOLDS_PYTHON, reason="this Python cannot hold a call")
@attack("applications: many calls that compute without end")
def test_calls_that_compute_go_on_in_turns_and_all_of_them_do(
    enclave: Enclave,
) -> None:
    steps = dict.fromkeys(SPINS, 0)
    is_over = False

    def spin(name: str) -> int:
        while not is_over:
            steps[name] += 1
        return steps[name]

    for name in SPINS:
        enclave.node.functions[name] = partial(lambda name, _: spin(name), name)
    enclave.ask(*SPINS, "nothing")
    assert enclave.hear() == ["nothing"]
    workers = enclave.threads._stepping.workers

    def held() -> int:
        return sum(
            worker.hold is not None and worker.hold.is_waiting for worker in workers
        )

    wait_until(lambda: held() == len(SPINS) - 1)
    before = dict(steps)
    wait_until(lambda: all(steps[name] > before[name] for name in SPINS))
    is_over = True
    answers = enclave.hear(len(SPINS))
    assert {answer.partition(":")[0] for answer in answers} == set(SPINS)


@pytest.mark.skipif(not HOLDS_PYTHON, reason="this Python cannot hold a call")
def test_the_time_in_which_a_call_is_held_is_not_its_own(enclave: Enclave) -> None:
    def spin(_: object) -> None:
        while True:
            pass

    most_ms = 60
    enclave.node.execution_ms_max = most_ms
    for name in SPINS:
        enclave.node.functions[name] = spin
    began_s = time.monotonic()
    enclave.ask(*SPINS, "nothing")
    assert enclave.hear() == ["nothing"]
    assert all("may take 60 ms" in answer for answer in enclave.hear(len(SPINS)))
    assert time.monotonic() - began_s > len(SPINS) * most_ms / 1000 / 2


@pytest.mark.newest
@attack("applications: many calls that compute without end")
def test_each_of_many_endless_calls_is_ended_in_time(enclave: Enclave) -> None:
    def spin(_: object) -> None:
        while True:
            pass

    names = [f"spin{number}" for number in range(12)]
    enclave.node.execution_ms_max = 60
    enclave.node.functions |= dict.fromkeys(names, spin)
    for _ in range(5):
        enclave.ask(*names)
        assert all("may take 60 ms" in answer for answer in enclave.hear(len(names)))
    wait_until(lambda: not enclave.threads.is_any_busy)


def test_what_a_nested_call_waits_for_its_turn_is_not_the_outer_calls_time() -> None:
    worker = Worker()
    worker.settle()
    worker.began_ns, worker.waited_ns, worker.waited_before_ns = 1, 7, 5
    worker.turn_ns = 3
    assert worker.traced is not None
    worker.hold = hold = Hold(worker, 1, worker.traced, frozenset())
    hold.close(is_script=True)
    with worker.nested():
        assert not hold.is_closed, "nobody would open it meanwhile"
        worker.began_ns, worker.waited_before_ns = 2, worker.waited_ns
        worker.turn_ns = 9
        worker.hold = Hold(worker, 2, worker.traced, frozenset())
        worker.waited_ns += 100
        assert worker.held_ns == 100
    after = worker.hold, worker.turn_ns, worker.held_ns
    assert after == (hold, 3, 102)


def test_a_call_that_is_alone_is_never_held(enclave: Enclave) -> None:
    def spin(_: object) -> int:
        until_s = time.monotonic() + 0.1
        while time.monotonic() < until_s:
            pass
        return max(worker.held_ns for worker in enclave.threads._stepping.workers)

    enclave.node.execution_ms_max = LONG_MS
    assert enclave.call(spin) == "it: 0"


@pytest.mark.skipif(not HOLDS_PYTHON, reason="this Python cannot hold a call")
def test_held_calls_are_let_go_at_the_end() -> None:
    before = set(threading.enumerate())
    enclave = Enclave({})
    is_over = False

    def spin(_: object) -> None:
        while not is_over:
            pass

    for name in SPINS:
        enclave.node.functions[name] = spin
    enclave.ask(*SPINS, "nothing")
    assert enclave.hear() == ["nothing"]
    workers = enclave.threads._stepping.workers
    wait_until(
        lambda: any(
            worker.hold is not None and worker.hold.is_waiting for worker in workers
        )
    )
    enclave.host.close()
    wait_until(
        lambda: all(
            worker.hold is None or not worker.hold.is_closed for worker in workers
        )
    )
    is_over = True
    enclave.end()
    wait_until(lambda: not set(threading.enumerate()) - before)


class World:
    """Scripts that are away, whose threads a test moves."""

    def __init__(self, *callers: str) -> None:
        self.now_ns = 1
        self.turns = TurnTaking(frozenset(), scripts_max=1, now_ns=lambda: self.now_ns)
        self.workers = [self._worker(caller) for caller in callers]

    def _worker(self, caller: str) -> Worker:
        worker = Worker()
        worker.settle()
        worker.is_calling = True
        worker.away = AwayCall()
        worker.away.caller = caller
        worker.began_ns = self.now_ns
        self.now_ns += 1
        return worker

    def look(self) -> list[int]:
        """Look once, and return the places of those that run."""
        self.turns.look(self.workers)
        running = []
        for place, worker in enumerate(self.workers):
            assert worker.hold is not None
            if worker.hold.is_closed:
                worker.hold._since_ns = worker.hold._since_ns or 1  # it waits
            else:
                worker.hold._since_ns = 0
                running.append(place)
        return running


def test_turns_pass_from_caller_to_caller() -> None:
    world = World("a", "a", "b")
    assert world.look() == [0]
    had = []
    for _ in range(6):
        world.now_ns += TURN_NS
        (place,) = world.look()
        had.append(world.workers[place].caller)
    assert had.count("b") == 3


def test_a_turn_lasts_so_long_if_others_wait_and_else_on() -> None:
    world = World("a", "b")
    assert world.look() == [0]
    world.now_ns += TURN_NS - 10
    assert world.look() == [0]
    world.now_ns += 10
    assert world.look() == [1]
    del world.workers[0]
    world.now_ns += 10 * TURN_NS
    assert world.look() == [0]


def test_a_call_that_is_ended_has_no_turn_any_more() -> None:
    world = World("a", "b")
    world.look()
    world.turns.release(world.workers[1])
    assert world.workers[1].hold is not None
    assert not world.workers[1].hold.is_closed


def test_a_processor_is_left_to_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, scripts in ((1, 1), (2, 1), (8, 7)):
        found = set(range(processors))
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, found=found: found, raising=False
        )
        assert scripts_at_once() == scripts
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert scripts_at_once() == 1
