"""Callers that wait for past states instead of asking again and again.

A waiting request runs again from the start once that is useful, or when its time is
over. The second run uses nothing that the first run read or decided.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.endpoints.awaited import Answer, Awaited

if TYPE_CHECKING:
    from ccfpy.endpoints.session import Session
    from ccfpy.http.messages import Request
    from ccfpy.node.app_code import AppCode

Serve = Callable[["Request", "Session"], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _HistoryWait:
    run: Callable[[], Answer]
    until: Callable[[], bool]
    deadline_ms: int
    awaited: Awaited


@dataclass(frozen=True, slots=True)
class _Rerun:
    """A caller whose request runs again."""

    waits: "HistoryWaits"
    awaited: Awaited

    def wait_for(self, awaited: Awaited) -> None:
        """Answer the caller when the answer comes."""
        awaited.then(self.awaited.settle)
        self.waits.go_on()


@dataclass(eq=False)
class HistoryWaits:
    """The requests that wait.

    Attributes:
        serve: runs a request.
        now_ms: the time.
        app: calls the ``until`` functions, which may be an application's.
    """

    serve: Serve
    now_ms: int
    app: "AppCode"

    def __post_init__(self) -> None:
        self._waits: list[_HistoryWait] = []
        self._due: Iterator[_HistoryWait] = iter(())
        self._rerun_deadline_ms: int | None = None
        self._next_deadline_ms: int | None = None

    def __len__(self) -> int:
        """Count them."""
        return len(self._waits)

    def wait(
        self,
        request: "Request",
        session: "Session",
        until: Callable[[], bool],
        within_ms: int,
    ) -> Awaited | None:
        """Run a request again once ``until`` says so, or the time is over.

        A request that is running again has only the rest of its time.
        """
        deadline_ms = self._rerun_deadline_ms
        if deadline_ms is None:
            deadline_ms = self.now_ms + within_ms
        if deadline_ms <= self.now_ms or len(self._waits) >= limits.HISTORY_WAITS_MAX:
            return None
        wait = _HistoryWait(
            run=partial(self.serve, request, session),
            until=until,
            deadline_ms=deadline_ms,
            awaited=Awaited(),
        )
        self._add(wait)
        return wait.awaited

    def run_later(
        self,
        run: Callable[[], Answer],
        awaited: Awaited,
        *,
        until: Callable[[], bool] = lambda: True,
        within_ms: int = 0,
    ) -> None:
        """Run a function at the end of a step, for a caller who waits for its answer.

        Args:
            run: answers.
            awaited: where the caller waits, who was admitted elsewhere.
            until: says whether running it is of use.
            within_ms: after so long it is run in any case.
        """
        self._add(
            _HistoryWait(
                run=run,
                until=until,
                deadline_ms=self.now_ms + within_ms,
                awaited=awaited,
            )
        )

    def _add(self, wait: _HistoryWait) -> None:
        self._waits.append(wait)
        deadline_ms = wait.deadline_ms
        if self._next_deadline_ms is None or deadline_ms < self._next_deadline_ms:
            self._next_deadline_ms = deadline_ms

    def tick(self, now_ms: int) -> None:
        """Advance the clock, and do what is due."""
        self.now_ms = now_ms

    @property
    def is_time_over(self) -> bool:
        """Whether somebody has waited as long as it may."""
        return (
            self._next_deadline_ms is not None and self._next_deadline_ms <= self.now_ms
        )

    def work(self) -> None:
        """Run again whatever is due; for the end of a step."""
        waits, self._waits = self._waits, []
        due: list[_HistoryWait] = []
        for wait in waits:
            if wait.awaited.is_abandoned:
                continue
            is_due = wait.deadline_ms <= self.now_ms or self._is_of_use(wait)
            (due if is_due else self._waits).append(wait)
        self._next_deadline_ms = min(
            (wait.deadline_ms for wait in self._waits), default=None
        )
        self._due = iter(due)
        for wait in self._due:
            self._run(wait)

    def _is_of_use(self, wait: _HistoryWait) -> bool:
        """Ask the waiting caller; on an exception, run its request again."""
        return self.app.call_back(
            "what a request waits for", lambda _: wait.until(), None, otherwise=True
        )

    def go_on(self) -> None:
        """Leave the request that runs again to its thread; the others stay due."""
        self._rerun_deadline_ms = None
        for wait in self._due:
            self._waits.append(wait)
            self._next_deadline_ms = self.now_ms

    def _run(self, wait: _HistoryWait) -> None:
        self._rerun_deadline_ms = wait.deadline_ms
        self.app.calls.underway.recipient = _Rerun(self, wait.awaited)
        try:
            answer = wait.run()
        finally:
            self._rerun_deadline_ms = None
        if isinstance(answer, Awaited):
            answer.then(wait.awaited.settle)
        else:
            wait.awaited.settle(answer)
