"""Calls of an application's code, on threads that keep nobody waiting.

1. A call offers the node to other threads while it runs. A call whose node nobody took
   pays for that with three attributes, and with no operation on a lock.
2. A thread whose call was away waits for the node lock when the call is over. It runs
   code of an application's that it calls after that without the node lock.
"""

from collections.abc import Callable
from threading import get_ident
from time import monotonic_ns
from typing import Final

from ccfpy.base.app_threads import AppThreads
from ccfpy.base.ports import CallGivenUp, CallStopped, Given, Result
from ccfpy.boundary.effects import Effect
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.enclave.loop import Conversation
from ccfpy.enclave.stepping import Stepping, ThreadedSteps
from ccfpy.enclave.watchdog import Meter, reason_of_time
from ccfpy.enclave.workers import AwayCall, Worker

_NS_PER_MS: Final = 1_000_000
_now_ns: Final = monotonic_ns
_thread: Final = get_ident


class NodeThreads(AppThreads):
    """The threads of one node, as ``AppThreads``; calls from other threads are plain.

    They measure time as the node must whose threads they are: by ``SystemClock``.

    Args:
        meter: of the process's memory.
        stuck: called with application code that cannot be stopped; ends the process.
        ended: called with the exit code if the node ends while the thread that began is
            busy, perhaps for good; ends the process.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        stuck: Callable[[str], None] = lambda _: None,
        ended: Callable[[ExitCode], None] = lambda _: None,
    ) -> None:
        self._workers: dict[int, Worker] = {}
        """By their threads' numbers; no other thread has such a number meanwhile."""
        self._last = Worker()
        """The one asked for last, which most calls are made by."""
        self._stepping = Stepping(
            meter,
            self._settle,
            makes_calls=NodeThreads.call,
            stuck=stuck,
            ended=ended,
        )
        self._lock = self._stepping.lock
        self._gate = self._stepping.gate
        self._watchdog = self._stepping.watchdog

    def drive(
        self,
        machine: ThreadedSteps,
        conversation: Conversation[Event, Effect],
        *,
        started: Callable[[], None],
    ) -> ExitCode:
        """Step a node until it stops, beginning with the calling thread; once.

        Args:
            machine: the node.
            conversation: with its host.
            started: called once, after the node's first step.
        """
        return self._stepping.drive(machine, conversation, started=started)

    @property
    def is_any_busy(self) -> bool:
        """Whether a call is under way that nobody waits for, perhaps for good."""
        return any(worker.is_calling for worker in self._stepping.workers)

    @property
    def is_full(self) -> bool:
        """Whether as many calls are away as may be."""
        return self._gate.is_full

    @property
    def is_python_full(self) -> bool:
        """Whether no call of Python can be allowed: too many hang, or are away."""
        return self._gate.is_python_full

    @property
    def is_away(self) -> bool:
        """Whether the node went on without the call of the calling thread."""
        worker = self._here()
        return worker is not None and worker.away is not None

    @property
    def free(self) -> int:
        """How many more calls may be away."""
        return self._gate.free

    @property
    def free_to_hang(self) -> int:
        """How many more calls of Python may hang."""
        return self._gate.free_to_hang

    def came_back(self) -> None:
        """Note that the call of the calling thread, which was away, is over."""
        worker = self._here()
        if worker is not None:
            self._stepping.is_back(worker)

    def note_caller(self, call: object, caller: str) -> None:
        """Note whose call it is that is away."""
        assert isinstance(call, AwayCall), "the node knows calls by these"
        call.caller = caller

    @property
    def waited_ns(self) -> int:
        """How long calls of the calling thread have waited for others, in all."""
        worker = self._here()
        return 0 if worker is None else worker.waited_ns

    def wait_for_turn(self) -> int:
        """Wait, within ``beside``, if others are to go on first; as ``AppThreads``."""
        worker = self._here()
        if worker is None:
            return 0
        if worker.hold is not None:
            worker.hold.wait_in_script()
        return worker.waited_ns

    def allow(self, slow_calls_max: int) -> None:
        """Allow so many calls to be away at once."""
        self._stepping.allow(slow_calls_max)

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
        taken_up_ns: int = 0,
    ) -> Result:
        """Return what a function returns, within limits; as ``AppThreads``."""
        worker = self._here()
        if worker is None:
            return function(given)
        if worker.is_calling:
            if not worker.is_using_node:
                return function(given)
            with worker.nested():
                return self.call(function, given, execution_ms_max, memory_bytes_max)
        worker.execution_ms_max = execution_ms_max
        worker.memory_bytes_max = memory_bytes_max
        worker.began_ns = began_ns = taken_up_ns or _now_ns()
        worker.waited_before_ns = worker.waited_ns
        worker.is_calling = True
        if not self._gate.is_watched:
            self._watchdog.wake()
        self._let_go(worker)
        try:
            return function(given)
        finally:
            worker.is_calling = False
            took_ns = _now_ns() - began_ns
            self._regain(worker)
            if worker.ending is not None or took_ns > execution_ms_max * _NS_PER_MS:
                self._check_in_time(worker, took_ns)

    def beside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Return what a function returns that ends by itself; as ``AppThreads``."""
        worker = self._here()
        if worker is None:
            return function(given)
        if worker.is_calling:
            if not worker.is_using_node:
                return function(given)
            with worker.nested():
                return self.beside(function, given)
        worker.execution_ms_max = 0
        worker.began_ns = _now_ns()
        worker.waited_before_ns = worker.waited_ns
        worker.is_calling = True
        if not self._gate.is_watched:
            self._watchdog.wake()
        self._let_go(worker)
        try:
            return function(given)
        finally:
            worker.is_calling = False
            self._regain(worker)

    def inside(self, function: Callable[[Given], Result], given: Given) -> Result:
        """Call what uses the node from within a call; as ``AppThreads``."""
        worker = self._here()
        if worker is None or not worker.is_calling or worker.is_using_node:
            return function(given)
        worker.is_using_node = True
        try:
            self._regain(worker)
            return function(given)
        finally:
            worker.is_using_node = False
            self._let_go(worker)

    def _here(self) -> Worker | None:
        """Return the worker of the calling thread; a thread of others' has none."""
        ident = _thread()
        last = self._last
        if last.ident == ident:
            return last
        worker = self._workers.get(ident)
        if worker is not None:
            self._last = worker
        return worker

    def _let_go(self, worker: Worker) -> None:
        """Offer the node to other threads, or give it back where one took it before."""
        if worker.away is None:
            worker.is_offered = True
        else:
            self._lock.release()

    def _regain(self, worker: Worker) -> None:
        """End the offer, and wait as ``_come_back`` does if another thread took it."""
        worker.is_offered = False
        if worker.is_wanted or worker.away is not None:
            self._come_back(worker)

    def _come_back(self, worker: Worker) -> None:
        """Wait for the node lock, if another thread took the node.

        Raises:
            CallGivenUp: the call's caller was answered meanwhile. The node lock is held
                then too.
        """
        if not worker.has_lost_node():
            return
        self._lock.acquire()
        away = worker.away
        if self._stepping.is_ended or (away is not None and away.is_given_up):
            raise CallGivenUp

    def _check_in_time(self, worker: Worker, took_ns: int) -> None:
        """Raise if the call that is just over was ended, or has taken too long.

        The time in which it was held so that others could go on is not its own.

        Raises:
            CallStopped: it was, or has.
        """
        ending, worker.ending = worker.ending, None
        if ending is not None:
            ending.over()
            if ending.began_ns == worker.began_ns:
                raise CallStopped(ending.reason, is_late=ending.is_late) from None
        most = worker.execution_ms_max
        took_ns -= worker.held_ns
        if took_ns > most * _NS_PER_MS:
            raise CallStopped(reason_of_time(took_ns, most), is_late=True) from None

    def _settle(self, worker: Worker) -> None:
        self._workers[_thread()] = worker
