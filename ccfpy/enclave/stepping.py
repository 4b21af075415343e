"""Steps a node with several threads, one at a time.

The *driver* takes what the host says and steps the node. While it runs an application's
code, the watchdog may pass the node on to another thread, which goes on without that
call and is the driver then.

1. A thread has the *node lock* during a step and while it sends the step's effects, so
   that the host gets them in the order of steps. No thread has it while it waits for
   the host.
2. A thread that lost the node ends its call once it has the node lock again, sends what
   that makes due, and waits for other work.
3. The node ends when the host ends the channel, when the node stops or when there is a
   defect, whatever its threads are doing.
"""

from collections.abc import Callable, Sequence
from functools import partial
from types import CodeType
from typing import Final, Protocol, TypeAlias

from ccfpy.base import limits
from ccfpy.base.ports import CallGivenUp
from ccfpy.boundary.effects import Effect, LogLevel, WriteLog
from ccfpy.boundary.events import Event
from ccfpy.boundary.lifecycle import ExitCode
from ccfpy.enclave.loop import NODE, Conversation, StepsOf
from ccfpy.enclave.node_lock import NodeLock
from ccfpy.enclave.watchdog import Meter, Watchdog
from ccfpy.enclave.workers import AwayCall, Gate, Worker, Workers, workers_max


class ThreadedSteps(StepsOf[Event, Effect], Protocol):
    """A node that can go on without a call of an application's code."""

    def leave(self, call: object, /) -> None:
        """Go on without the call that the node makes now, in the next step.

        Args:
            call: what the call is known by from now on.
        """
        ...

    def give_up(self, call: object, reason: str, /) -> Sequence[Effect]:
        """Answer the caller of a call that does not come back."""
        ...

    def came_back_late(self, call: object, /) -> None:
        """Note that a call is over whose caller was answered without it."""
        ...


