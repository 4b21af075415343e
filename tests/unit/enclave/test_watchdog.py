"""Calls are looked after while there are any, and fail if they exceed a limit."""

import operator
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from ccfpy.base import limits
from ccfpy.base.limits import MIB
from ccfpy.boundary.effects import WriteLog
from ccfpy.boundary.lifecycle import ExitCode
from tests.attacks import attack
from tests.unit.enclave.small_node import (
    LONG_MS,
    Enclave,
    wait_until,
)

BOTH = pytest.mark.parametrize("way", ["call", "beside"])


@pytest.fixture
def enclave() -> Iterator[Enclave]:
    started = Enclave({"fast": lambda _: threading.get_ident()})
    yield started
    started.end()


def test_what_comes_back_late_from_c_has_failed(enclave: Enclave) -> None:
    def compute(_: object) -> int:
        return sum(range(3_000_000))

    assert enclave.call(compute, 1).endswith("and may take 1 ms")
    assert enclave.node.stopped[0].is_late


def test_a_call_that_was_taken_up_before_has_less_time(enclave: Enclave) -> None:
    enclave.node.taken_up_ns = time.monotonic_ns()
    assert enclave.call(lambda _: "soon", LONG_MS) == "it: soon"
    enclave.node.taken_up_ns -= LONG_MS * 1_000_000
    assert "and may take" in enclave.call(lambda _: "late", LONG_MS)


def test_a_late_exception_is_not_the_answer(enclave: Enclave) -> None:
    def fail(_: object) -> None:
        sum(range(3_000_000))
        raise KeyError("late")

    # On a slow machine the call is stopped before it raises, and its place is named.
    assert "and may take 1 ms" in enclave.call(fail, 1)


def test_python_threads_take_turns_more_often_while_a_call_is_away(
    enclave: Enclave,
) -> None:
    gate = enclave.gate("it")
    enclave.ask("it", "nothing")
    assert enclave.hear() == ["nothing"]
    assert sys.getswitchinterval() == 0.001
    gate.open()
    enclave.hear()
    wait_until(lambda: sys.getswitchinterval() > 0.001)


def test_many_slow_calls_at_once_hold_the_node_for_little_more_than_one(
    enclave: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SLOW_CALL_MS", 2000)
    gate = enclave.gate("it")
    began_s = time.monotonic()
    enclave.ask(*["it"] * limits.SLOW_CALLS_MAX, "nothing")
    assert enclave.hear() == ["nothing"]
    one_by_one_s = limits.SLOW_CALLS_MAX * limits.SLOW_CALL_MS / 1000
    assert time.monotonic() - began_s < one_by_one_s / 2
    gate.open()
    assert enclave.hear(limits.SLOW_CALLS_MAX) == ["it: open"] * limits.SLOW_CALLS_MAX


def test_a_look_reads_the_memory_once_however_many_calls_there_are(
    enclave: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    reads: list[None] = []
    watchdog, meter = enclave.threads._watchdog, enclave.meter
    look, data_bytes = watchdog._look, meter.data_bytes

    def looking() -> bool:
        looks.append(None)
        return look()

    def reading() -> int:
        reads.append(None)
        return data_bytes()

    gate = enclave.gate("it")
    enclave.ask(*["it"] * limits.SLOW_CALLS_MAX, "nothing")
    assert enclave.hear() == ["nothing"]
    monkeypatch.setattr(meter, "data_bytes", reading)
    monkeypatch.setattr(watchdog, "_look", looking)
    wait_until(lambda: len(looks) >= 20)
    read, looked = len(reads), len(looks)
    assert 0 < read <= looked + 1, "one look may have begun before it was counted"
    gate.open()
    enclave.hear(limits.SLOW_CALLS_MAX)


def test_the_watchdog_rests_when_nothing_is_called(
    enclave: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WATCHDOG_IDLE_TICKS", 2)
    for _ in range(3):
        enclave.ask("fast")
        enclave.hear()
        wait_until(lambda: not enclave.threads._gate.is_watched)
    gate = enclave.gate("it")
    enclave.ask("it", "nothing")
    assert enclave.hear() == ["nothing"]
    gate.open()
    assert enclave.hear() == ["it: open"]


def test_the_node_ends_if_nobody_looks_after_its_calls(
    enclave: Enclave, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> int:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(enclave.meter, "data_bytes", fail)
    enclave.ask("fast")
    heard = enclave.hear_effects(2)
    assert any(
        isinstance(effect, WriteLog) and "ZeroDivisionError at " in effect.message
        for effect in heard
    )
    assert enclave.end() is ExitCode.CRASHED


@attack("applications: a handler that takes memory without end")
def test_what_takes_memory_without_end_is_ended(enclave: Enclave) -> None:
    hoarded: list[bytes] = []

    def hoard(_: object) -> None:
        while True:
            hoarded.append(b"x" * MIB)

    assert "may take 134217728" in enclave.call(hoard, LONG_MS)
    hoarded.clear()
    assert not enclave.node.stopped[0].is_late


@attack("applications: memory that another call takes")
def test_a_call_beside_one_that_takes_memory_goes_on(enclave: Enclave) -> None:
    hoarded: list[bytes] = []
    is_over = False

    def compute(_: object) -> str:
        few: list[bytes] = []
        while not is_over:
            few.append(b"y" * 1000)
            if len(few) > 1000:
                few.clear()
        return "computed"

    def hoard(_: object) -> None:
        while True:
            hoarded.append(b"x" * MIB)

    victim = enclave.gate("sleeps")
    enclave.node.functions["computes"] = compute
    enclave.node.functions["hoards"] = hoard
    enclave.ask("sleeps", "computes", "hoards", "nothing")
    assert enclave.hear() == ["nothing"]
    (ended,) = enclave.hear()
    assert "may take 134217728" in ended
    assert [each.is_late for each in enclave.node.stopped] == [False]
    assert len(hoarded) > 100, "it was the one that was ended"
    hoarded.clear()
    is_over = True
    victim.open()
    assert sorted(enclave.hear(2)) == ["computes: computed", "sleeps: open"]


@attack("applications: memory that another call takes")
def test_memory_is_bounded_beside_a_call_that_hangs_after_its_end(
    enclave: Enclave,
) -> None:
    hoarded: list[bytes] = []
    lock = threading.Lock()
    lock.acquire()
    in_c: list[Callable[[], object]] = [
        partial(time.sleep, 2 * limits.WATCHDOG_TICK_MS / 1000),
        partial(operator.mul, b"x", 200 * MIB),
        lock.acquire,
    ]

    def hoard(_: object) -> None:
        while True:
            hoarded.append(b"x" * MIB)

    def hoard_and_hang(_: object) -> object:
        return list(map(operator.methodcaller("__call__"), in_c))

    enclave.node.functions["hangs"] = hoard_and_hang
    enclave.node.functions["hoards"] = hoard
    enclave.ask("hangs")
    assert "given up: it took" in enclave.hear()[0]
    enclave.ask("hoards")
    (ended,) = enclave.hear()
    assert "may take 134217728" in ended
    assert len(hoarded) < 1000
    hoarded.clear()
    lock.release()
