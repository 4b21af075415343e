"""How a node runs its application's code: limits, logs, jobs and slow calls.

Log lines leave the enclave in clear. `AppCode` logs the kind of an exception and, if
``logging.tracebacks`` is configured, the files, lines and functions that it passed.
The text of an exception may quote a user's data. It is logged only if members allowed
it (``set_python_runtime_options``), because the host writes the configuration.

The rules for jobs (`AppJobs`), which run on one node when they are due:

1. One job runs at a time, at the end of a step. While a job is slow, the node steps on,
   and no other job begins.
2. A run is a transaction within the limits of a call. After a conflict it runs again,
   as often as a handler.
3. An exception of a job is logged. It stops neither the node nor the job's next run.

A slow call goes on in its own thread while the node steps on (`AwayCalls`). The
versions that its transaction reads stay pinned (`Store.pin`) until its answer comes or
no caller waits for it any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded, Malformed, Unwritable
from ccfpy.base.places import chain_of, places_of
from ccfpy.base.ports import CallStopped
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.app_calls import AppCalls, AppLimits, NodeCall, caller_of
from ccfpy.endpoints.application import Job, JobContext
from ccfpy.endpoints.node_access import NodeInside
from ccfpy.endpoints.pending import Awaited
from ccfpy.endpoints.refusals import Marks, words_for
from ccfpy.http.errors import internal_error
from ccfpy.kv.changes import Conflict
from ccfpy.service.tables import python

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.base.ports import Entropy, Given, Result
    from ccfpy.endpoints.context import NodeView
    from ccfpy.kv.changes import Writes, WriteSet
    from ccfpy.kv.store import Store
    from ccfpy.kv.tx import Tx
    from ccfpy.node.outbox import Outbox


_ID_BYTES = 8
_UNMARKED = Marks()


@dataclass(eq=False)
class AppCode:
    """What a node calls an application's code through.

    Attributes:
        calls: limits each call.
        logs_places: whether the log names where exceptions came from.
    """

    calls: AppCalls
    outbox: "Outbox"
    entropy: "Entropy"
    logs_places: bool = False

    def watch(self, store: "Store") -> None:
        """Follow what members decide of limits."""
        store.on_global(python.RUNTIME_OPTIONS.name, self._on_options)

    def _on_options(self, _: "Seqno", writes: "Writes") -> None:
        self._follow(lambda: python.RUNTIME_OPTIONS.decode_writes(writes))

    def read(self, tx: "Tx") -> None:
        """Read what members decided before this node watched the tables."""
        self._follow(python.RUNTIME_OPTIONS.of(tx).get)

    def _follow(
        self, options: "Callable[[], python.PythonRuntimeOptions | None]"
    ) -> None:
        try:
            decided = options() or python.PythonRuntimeOptions()
        except Malformed as error:
            self.outbox.fail(f"Limits of Python code stay as they are: {error}")
            return
        self.calls.limits = limits_of(decided)

    def call_back(
        self,
        what: str,
        function: "Callable[[Given], Result]",
        given: "Given",
        *,
        otherwise: "Result",
    ) -> "Result":
        """Return what a function of an application's returns.

        Args:
            what: names the function in the log.
            function: the application's.
            given: its argument.
            otherwise: returned in place of what a function that fails would return.
        """
        try:
            return self.calls.call(function, given)
        except Exception as error:  # noqa: BLE001 - an application's code
            self.failed(what, error, tag=LogTag.APP)
            return otherwise

    def failed(
        self,
        what: str,
        error: BaseException,
        *,
        tag: LogTag,
        marks: Marks = _UNMARKED,
    ) -> str:
        """Log that something of an application's failed.

        Args:
            what: names it.
            error: says how it failed.
            tag: of the lines.
            marks: named beside the failure's id.

        Returns:
            The id by which a caller may name this failure.
        """
        failure = self.entropy.random_bytes(_ID_BYTES).hex()
        self.outbox.fail(f"{_summary(error)} in {what} (id {failure}{marks})", tag=tag)
        if self.logs_places or self._logs_texts:
            for position, link in enumerate(
                chain_of(error, links_max=limits.FAILURE_LINKS_MAX)
            ):
                led = "after " if position else ""
                self.outbox.fail(f"id {failure}: {led}{self._told(link)}", tag=tag)
        return failure

    @property
    def _logs_texts(self) -> bool:
        return self.calls.limits.log_exception_details

    def _told(self, error: BaseException) -> str:
        places = places_of(error, places_max=limits.FAILURE_PLACES_MAX)
        name = type(error).__name__
        if not self._logs_texts:
            return f"{name} at {places}"
        try:
            text = str(error)
        except Exception:  # noqa: BLE001 - an application's code
            text = "<no text>"
        return f"{name} ({text}) at {places}"


def limits_of(options: python.PythonRuntimeOptions) -> AppLimits:
    """Return the limits that members decided on, as far as a node can follow them."""
    return AppLimits(
        execution_ms_max=max(options.max_execution_time_ms, 1),
        memory_bytes_max=options.max_memory_bytes,
        response_bytes_max=min(
            options.max_response_bytes, limits.APP_RESPONSE_BYTES_CEILING
        ),
        log_exception_details=options.log_exception_details,
    )


def _summary(error: BaseException) -> str:
    if isinstance(error, CallStopped):
        return f"Stopped, as {error.reason},"
    if isinstance(error, Unwritable):
        return f"Unwritable answer ({error})"
    return f"Unhandled {type(error).__name__}"


_BYTES_PER_WRITE: Final = 32
"""More than an entry has beside a key and its value."""


class _Timetable:
    """When a job is due next on this node.

    Attributes:
        job: which one.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._due_ms: int | None = None
        self._is_over = False

    def is_due(self, now_ms: int, node: "NodeView") -> bool:
        """Return whether the job is to run now."""
        job = self.job
        if job.interval_ms is None:
            return not self._is_over
        is_ours = job.on_each_node or node.is_primary
        if self._due_ms is None or not is_ours:
            # A new primary waits for an interval: the former may just have run the job.
            self._due_ms = now_ms + job.interval_ms
            return False
        return now_ms >= self._due_ms and (job.on_each_node or node.takes_writes)

    def ended(self, now_ms: int) -> None:
        """Note that the job has run."""
        self._is_over = True
        if self.job.interval_ms is not None:
            self._due_ms = now_ms + self.job.interval_ms


