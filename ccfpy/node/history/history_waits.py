"""Callers that wait for past states instead of asking again and again.

A waiting request runs again from the start once that is useful, or when its time is
over. The second run uses nothing that the first run read or decided.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.endpoints.app_calls import AnsweredCall, NodeCall
from ccfpy.endpoints.awaited import Answer, Awaited

if TYPE_CHECKING:
    from ccfpy.endpoints.session import Session
    from ccfpy.http.messages import Request, Response
    from ccfpy.node.app_code import AppCode

Serve = Callable[["Request", "Session"], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _HistoryWait:
    """A caller that waits.

    Attributes:
        run: finds the caller's answer.
        until: whether that is of use now.
        deadline_ms: when the answer is found in any case.
        awaited: where the answer is awaited.
        request: the caller's, if the answer is another run of it.
    """

    run: Callable[[], Answer]
    until: Callable[[], bool]
    deadline_ms: int
    awaited: Awaited
    request: "Request | None" = None


class _Look(AnsweredCall):
    """Asks whether a caller's answer can be found, and finds it then."""

    __slots__ = ("_wait", "_waits")

    def __init__(self, waits: "HistoryWaits", wait: _HistoryWait) -> None:
        super().__init__()
        self._waits = waits
        self._wait = wait

    def run(self) -> None:
        """Ask, and find the answer."""
        if self._waits.is_due(self._wait):
            super().run()

    def answer(self) -> Answer:
        """Find the answer."""
        return self._waits.answer(self._wait)

    def deliver(self, response: "Response") -> None:
        """Answer the caller."""
        self._wait.awaited.settle(response)


@dataclass(eq=False)
class HistoryWaits:
    """The requests that wait.

    Attributes:
        serve: runs a request.
        now_ms: the time.
        app: calls the ``until`` functions, which may be an application's.
        due: makes a call when the node has time for it.
    """

    serve: Serve
    now_ms: int
    app: "AppCode"
    due: Callable[[NodeCall], None]

    def __post_init__(self) -> None:
        self._waits: list[_HistoryWait] = []
        self._deadlines_ms: dict[int, int] = {}
        """Of the requests that run again now, by what tells the objects apart."""
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
        deadline_ms = self._deadlines_ms.get(id(request), self.now_ms + within_ms)
        if deadline_ms <= self.now_ms or len(self._waits) >= limits.HISTORY_WAITS_MAX:
            return None
        wait = _HistoryWait(
            run=partial(self.serve, request, session),
            until=until,
            deadline_ms=deadline_ms,
            awaited=Awaited(),
            request=request,
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
        """Look at each caller that waits, in a call of its own."""
        waits, self._waits = self._waits, []
        self._next_deadline_ms = None
        for wait in waits:
            self.due(_Look(self, wait))

    def is_due(self, wait: _HistoryWait) -> bool:
        """Return whether a caller's answer is to be found now; else it waits on.

        If its ``until`` raises an exception, its request is run again.
        """
        if wait.awaited.is_abandoned:
            return False
        if wait.deadline_ms <= self.now_ms or self.app.call_back(
            "what a request waits for", lambda _: wait.until(), None, otherwise=True
        ):
            return True
        self._add(wait)
        return False

    def answer(self, wait: _HistoryWait) -> Answer:
        """Find a caller's answer."""
        if wait.request is None:
            return wait.run()
        self._deadlines_ms[id(wait.request)] = wait.deadline_ms
        try:
            return wait.run()
        finally:
            del self._deadlines_ms[id(wait.request)]
