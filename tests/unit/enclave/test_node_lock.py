"""A lock is fair: who has waited longest has it next."""

import threading

from ccfpy.enclave.node_lock import NodeLock
from tests.unit.enclave.small_node import DEADLINE_S, wait_until


def _ask(lock: NodeLock, order: list[int], number: int) -> threading.Thread:
    """Start a thread that waits for a lock, and return once it waits."""

    def wait() -> None:
        lock.acquire()
        order.append(number)
        lock.release()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    wait_until(lambda: len(lock._waiting) > number)
    return thread


def test_threads_get_it_in_the_order_in_which_they_asked() -> None:
    lock, order = NodeLock(), list[int]()
    lock.acquire()
    threads = [_ask(lock, order, number) for number in range(5)]
    lock.release()
    lock.acquire()
    assert order == [0, 1, 2, 3, 4]
    for thread in threads:
        thread.join(DEADLINE_S)


def test_one_thread_may_get_it_and_another_give_it_back() -> None:
    lock = NodeLock()
    lock.acquire()
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join(DEADLINE_S)
    lock.acquire()
    lock.release()
