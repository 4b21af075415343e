"""Threads that may step a node, and the calls of an application's code they make."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from threading import Lock, get_ident
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.enclave.code_origin import OwnThread
from ccfpy.enclave.ending import TracedThread

if TYPE_CHECKING:
    from ccfpy.enclave.ending import Ending
    from ccfpy.enclave.holding import Hold


class AwayCall:
    """A call that the node goes on without; the node knows the call by this object.

    Attributes:
        is_given_up: whether its caller has been answered without it.
        is_being_given_up: whether a thread is about to do that.
        caller: whose call it is.
    """

    __slots__ = ("caller", "is_being_given_up", "is_given_up")

    def __init__(self) -> None:
        self.caller = ""
        self.is_given_up = False
        self.is_being_given_up = False


class Gate:
    """What each call looks at as it begins, where compiled code finds it at once.

    Attributes:
        is_watched: whether the watchdog looks at calls now.
        free: how many more calls may be away.
        free_to_hang: how many more calls of Python may hang.
        is_full: as many calls are away as may be.
        is_python_full: no call of Python can be allowed: too many hang, or are away.
    """

    __slots__ = ("free", "free_to_hang", "is_full", "is_python_full", "is_watched")

    def __init__(self) -> None:
        self.is_watched = False
        self.free = limits.SLOW_CALLS_MAX
        self.free_to_hang = limits.HUNG_CALLS_MAX
        self.is_full = False
        self.is_python_full = False


class Worker:
    """One thread, and the call that it makes.

    Attributes:
        wake: what the thread waits on while it has nothing to do.
        job: what it does when woken; nothing ends the thread.
        is_driver: whether it takes what the host says.
        is_offered: whether the node may be taken from the thread, which is while its
            call runs. Only the thread makes the offer.
        is_wanted: whether somebody is about to take the node, or has. The thread looks
            here after it has ended its offer; who takes the node writes here before a
            look at the offer. So one of the two sees the other, and pays for a lock.
        away: the call without which the node went on, until the thread's part in that
            step is over.
        is_calling: whether a call's function runs.
        is_using_node: whether that function uses the node.
        began_ns: when the call began, by which it is known.
        seen_ns: when that began which the last look saw.
        execution_ms_max: how long the call may take; 0 if it ends by itself.
        memory_bytes_max: by how much the process may grow by slow calls.
        grown_bytes: by how much the process grew by this call, as far as is known.
        cpu_ns: the processor time of the thread when it was read last.
        ending: ends the call, or an earlier one.
        hold: makes the call wait for others, or made an earlier one wait.
        turn_ns: when the call was last let go on, or was first seen.
        waited_ns: how long calls of the thread have waited for their turns, in all.
        waited_before_ns: how much of that was before the call began.
        traced: the thread, for who traces it.
    """

    __slots__ = (
        "_deciding",
        "away",
        "began_ns",
        "cpu_ns",
        "ending",
        "execution_ms_max",
        "grown_bytes",
        "hold",
        "ident",
        "is_calling",
        "is_driver",
        "is_offered",
        "is_using_node",
        "is_wanted",
        "job",
        "memory_bytes_max",
        "seen_ns",
        "traced",
        "turn_ns",
        "waited_before_ns",
        "waited_ns",
        "wake",
    )

    def __init__(self) -> None:
        self.wake = _locked()
        self.job: Callable[[Worker], None] | None = None
        self.is_driver = False
        self.is_offered = False
        self.is_wanted = False
        self._deciding = Lock()
        self.away: AwayCall | None = None
        self.is_calling = False
        self.is_using_node = False
        self.began_ns = 0
        self.seen_ns = 0
        self.execution_ms_max = 0
        self.memory_bytes_max = 0
        self.grown_bytes = 0
        self.cpu_ns = 0
        self.ending: Ending | None = None
        self.hold: Hold | None = None
        self.turn_ns = 0
        self.waited_ns = 0
        self.waited_before_ns = 0
        self.ident = 0
        self.traced: TracedThread | None = None

    @property
    def is_script(self) -> bool:
        """Whether the call is a script's, which has limits and memory of its own."""
        return not self.execution_ms_max

    @property
    def caller(self) -> str:
        """Whose call it is, as far as is known yet."""
        away = self.away
        return "" if away is None else away.caller

    @property
    def is_given_up(self) -> bool:
        """Whether the call's caller was answered without it."""
        away = self.away
        return away is not None and away.is_given_up

    @property
    def held_ns(self) -> int:
        """For how long the call was made to wait for others."""
        hold = self.hold
        waits_ns = 0 if hold is None else hold.waits_ns
        return self.waited_ns - self.waited_before_ns + waits_ns

    def settle(self) -> None:
        """Note that the calling thread is this worker's."""
        self.ident = get_ident()
        self.traced = TracedThread()

    @contextlib.contextmanager
    def nested(self) -> "Iterator[None]":
        """Make another call where the present one uses the node.

        What the other call waits for its turns is no time of the present one's.
        """
        limits_of_outer = self.execution_ms_max, self.memory_bytes_max
        began_ns, waited_before_ns = self.began_ns, self.waited_before_ns
        hold, turn_ns = self.hold, self.turn_ns
        if hold is not None:
            hold.open()  # nobody else knows this hold until the other call is over
        self.is_calling = self.is_using_node = False
        try:
            yield
        finally:
            self.execution_ms_max, self.memory_bytes_max = limits_of_outer
            self.began_ns, self.waited_before_ns = began_ns, waited_before_ns
            self.hold, self.turn_ns = hold, turn_ns
            self.is_calling = self.is_using_node = True

    def take_node(self, call: AwayCall) -> bool:
        """Take the node from this worker's call; return whether that worked.

        Any thread may call this.

        Args:
            call: what the worker's call is known by if the node goes on without it.
        """
        with self._deciding:
            self.is_wanted = True
            if self.is_offered:
                self.away = call
                self.is_offered = False
                return True
            self.is_wanted = False
            return False

    def has_lost_node(self) -> bool:
        """Return whether the node was taken, when nobody can take it any more.

        The worker's thread calls this, after it has ended its offer.
        """
        with self._deciding:
            self.is_wanted = False
        return self.away is not None

    def is_at(self, began_ns: int, ident: int) -> bool:
        """Return whether the call that began then still runs, in the thread given."""
        return self.is_calling and self.began_ns == began_ns and self.ident == ident

    def start(self, job: "Callable[[Worker], None]") -> None:
        """Do something in this worker's thread, which waits for a job."""
        self.job = job
        self.wake.release()


