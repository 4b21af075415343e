"""The jobs of an application, run on one node when they are due.

1. One job runs at a time, at the end of a step. While a job is slow, the node goes on
   beside it, and no other job begins.
2. A run is a transaction within the limits of a call. If others changed what it read,
   the job runs again, as often as a handler.
3. What a job raises is logged, and stops neither the node nor the job's next run.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.jobs import Job, JobContext
from ccfpy.endpoints.node_inside import NodeInside
from ccfpy.kv.changes import Conflict

if TYPE_CHECKING:
    from ccfpy.endpoints.context import NodeView
    from ccfpy.kv.changes import WriteSet
    from ccfpy.kv.store import Store
    from ccfpy.kv.tx import Tx
    from ccfpy.node.app_code import AppCode

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
