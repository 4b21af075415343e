"""Threads are hired when there is work, kept, and dismissed."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from ccfpy.base import limits
from ccfpy.enclave.workers import Worker, Workers, workers_max
from tests.unit.enclave.small_node import wait_until


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


def test_one_party_alone_can_take_the_node() -> None:
    worker = Worker()
    assert not worker.take_node(), "no call is under way"
    worker.token.append(None)
    assert worker.take_node()
    assert not worker.take_node()
