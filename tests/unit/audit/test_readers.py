"""Work on chunks is shared out, and its results come in order."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any, TypeVar

import pytest

from ccfpy.audit.readers import (
    Inline,
    ReaderLost,
    Readers,
    in_order,
    local_readers,
    processors,
)
from tests.unit.audit.made import process_id

Result = TypeVar("Result")


class Watched(Executor):
    """An executor that records what it was given."""

    def __init__(self) -> None:
        self.given: list[Future[Any]] = []

    def submit(
        self, fn: Callable[..., Result], /, *args: object, **_: object
    ) -> Future[Result]:
        future = Inline().submit(fn, *args)
        self.given.append(future)
        return future


class Stuck(Watched):
    """Loses the process that has the first item, and never comes to the others."""

    def submit(
        self, _fn: Callable[..., Result], /, *_args: object, **_: object
    ) -> Future[Result]:
        future = Future[Result]()
        if not self.given:
            future.set_exception(BrokenExecutor("killed"))
        self.given.append(future)
        return future


def test_one_reader_is_this_process() -> None:
    with local_readers(1) as readers:
        results = list(in_order(readers, process_id, range(3)))
    assert results == [(item, os.getpid()) for item in range(3)]


@pytest.mark.slow
def test_more_are_processes_of_their_own() -> None:
    with local_readers(2) as readers:
        results = list(in_order(readers, process_id, range(20)))
    assert [item for item, _ in results] == list(range(20))
    processes = {process for _, process in results}
    assert os.getpid() not in processes
    assert 1 <= len(processes) <= 2


def test_only_so_many_items_are_in_hand() -> None:
    watched = Watched()
    results = in_order(Readers(executor=watched, ahead=3), process_id, range(10))
    for turn, (item, _) in enumerate(results):
        assert item == turn
        assert len(watched.given) == min(turn + 3, 10)


def test_a_lost_reader_is_told_and_no_work_is_left_behind() -> None:
    stuck = Stuck()
    with pytest.raises(ReaderLost, match="was lost: killed"):
        list(in_order(Readers(executor=stuck, ahead=3), process_id, range(10)))
    assert [future.cancelled() for future in stuck.given] == [False, True, True]


@pytest.mark.slow
def test_what_the_work_raises_is_raised_here() -> None:
    with local_readers(1) as readers, pytest.raises(ZeroDivisionError):
        list(in_order(readers, _divide, [1, 0]))
    with local_readers(2) as readers, pytest.raises(ZeroDivisionError):
        list(in_order(readers, _divide, [1, 0]))


@pytest.mark.slow
def test_a_process_that_is_killed_is_told() -> None:
    with (
        local_readers(2) as readers,
        pytest.raises(ReaderLost, match="a process that reads chunks was lost"),
    ):
        list(in_order(readers, _end, [1]))


@pytest.mark.slow
def test_an_interrupt_is_for_this_process_alone() -> None:
    """Ctrl-C reaches a terminal's whole group; only one should tell of it."""
    before = signal.getsignal(signal.SIGINT)
    with local_readers(2) as readers:
        assert signal.getsignal(signal.SIGINT) is before
        ((_, process),) = in_order(readers, process_id, [0])
        os.kill(process, signal.SIGINT)
        assert list(in_order(readers, _is_deaf, [0])) == [(0, True)]


def test_another_thread_may_have_readers_too() -> None:
    done: list[tuple[int, int]] = []

    def read() -> None:
        with local_readers(2) as readers:
            done.extend(in_order(readers, process_id, [0]))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert len(done) == 1


def test_there_is_a_processor() -> None:
    assert processors() >= 1


def _is_deaf(_item: int) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def _divide(by: int) -> float:
    return 1 / by


def _end(code: int) -> None:
    os._exit(code)
