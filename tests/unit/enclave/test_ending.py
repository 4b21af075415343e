"""Code that does not end is ended, in its own lines, and whatever it catches."""

import contextlib
import gc
import itertools
import statistics
import time
from collections.abc import Callable, Iterator

import pytest

from ccfpy.base import json_size, limits
from tests.attacks import attack
from tests.unit.enclave.small_node import (
    DEADLINE_S,
    SHORT_MS,
    Enclave,
    Function,
    SmallNode,
)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call is given up that a slow machine has not come round to end."""
    monkeypatch.setattr(limits, "SLOW_CALL_GIVEN_UP_MS", int(DEADLINE_S * 1000))


@pytest.fixture
def enclave() -> Iterator[Enclave]:
    gc.disable()  # Hypothesis follows it in Python: in a line that may be ended
    started = Enclave({})
    yield started
    gc.enable()
    started.end()


def _loop(_: object) -> None:
    while True:
        len("")


def _loop_in_one_step(_: object) -> None:
    while True:
        pass


def _sleep(_: object) -> None:
    while True:
        time.sleep(0.001)


def _in_the_library(_: object) -> None:
    while True:
        statistics.mean(range(1000))


def _in_the_library_for_good(_: object) -> None:
    statistics.mean(itertools.count())


def _generate(_: object) -> None:
    sum(number for number in itertools.count())


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


def _catch_at_each_depth(depth: object) -> None:
    left = depth if isinstance(depth, int) else 20
    while True:
        try:
            try:
                _catch_at_each_depth(left - 1) if left else len("")
            except BaseException:  # noqa: BLE001
                continue
            finally:
                len("")
        except BaseException:  # noqa: BLE001
            continue


def _suppress(_: object) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(0.001)


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
    _loop_in_one_step,
    _sleep,
    _in_the_library,
    _in_the_library_for_good,
    _generate,
    _catch,
    _catch_twice,
    _catch_at_each_depth,
    _suppress,
    _never_finally,
    _swallow_and_return,
]


@attack("applications: a handler without end")
@pytest.mark.parametrize("function", ENDLESS, ids=lambda function: function.__name__)
def test_what_does_not_end_is_ended(enclave: Enclave, function: Function) -> None:
    answer = enclave.call(function, SHORT_MS)
    assert answer.startswith("stopped: it took ")
    assert "may take 30 ms, at " in answer
    assert ".py:" in answer
    assert enclave.node.stopped[0].is_late


@attack("applications: a handler without end")
def test_recursion_without_end_is_ended(enclave: Enclave) -> None:
    """There may be no room left to ask whether to raise, which raises too."""
    assert "may take 30 ms" in enclave.call(_recurse, SHORT_MS)


def test_clean_up_has_time(enclave: Enclave) -> None:
    cleaned: list[int] = []

    def clean_up(_: object) -> None:
        try:
            _loop(None)
        finally:
            cleaned.extend(range(1000))

    assert "may take 30 ms" in enclave.call(clean_up, SHORT_MS)
    assert len(cleaned) == 1000


ROWS = [[[number]] for number in range(30_000)]
"""A value that takes ccfpy many ticks to count: the application's own lines are too
short for any tick to come upon."""


@pytest.mark.newest
def test_no_line_of_ours_is_cut_off(enclave: Enclave) -> None:
    cut: list[BaseException] = []

    def ask(_: object) -> None:
        while True:
            try:
                json_size.check_size(ROWS)
            except BaseException as error:
                cut.append(error)
                raise

    assert "test_ending.py:" in enclave.call(ask, SHORT_MS)
    for error in cut:
        step = error.__traceback__
        while step is not None:
            assert "json_size" not in step.tb_frame.f_code.co_filename
            step = step.tb_next


def test_what_uses_the_node_is_not_cut_off_where_it_calls_back(
    enclave: Enclave,
) -> None:
    used: list[str] = []

    def use(_: object) -> None:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            len("")
        used.append("whole")

    def ask(node: SmallNode) -> None:
        node.threads.inside(use, None)
        _loop(None)

    assert "test_ending.py:" in enclave.call(ask, SHORT_MS)
    assert used == ["whole"]


def _ask_and_catch(_: object) -> None:
    while True:
        try:
            json_size.check_size(ROWS)
        except BaseException:  # noqa: BLE001 - what careless code does
            continue


def _ask_in_one_line(_: object) -> None:
    for _ in itertools.count(): json_size.check_size(ROWS)  # fmt: skip  # noqa: E701 - one line


@pytest.mark.newest
@attack("applications: a handler that asks the node without end")
@pytest.mark.parametrize("function", [_ask_and_catch, _ask_in_one_line])
def test_a_loop_around_calls_of_ours_is_ended_between_them(
    enclave: Enclave, function: Function
) -> None:
    assert "test_ending.py:" in enclave.call(function, SHORT_MS)


@pytest.mark.newest
def test_nothing_is_raised_once_a_call_is_over(enclave: Enclave) -> None:
    """What is called has just the time that it may take, so that ends cross."""
    raised: list[BaseException] = []
    halves_ms = itertools.cycle(range(50))

    def just_in_time(_: object) -> None:
        until = time.monotonic() + 0.0005 * next(halves_ms)
        while time.monotonic() < until:
            len("")

    def after(_: object) -> str:
        try:
            for _ in range(1000):
                len("")
        except BaseException as error:
            raised.append(error)
            raise
        return "well"

    enclave.node.functions["beside"] = after
    for _ in range(200):
        answer = enclave.call(just_in_time, 15)
        assert answer == "it: None" or "may take 15 ms" in answer
        enclave.ask("beside")
        assert enclave.hear() == ["beside: well"]
    assert not raised


class _Resisting:
    """An object whose end takes long; Python goes on when that is cut off."""

    def __init__(self, goes_on: Callable[[], bool]) -> None:
        self._goes_on = goes_on

    def __del__(self) -> None:
        until = time.monotonic() + 0.01
        while self._goes_on() and time.monotonic() < until:
            len("")


@pytest.mark.newest
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_cannot_be_ended_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(limits, "WATCHDOG_ATTEMPTS_MAX", 2)
    enclave = Enclave({}, stuck=told.append)

    def hold(_: object) -> None:
        many = [_Resisting(lambda: not told) for _ in range(100_000)]
        many.clear()

    assert "may take 30 ms" in enclave.call(hold, SHORT_MS)
    enclave.end()
    assert "it cannot be ended" in told[0]
