"""Code that does not end is ended, in its own lines, and whatever it catches."""

import contextlib
import gc
import itertools
import signal
import statistics
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

import ccfpy
from ccfpy.base import json_size, limits
from ccfpy.base.limits import MIB
from ccfpy.base.ports import CallStopped
from ccfpy.enclave.ports import SystemMemory
from ccfpy.enclave.watchdog import (
    SignalWatchdog,
    Unwatched,
    Whose,
    system_watchdog,
    whose,
)
from tests.attacks import attack

SHORT_MS = 30
LONG_MS = 60_000
DEADLINE_S = 60.0
SOON_S = 5.0
MEMORY_BYTES = 128 * MIB

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="no interval timers here"
)


@pytest.fixture
def watchdog() -> Iterator[SignalWatchdog]:
    """A watchdog of this thread; the signal is given back afterwards."""
    before = signal.getsignal(signal.SIGALRM)
    gc.disable()  # Hypothesis follows it in Python: a line that a tick may come upon
    yield SignalWatchdog(SystemMemory())
    gc.enable()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _stopped(
    watchdog: SignalWatchdog,
    function: Callable[[Any], object],
    given: object = None,
    execution_ms_max: int = SHORT_MS,
) -> CallStopped:
    with pytest.raises(CallStopped) as caught:
        watchdog.call(function, given, execution_ms_max, MEMORY_BYTES)
    return caught.value


def _loop(_: object) -> None:
    while True:
        len("")


def _sleep(_: object) -> None:
    time.sleep(DEADLINE_S)


def _in_the_library(_: object) -> None:
    while True:
        statistics.mean(range(1000))


def _catch(_: object) -> None:
    while True:
        try:
            len("")
        except BaseException:  # noqa: BLE001 - what careless code does
            continue


def _catch_twice(_: object) -> None:
    while True:
        try:
            try:
                len("")
            except BaseException:  # noqa: BLE001
                continue
        except BaseException:  # noqa: BLE001
            continue


def _suppress(_: object) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(DEADLINE_S)


def _never_finally(_: object) -> None:
    try:
        _loop(None)
    finally:
        while True:
            time.sleep(0.001)


def _swallow_and_return(_: object) -> str:
    try:
        _loop(None)
    except BaseException:  # noqa: BLE001
        return "nothing happened"
    return "never"


def _recurse(given: object) -> None:
    try:
        _recurse(given)
    except RecursionError:
        _recurse(given)


ENDLESS = [
    _loop,
    _sleep,
    _in_the_library,
    _catch,
    _catch_twice,
    _suppress,
    _never_finally,
    _swallow_and_return,
    _recurse,
]


@attack("applications: a handler without end")
@pytest.mark.parametrize("function", ENDLESS, ids=lambda function: function.__name__)
def test_what_does_not_end_is_ended(
    watchdog: SignalWatchdog, function: Callable[[object], object]
) -> None:
    stopped = _stopped(watchdog, function)
    assert stopped.is_late
    assert "may take 30 ms" in stopped.reason
    assert "test_watchdog.py:" in stopped.reason


@attack("applications: a handler that takes memory without end")
def test_what_takes_memory_without_end_is_ended(watchdog: SignalWatchdog) -> None:
    def hoard(hoarded: list[bytes]) -> None:
        while True:
            hoarded.append(b"x" * MIB)

    stopped = _stopped(watchdog, hoard, [], LONG_MS)
    assert not stopped.is_late
    assert f"may take {MEMORY_BYTES}" in stopped.reason


def test_what_ends_in_time_returns_or_raises(watchdog: SignalWatchdog) -> None:
    def fail(_: object) -> None:
        raise KeyError("mine")

    assert watchdog.call(len, "four", LONG_MS, MEMORY_BYTES) == 4
    with pytest.raises(KeyError, match="mine"):
        watchdog.call(fail, None, LONG_MS, MEMORY_BYTES)
    assert watchdog.call(len, "four", LONG_MS, MEMORY_BYTES) == 4


def test_what_comes_back_late_from_c_has_failed(watchdog: SignalWatchdog) -> None:
    def compute(_: object) -> int:
        return sum(range(3_000_000))

    assert _stopped(watchdog, compute, None, 1).is_late


def test_a_late_exception_is_not_the_answer(watchdog: SignalWatchdog) -> None:
    def fail(_: object) -> None:
        sum(range(3_000_000))
        raise KeyError("late")

    assert _stopped(watchdog, fail, None, 1).is_late


def test_clean_up_has_time(watchdog: SignalWatchdog) -> None:
    cleaned: list[int] = []

    def clean_up(_: object) -> None:
        try:
            _loop(None)
        finally:
            cleaned.extend(range(1000))

    _stopped(watchdog, clean_up)
    assert len(cleaned) == 1000


ROWS = [[[number]] for number in range(30_000)]
"""A value that takes ccfpy many ticks to count: the application's own lines are too
short for any tick to come upon."""