class AppJobs:
    """Runs the jobs of one node."""

    def __init__(
        self,
        jobs: Sequence[Job],
        node: "NodeView",
        *,
        app_code: "AppCode",
        store: "Callable[[], Store]",
        now_ms: Callable[[], int],
        writes_bytes_max: int,
    ) -> None:
        """Wait for ``work``.

        Args:
            jobs: the application's.
            node: this node.
            app_code: calls the application.
            store: returns the node's store, of which a recovery makes another.
            now_ms: returns the time.
            writes_bytes_max: how much one run may write; more might not be an entry.
        """
        self._timetables = [_Timetable(job) for job in jobs]
        self._node = node
        self._app_code = app_code
        self._store = store
        self._now_ms = now_ms
        self._writes_bytes_max = writes_bytes_max
        self._is_working = False

    def work(self) -> None:
        """Run what is due, if no job is under way; the node serves the application."""
        if self._is_working:
            return
        self._is_working = True
        try:
            for timetable in self._timetables:
                if self._app_code.calls.threads.is_python_full:
                    return
                if timetable.is_due(self._now_ms(), self._node):
                    self._run(timetable.job)
                    timetable.ended(self._now_ms())
        finally:
            self._is_working = False

    def _run(self, job: Job) -> None:
        """Run a job until its transaction is whole, or it fails."""
        for attempts_left in reversed(range(limits.TX_ATTEMPTS_MAX)):
            try:
                self._attempt(job)
            except Conflict as error:
                if attempts_left:
                    continue
                self._failed(job, error)
            except Exception as error:  # noqa: BLE001 - an application's code
                self._failed(job, error)
            return

    def _attempt(self, job: Job) -> None:
        """Run a job once, and commit what it wrote.

        Raises:
            Conflict: run the job again.
        """
        node, calls, store = self._node, self._app_code.calls, self._store()
        pinned = store.pin()  # the node may go on, and commit, while the job is slow
        try:
            tx = node.begin(read_only=job.on_each_node)
            context = JobContext(NodeInside(node, calls.threads), tx)
            calls.call(job.function, context, job.execution_ms_max)
            tx.check_whole()
            self._commit(tx)
        finally:
            store.unpin(pinned)

    def _commit(self, tx: "Tx") -> None:
        """Commit what a job wrote, if it fits an entry of the ledger.

        Raises:
            LimitExceeded: it does not.
        """
        size = _size_of(tx.writes)
        if size > self._writes_bytes_max:
            raise LimitExceeded(f"{size} bytes, more than {self._writes_bytes_max}")
        self._node.commit(tx, None)

    def _failed(self, job: Job, error: Exception) -> None:
        self._app_code.failed(f"job {job.name}", error, tag=LogTag.APP)


