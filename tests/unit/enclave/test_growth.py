"""What a process grows by is charged to the calls that work meanwhile."""

import threading
import time
from collections.abc import Sequence

import pytest

from ccfpy.enclave.watchdog import Growth, charges
from ccfpy.enclave.workers import Worker

MS = 1_000_000


@pytest.mark.parametrize(
    ("grown", "used_ns", "all_ns", "charged"),
    [
        (100, [10], 10, [100]),
        (100, [10, 0], 10, [100, 0]),
        (100, [10, 30], 40, [25, 75]),
        (100, [10], 40, [25]),
        (-100, [10, 10], 20, [-50, -50]),
        (100, [10, 10], 5, [50, 50]),
        (100, [0], 0, [0]),
    ],
)
def test_growth_is_charged_by_the_time_that_each_works(
    grown: int, used_ns: Sequence[int], all_ns: int, charged: Sequence[int]
) -> None:
    assert charges(grown, used_ns, all_ns) == charged


class Stepped:
    """A meter that shows 1000 bytes more at each reading."""

    def __init__(self) -> None:
        self.bytes = 0

    def data_bytes(self) -> int:
        self.bytes += 1000
        return self.bytes


def test_who_works_is_charged_and_who_waits_is_not() -> None:
    here, waiting = Worker(), Worker()
    here.settle()
    here.is_calling = waiting.is_calling = True
    over = threading.Event()
    settled = threading.Event()

    def wait() -> None:
        waiting.settle()
        settled.set()
        over.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    settled.wait()
    growth = Growth(Stepped())
    growth.begin([here, waiting])
    until_ns = time.thread_time_ns() + 5 * MS
    while time.thread_time_ns() < until_ns:
        pass
    growth.charge([here, waiting])
    over.set()
    thread.join()
    assert 0 < here.grown_bytes <= 1000
    assert waiting.grown_bytes < here.grown_bytes / 2


class Shrinking(Stepped):
    """A meter that shows 1000 bytes less at each reading."""

    def data_bytes(self) -> int:
        return -super().data_bytes()


def test_what_others_gave_back_is_no_credit() -> None:
    worker = Worker()
    worker.settle()
    growth = Growth(Shrinking())
    growth.begin([worker])
    growth.charge([worker])
    assert worker.grown_bytes == 0