def test_no_line_of_ours_is_cut_off(watchdog: SignalWatchdog) -> None:
    cut: list[BaseException] = []

    def ask(_: object) -> None:
        while True:
            try:
                json_size.check_size(ROWS)
            except BaseException as error:
                cut.append(error)
                raise

    reason = _stopped(watchdog, ask).reason
    assert "test_watchdog.py:" in reason
    for error in cut:
        step = error.__traceback__
        while step is not None:
            assert "json_size" not in step.tb_frame.f_code.co_filename
            step = step.tb_next


def _ask_and_catch(_: object) -> None:
    while True:
        try:
            json_size.check_size(ROWS)
        except BaseException:  # noqa: BLE001 - what careless code does
            continue


def _ask_in_one_line(_: object) -> None:
    for _ in itertools.count(): json_size.check_size(ROWS)  # fmt: skip  # noqa: E701 - one line


@attack("applications: a handler that asks the node without end")
@pytest.mark.parametrize("function", [_ask_and_catch, _ask_in_one_line])
def test_a_loop_around_calls_of_ours_is_ended_between_them(
    watchdog: SignalWatchdog, function: Callable[[object], None]
) -> None:
    began = time.monotonic()
    assert "test_watchdog.py:" in _stopped(watchdog, function).reason
    assert time.monotonic() - began < SOON_S


def test_nothing_is_raised_once_a_call_is_over(watchdog: SignalWatchdog) -> None:
    for _ in range(3):
        _stopped(watchdog, _loop)
        end = time.monotonic() + 0.05
        while time.monotonic() < end:
            len("")


class _SlowMeter:
    """A meter that is slow once, as on a crowded machine: the next tick comes
    meanwhile."""

    def __init__(self) -> None:
        self.asked = 0

    def data_bytes(self) -> int:
        """Return nothing before a call, and too much during it."""
        self.asked += 1
        if self.asked == 2:
            signal.raise_signal(signal.SIGALRM)
        return 0 if self.asked == 1 else 2 * MEMORY_BYTES


# No line of ours is cut off, and a real meter is ours.
_SlowMeter.data_bytes.__code__ = _SlowMeter.data_bytes.__code__.replace(
    co_filename=ccfpy.__file__
)


def test_a_tick_within_a_tick_leaves_nothing_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    meter = _SlowMeter()
    try:
        _stopped(SignalWatchdog(meter), time.sleep, 0.1, LONG_MS)
        assert meter.asked >= 2
        assert sys.gettrace() is None
    finally:
        sys.settrace(None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_call_within_another_is_under_its_limit(watchdog: SignalWatchdog) -> None:
    def outer(_: object) -> object:
        return watchdog.call(_loop, None, LONG_MS, MEMORY_BYTES)

    assert "may take 30 ms" in _stopped(watchdog, outer).reason
    assert watchdog.call(len, "", LONG_MS, MEMORY_BYTES) == 0


def test_the_timer_rests_when_nothing_is_called(watchdog: SignalWatchdog) -> None:
    watchdog.call(len, "", LONG_MS, MEMORY_BYTES)
    assert signal.getitimer(signal.ITIMER_REAL)[1] > 0
    deadline = time.monotonic() + DEADLINE_S
    while signal.getitimer(signal.ITIMER_REAL)[1] > 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    _stopped(watchdog, _loop)


def test_one_that_cannot_be_ended_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(limits, "WATCHDOG_ATTEMPTS_MAX", 2)
    watchdog = SignalWatchdog(SystemMemory(), stuck=told.append)

    def hold(depth: int) -> None:
        while not told:
            try:
                hold(depth - 1) if depth else time.sleep(0.001)
            except BaseException:  # noqa: BLE001
                continue

    try:
        _stopped(watchdog, hold, 20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert "it cannot be ended" in told[0]


OURS = Path(ccfpy.__file__).parent


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (__file__, Whose.APP),
        ("/opt/somebody/app.py", Whose.APP),
        (f"{OURS}/share/apps/logging/app.py", Whose.APP),
        (f"{sysconfig.get_path('purelib')}/their_library/code.py", Whose.APP),
        (f"{OURS}/kv/tx.py", Whose.OURS),
        (f"{sysconfig.get_path('purelib')}/sortedcontainers/x.py", Whose.OURS),
        (orjson.__file__, Whose.OURS),
        ("<frozen importlib._bootstrap>", Whose.OURS),
        ("<string>", Whose.STANDARD),
        (statistics.__file__, Whose.STANDARD),
    ],
)
def test_whose_code_a_file_holds(file: str, expected: Whose) -> None:
    assert whose(file) is expected


def test_where_there_can_be_none_calls_have_no_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.getsignal(signal.SIGALRM)
    meter = SystemMemory()
    try:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        assert isinstance(system_watchdog(meter), Unwatched)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        made: list[object] = []
        thread = threading.Thread(target=lambda: made.append(system_watchdog(meter)))
        thread.start()
        thread.join()
        assert isinstance(made[0], Unwatched)
        assert isinstance(system_watchdog(meter), SignalWatchdog)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        monkeypatch.delattr(signal, "setitimer")
        unwatched = system_watchdog(meter)
        assert isinstance(unwatched, Unwatched)
        assert unwatched.call(len, "four", 1, 1) == 4
    finally:
        signal.signal(signal.SIGALRM, before)