def _size_of(writes: "WriteSet") -> int:
    return sum(
        len(key) + len(value or b"") + _BYTES_PER_WRITE
        for written in writes.values()
        for key, value in written.items()
    )


class AwayCalls:
    """The calls that are away and have callers, by what their threads know them by."""

    def __init__(self, app_code: "AppCode") -> None:
        self._app_code = app_code
        self._away: dict[object, tuple[NodeCall, str, Store, Seqno]] = {}
        self._hung: dict[object, str] = {}

    def __len__(self) -> int:
        """Count the calls whose answers are awaited."""
        return len(self._away)

    def leave(self, handle: object, store: "Store") -> None:
        """Go on without the call that the node makes now."""
        calls = self._app_code.calls
        call, calls.current = calls.current, NodeCall()
        call.is_away = True
        caller = caller_of(call.context)
        calls.threads.note_caller(handle, caller)
        awaited = Awaited()
        if not call.wait_for(awaited):
            return
        call.awaited = awaited
        calls.shares.began(caller)
        self._away[handle] = call, caller, store, store.pin()
        if call.trace is not None:
            call.trace.answered(awaited)

    def give_up(self, handle: object, reason: str) -> None:
        """Answer the caller of a call that does not come back."""
        error = CallStopped(f"{reason}, and has not come back since", is_late=True)
        away = self._away.get(handle)
        if away is None:
            self._app_code.failed("what the node called", error, tag=LogTag.APP)
            return
        call = away[0]
        self._hung[handle] = self._forget(handle)
        assert call.awaited is not None, "it has a caller"
        if call.frontend is None or call.endpoint is None:
            refusal = internal_error(words_for(error))
        else:
            trace = None if call.trace is None else call.trace.id
            refusal = call.frontend.failed(call.endpoint, error, trace)
        call.awaited.settle(refusal.response())

    def came_back(self, call: NodeCall) -> None:
        """Note that a call is over, and its answer where it is awaited."""
        self._app_code.calls.threads.came_back()
        for handle, (away, _, _, _) in self._away.items():
            if away is call:
                self._app_code.calls.shares.ended(self._forget(handle))
                return

    def came_back_late(self, handle: object) -> None:
        """Note that a call is over whose caller was answered without it."""
        caller = self._hung.pop(handle, None)
        if caller is not None:
            self._app_code.calls.shares.ended(caller)

    def _forget(self, handle: object) -> str:
        """Forget a call; return whose it was."""
        _, caller, store, pinned = self._away.pop(handle)
        store.unpin(pinned)
        return caller