class Stepping:
    """A node that threads step, and the calls that it goes on without.

    Attributes:
        lock: who has it steps the node.
        watchdog: looks after the calls.
        gate: whether calls may begin.

    Args:
        meter: of the process's memory.
        settle: called in each thread with its worker.
        makes_calls: the function that makes each call of an application's code.
        stuck: called with application code that cannot be stopped; ends the process.
        ended: called with the exit code if the node ends while the thread that began is
            busy, perhaps for good; ends the process.
    """

    def __init__(
        self,
        meter: Meter,
        settle: Callable[[Worker], None],
        *,
        makes_calls: Callable[..., object],
        stuck: Callable[[str], None],
        ended: Callable[[ExitCode], None],
    ) -> None:
        self.lock = NodeLock()
        outermost = _codes_of(makes_calls, Stepping._perform)
        self.gate = Gate()
        self.watchdog = Watchdog(
            self, self.gate, meter, outermost=outermost, stuck=stuck
        )
        self._workers = Workers(settle, self.watchdog.wait_until_over)
        self._ended = ended
        self._away: set[AwayCall] = set()
        self._hung: set[AwayCall] = set()
        self._slow_calls_max = limits.SLOW_CALLS_MAX
        self._exit_code: ExitCode | None = None

    def allow(self, slow_calls_max: int) -> None:
        """Allow so many calls to be away at once."""
        self._slow_calls_max = slow_calls_max
        self._workers.most = workers_max(slow_calls_max)
        self._count()

    def _count(self) -> None:
        """Work out whether calls may begin; asked far more often than it changes."""
        away, hung = len(self._away), len(self._hung)
        most = self._slow_calls_max
        gate = self.gate
        gate.free = min(most - away, most + limits.HUNG_CALLS_MAX - away - hung)
        gate.free_to_hang = limits.HUNG_CALLS_MAX - hung
        gate.is_full = gate.free <= 0
        gate.is_python_full = gate.is_full or gate.free_to_hang <= 0

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
        self._machine = machine
        self._conversation = conversation
        self._started: Callable[[], None] | None = started
        self._home = home = self._workers.adopt()
        self.watchdog.start()
        home.is_driver = True
        self._drive(home)
        self._workers.wait(home)
        assert self._exit_code is not None, "nothing else dismisses the threads"
        return self._exit_code

    def _drive(self, worker: Worker) -> None:
        """Take what the host says, and step the node, until another thread does."""
        conversation, lock = self._conversation, self.lock
        step = self._machine.step
        while worker.is_driver and self._exit_code is None:
            try:
                events = conversation.next_events()
            except Exception as error:  # noqa: BLE001  # the rim
                lock.acquire()  # to say so after what another thread may be sending
                self._crash(worker, error)
                lock.release()
                return
            if not events:
                self._end(worker, ExitCode.OK)
                return
            lock.acquire()
            if self.is_ended:
                lock.release()
                return
            self._perform(worker, step, events)
            if self._started is not None:
                started, self._started = self._started, None
                started()

    def _perform(
        self, worker: Worker, step: "_Step", events: Sequence[Event] = ()
    ) -> None:
        """Step the node and send the effects; give the node lock back, which is held.

        Where another thread took the node over in this step, that thread has done, and
        may still do, what else there was to do. This one has ended its call.
        """
        try:
            effects = step(events)
            if self._conversation.send(effects):
                self._end(worker, ExitCode.OK)
        except CallGivenUp:
            self._machine.came_back_late(worker.away)
        except Exception as error:  # noqa: BLE001  # the rim
            self._crash(worker, error)
        if worker.away is not None:
            self.is_back(worker)
        self.lock.release()

    def is_back(self, worker: Worker) -> None:
        """Count a thread no more whose call, which was away, is over."""
        away, worker.away = worker.away, None
        if away is not None:
            self._away.discard(away)
            self._hung.discard(away)
            self._count()

    def _crash(self, worker: Worker | None, error: Exception) -> None:
        """Say where the defect is, and end; the node lock is held."""
        if self._exit_code is None:
            self._exit_code = ExitCode.CRASHED
            self._conversation.say(NODE.crashed(error))
            self._dismiss(worker)

    def _end(self, worker: Worker, code: ExitCode) -> None:
        if self._exit_code is None:
            self._exit_code = code
            self._dismiss(worker)

    def _dismiss(self, worker: Worker | None) -> None:
        """End all threads that are in no call; the calling one may be a worker's."""
        is_home_free = worker is self._home or self._workers.is_idle(self._home)
        self._workers.dismiss()
        self.watchdog.wake()
        if not is_home_free and self._exit_code is not None:
            self._ended(self._exit_code)

    # What the watchdog asks for

    @property
    def workers(self) -> list[Worker]:
        """All threads that may be in a call."""
        return self._workers.all

    @property
    def is_any_away(self) -> bool:
        """Whether the node goes on without a call now."""
        return bool(self._away or self._hung)

    @property
    def is_any_awaited(self) -> bool:
        """Whether a call is away whose caller still waits."""
        return bool(self._away)

    @property
    def is_ended(self) -> bool:
        """Whether the node has stopped."""
        return self._exit_code is not None

    def fail(self, error: Exception) -> None:
        """End the node, as nobody looks after its calls."""
        self.lock.acquire()
        self._crash(None, error)
        self.lock.release()

    def take_over(self, worker: Worker) -> None:
        """Pass the node on from a worker's call to another thread, if possible."""
        if self.gate.is_full:
            return
        taker = self._workers.hire()
        if taker is None:
            return
        call = AwayCall()
        if not worker.take_node(call):
            self._workers.put_back(taker)  # the call is over
            return
        # The node, and the node lock with it, are this thread's until the taker starts.
        self._away.add(call)
        self._count()
        taker.is_driver, worker.is_driver = worker.is_driver, False
        self.watchdog.hasten()
        taker.start(partial(self._go_on, call))

    def _go_on(self, call: AwayCall, worker: Worker) -> None:
        self._perform(worker, lambda _: self._step_without(call))
        self._drive(worker)

    def _step_without(self, call: AwayCall) -> Sequence[Effect]:
        self._machine.leave(call)
        return self._machine.step(())

    def give_up(self, worker: Worker, began_ns: int, reason: str) -> None:
        """Answer the caller of the call that began then, in another thread."""
        call = worker.away
        if call is None or call.is_given_up or call.is_being_given_up:
            return
        taker = self._workers.hire()
        if taker is None:
            return
        call.is_being_given_up = True
        taker.start(partial(self._give_up, call, worker, began_ns, reason))

    def _give_up(
        self,
        call: AwayCall,
        away: Worker,
        began_ns: int,
        reason: str,
        worker: Worker,
    ) -> None:
        """Answer a call's caller, unless the call has come back meanwhile."""
        self.lock.acquire()
        call.is_being_given_up = False
        is_hung = away.away is call and away.is_at(began_ns, away.ident)
        if self.is_ended or not is_hung:
            self.lock.release()
            return
        call.is_given_up = True
        self._away.discard(call)
        self._hung.add(call)
        self._count()
        self._perform(worker, lambda _: self._give_up_step(call, reason))

    def _give_up_step(self, call: AwayCall, reason: str) -> Sequence[Effect]:
        effects = self._machine.give_up(call, reason)
        if len(self._hung) != limits.HUNG_CALLS_MAX:
            return effects
        return [_TOO_MANY_HUNG, *effects]  # a node's last word is the last effect


def _codes_of(*functions: Callable[..., object]) -> frozenset[CodeType]:
    """Return the code of functions; compiled functions have none, and no frame."""
    codes = (getattr(function, "__code__", None) for function in functions)
    return frozenset(code for code in codes if code is not None)


_Step: TypeAlias = Callable[[Sequence[Event]], Sequence[Effect]]

_TOO_MANY_HUNG: Final = WriteLog(
    level=LogLevel.FAIL,
    message=(
        f"{limits.HUNG_CALLS_MAX} calls of the application's Python code hang and "
        "cannot be ended: the node refuses such calls until one of them ends"
    ),
)
