"""By which calls a process has grown.

Nobody counts what each thread takes. What the process grew by between two readings is
charged to threads by the processor time that each of them used between: memory that was
not touched is not the process's, and touching it takes time. A call that holds Python's
own lock is alone then, and is charged nearly all; a call that waits is charged nothing.
"""

import time
from collections.abc import Sequence
from typing import Final, Protocol

from ccfpy.enclave.workers import Worker

_CAN_TELL: Final = hasattr(time, "pthread_getcpuclockid")


class Meter(Protocol):
    """Measures this process's memory."""

    def data_bytes(self) -> int:
        """Return the bytes that it holds of its own."""
        ...


def charges(grown: int, used_ns: Sequence[int], all_ns: int) -> list[int]:
    """Return how much of a growth each thread is charged.

    Args:
        grown: by how many bytes the process grew; it may have shrunk.
        used_ns: the processor time of each thread.
        all_ns: that of the whole process.
    """
    whole_ns = max(all_ns, sum(used_ns), 1)
    return [grown * each // whole_ns for each in used_ns]


class Growth:
    """Charges what a process grows by to the calls of threads.

    Args:
        meter: of the process's memory.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._bytes = 0
        self._all_ns = 0

    def begin(self, workers: Sequence[Worker]) -> None:
        """Read all meters; nothing is charged to anybody."""
        self._read(workers)

    def charge(self, workers: Sequence[Worker]) -> None:
        """Charge what was taken since the last reading."""
        grown, used_ns, all_ns = self._read(workers)
        for worker, share in zip(workers, charges(grown, used_ns, all_ns), strict=True):
            # What another one gave back is no credit.
            worker.grown_bytes = max(0, worker.grown_bytes + share)

    def _read(self, workers: Sequence[Worker]) -> tuple[int, list[int], int]:
        """Read all meters, and return how much more they show than the last time."""
        before = self._bytes, self._all_ns
        self._bytes, self._all_ns = self._meter.data_bytes(), time.process_time_ns()
        used_ns = []
        for worker in workers:
            was_ns, worker.cpu_ns = worker.cpu_ns, _used_ns(worker)
            used_ns.append(worker.cpu_ns - was_ns)
        return self._bytes - before[0], used_ns, self._all_ns - before[1]


def _used_ns(worker: Worker) -> int:
    """Return the processor time of a thread; any number that grows if none can tell."""
    if not worker.ident:
        return 0
    if not _CAN_TELL:
        return time.monotonic_ns() if worker.is_calling else worker.cpu_ns
    return time.clock_gettime_ns(time.pthread_getcpuclockid(worker.ident))
