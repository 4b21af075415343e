"""Threads are hired when there is work, kept, and dismissed."""

import sys
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from ccfpy.base import limits
from ccfpy.enclave.workers import AwayCall, Worker, Workers, workers_max
from tests.unit.enclave.small_node import wait_until

DEADLINE_S = 60.0
OFFERS = 50


@pytest.fixture
def workers() -> Iterator[Workers]:
    ended: list[int] = []
    made = Workers(lambda _: None, lambda: ended.append(threading.get_ident()))
    yield made
    made.dismiss()
    wait_until(lambda: len(ended) == len(made.all))


def _hire(workers: Workers) -> Worker:
    worker = workers.hire()
    assert worker is not None
    return worker


def test_a_worker_does_a_job_in_a_thread_of_its_own_and_waits_for_another(
    workers: Workers,
) -> None:
    worker, done = _hire(workers), list[tuple[Worker, int]]()
    for count in (1, 2, 3):
        worker.start(lambda me: done.append((me, threading.get_ident())))
        wait_until(partial(workers.is_idle, worker))
        assert done == [(worker, worker.ident)] * count
        assert _hire(workers) is worker
    assert worker.ident != threading.get_ident()
    workers.put_back(worker)


def test_there_are_so_many_workers_and_no_more(workers: Workers) -> None:
    hired = [_hire(workers) for _ in range(workers_max(limits.SLOW_CALLS_MAX))]
    assert len(set(hired)) == workers_max(limits.SLOW_CALLS_MAX)
    assert workers.hire() is None
    for worker in hired:
        workers.put_back(worker)
    assert _hire(workers) is hired[-1]
    workers.put_back(hired[-1])


def test_nobody_is_hired_once_all_are_dismissed(workers: Workers) -> None:
    workers.dismiss()
    assert workers.hire() is None


def test_one_party_alone_has_the_node() -> None:
    worker, call = Worker(), AwayCall()
    assert not worker.take_node(call), "no call is under way"
    assert not worker.is_wanted, "the thread pays for no lock"
    worker.is_offered = True
    assert worker.take_node(call)
    assert not worker.take_node(AwayCall())
    worker.is_offered = False
    assert worker.has_lost_node()
    assert worker.away is call


@pytest.mark.parametrize("looks_first", [True, False])
def test_a_thread_that_ends_its_offer_while_another_decides_waits_for_that(
    looks_first: bool,
) -> None:
    worker, call, lost = Worker(), AwayCall(), list[bool]()
    worker.is_offered = True
    # Who takes the node has said so, and not yet looked at the offer.
    with worker._deciding:
        worker.is_wanted = True
        if looks_first:
            worker.away = call
        worker.is_offered = False
        assert worker.is_wanted
        thread = threading.Thread(target=lambda: lost.append(worker.has_lost_node()))
        thread.start()
        assert lost == []
        if not looks_first:
            worker.is_wanted = False
    thread.join()
    assert lost == [looks_first]
    assert not worker.is_wanted


@pytest.fixture
def hasty() -> Iterator[None]:
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.usefixtures("hasty")
def test_two_threads_agree_each_time_on_who_has_the_node() -> None:
    worker, is_over = Worker(), threading.Event()
    taken, lost = list[AwayCall](), list[AwayCall]()

    def take() -> None:
        while not is_over.is_set():
            call = AwayCall()
            if worker.take_node(call):
                taken.append(call)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    until, offers, kept = time.monotonic() + DEADLINE_S, 0, 0
    while kept < OFFERS or len(lost) < OFFERS:
        assert time.monotonic() < until, f"{kept} offers kept, {len(lost)} taken"
        worker.is_offered = True
        if (offers := offers + 1) % 2:
            time.sleep(0.0001)  # the application's code is slow
        worker.is_offered = False
        if not (worker.is_wanted or worker.away is not None):
            kept += 1
        elif worker.has_lost_node():
            assert worker.away is not None
            lost.append(worker.away)
            worker.away = None
    is_over.set()
    thread.join(DEADLINE_S)
    assert lost == taken