class Workers:
    """The threads of one node: as many as were ever needed at once, and no more.

    They wait for jobs until they are dismissed.

    Attributes:
        all: those that there are.
        most: how many there may be.
    """

    def __init__(
        self, begin: Callable[[Worker], None], end: Callable[[], None]
    ) -> None:
        """Begin with no thread.

        Args:
            begin: called in each thread once.
            end: called in each thread before it ends; returns once nobody uses the
                thread's handle any more.
        """
        self.all: list[Worker] = []
        self.most = workers_max(limits.SLOW_CALLS_MAX)
        self._begin = begin
        self._end = end
        self._idle: deque[Worker] = deque()
        self._is_dismissed = False

    def adopt(self) -> Worker:
        """Make a worker of the calling thread."""
        worker = Worker()
        self._settle(worker)
        self.all.append(worker)
        return worker

    def hire(self) -> Worker | None:
        """Return a worker that waits for a job, or nothing if all are busy.

        One thread at a time may call this.
        """
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        if len(self.all) >= self.most or self._is_dismissed:
            return None
        worker = Worker()
        thread = OwnThread(target=self._run, args=(worker,), name="node", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system has no thread for us
            return None
        self.all.append(worker)
        return worker

    def put_back(self, worker: Worker) -> None:
        """Take back a worker that got no job."""
        self._idle.append(worker)

    def is_idle(self, worker: Worker) -> bool:
        """Return whether a worker waits for a job."""
        return worker in self._idle

    def wait(self, worker: Worker) -> None:
        """Do jobs in the calling thread until it is dismissed."""
        while True:
            self._idle.append(worker)
            if self._is_dismissed:
                break
            self._await_job(worker)
        self._end()

    def dismiss(self) -> None:
        """End the threads that wait, now, and the others when they would wait."""
        self._is_dismissed = True
        with contextlib.suppress(IndexError):
            while True:
                worker = self._idle.pop()
                worker.job = None
                worker.wake.release()

    def _run(self, worker: Worker) -> None:
        self._settle(worker)
        self._await_job(worker)
        self.wait(worker)

    def _await_job(self, worker: Worker) -> None:
        worker.wake.acquire()
        job = worker.job
        worker.job = None
        if job is not None:
            job(worker)

    def _settle(self, worker: Worker) -> None:
        worker.settle()
        self._begin(worker)


def _locked() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


def workers_max(slow_calls_max: int) -> int:
    """Return how many threads a node may need.

    Those of slow calls and of calls that hang, the driver's, and one that gives up
    calls.
    """
    return slow_calls_max + limits.HUNG_CALLS_MAX + 2
