"""Processes that read chunks, however many and wherever they are.

The work is a function of one chunk; ``in_order`` gives its results in the ledger's
order and keeps only so many chunks in hand that memory does not grow with the ledger.
Processes of this machine come from ``local_readers``, those of a cluster from
``audit.cluster``.
"""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from ccfpy.base.errors import CcfpyError

CHUNKS_PER_READER = 2
"""In hand for each reader: the one it reads, and the next."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class ReaderLost(CcfpyError):
    """A process that read chunks has ended, killed or for want of memory."""


class Inline(Executor):
    """Does the work at once, in this process."""

    def submit(
        self,
        fn: Callable[..., Result],
        /,
        *args: object,
        **kwargs: object,
    ) -> Future[Result]:
        """Call, and give what came out."""
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - raised when the result is asked for
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Processes to read with.

    Attributes:
        executor: what hands them work.
        ahead: how many chunks may be in hand at once.
        failures: what the executor raises when a process is lost.
    """

    executor: Executor = field(default_factory=Inline)
    ahead: int = 1
    failures: tuple[type[Exception], ...] = (BrokenExecutor,)

    def result(self, future: Future[Result]) -> Result:
        """Wait for a result.

        Raises:
            ReaderLost: it will not come.
        """
        try:
            return future.result()
        except self.failures as error:
            raise ReaderLost(
                f"a process that reads chunks was lost: {error}"
            ) from error


def processors() -> int:
    """Count the processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


@contextmanager
def local_readers(processes: int) -> Iterator[Readers]:
    """Read with so many processes of this machine; one is this process itself."""
    if processes == 1:
        yield Readers()
        return
    with _interrupts_ignored():
        pool = ProcessPoolExecutor(
            processes,
            # A fork would copy whatever this process holds, and its threads' locks.
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_ignore_interrupts,
        )
        for _ in range(processes):
            pool.submit(processors)  # each task starts a process while none is idle
    try:
        yield Readers(executor=pool, ahead=CHUNKS_PER_READER * processes)
    finally:
        pool.shutdown(cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Make processes that are started meanwhile ignore Ctrl-C from the start.

    It reaches all of a terminal's processes; this one alone has something to tell.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def in_order(
    readers: Readers, work: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[tuple[Item, Result]]:
    """Do ``work`` for each item, and give the results in the items' order.

    Args:
        readers: who does it.
        work: a module's function, or a ``partial`` of one, so that it can be sent.
        items: what to work on; they are sent, too.

    Raises:
        ReaderLost: a result will not come.
    """
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        for item in items:
            waiting.append((item, readers.executor.submit(work, item)))
            if len(waiting) >= readers.ahead:
                first, future = waiting.popleft()
                yield first, readers.result(future)
        while waiting:
            first, future = waiting.popleft()
            yield first, readers.result(future)
    finally:
        for _, future in waiting:
            future.cancel()
