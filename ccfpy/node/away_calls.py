"""Calls of an application's code that the node went on without.

Each has a place where its answer is awaited, and keeps readable what its transaction
reads (`Store.pin`), until the answer comes or nobody waits for it any more.
"""

from typing import TYPE_CHECKING

from ccfpy.base.ports import CallStopped
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.awaited import Awaited
from ccfpy.endpoints.callers import caller_of
from ccfpy.endpoints.defects import words_for
from ccfpy.endpoints.underway import Underway
from ccfpy.http.errors import internal_error

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.store import Store
    from ccfpy.node.app_code import AppCode


class AwayCalls:
    """The calls of requests that are away, by what their threads know them by."""

    def __init__(self, app_code: "AppCode") -> None:
        self._app_code = app_code
        self._away: dict[object, tuple[Underway, str, Store, Seqno]] = {}
        self._hung: dict[object, str] = {}
        app_code.calls.tell_who_comes_back(self._came_back)

    def __len__(self) -> int:
        """Count the requests whose answers are awaited."""
        return len(self._away)

    def leave(self, call: object, store: "Store") -> None:
        """Await the answer of the request under way, and begin another."""
        calls = self._app_code.calls
        underway, calls.underway = calls.underway, Underway()
        caller = caller_of(underway.context)
        calls.threads.note_caller(call, caller)
        recipient = underway.recipient
        if recipient is None:
            return  # the node's own work, which its thread ends
        underway.awaited = awaited = Awaited()
        calls.shares.began(caller)
        self._away[call] = underway, caller, store, store.pin()
        if underway.trace is not None:
            underway.trace.answered(awaited)
        recipient.wait_for(awaited)

    def give_up(self, call: object, reason: str) -> None:
        """Answer the caller of a call that does not come back."""
        error = CallStopped(f"{reason}, and has not come back since", is_late=True)
        away = self._away.get(call)
        if away is None:
            self._app_code.failed("what the node called", error, tag=LogTag.APP)
            return
        underway = away[0]
        self._hung[call] = self._forget(call)
        assert underway.awaited is not None, "it is away"
        if underway.frontend is None or underway.endpoint is None:
            refusal = internal_error(words_for(error))
        else:
            trace = None if underway.trace is None else underway.trace.id
            refusal = underway.frontend.failed(underway.endpoint, error, trace)
        underway.awaited.settle(refusal.response())

    def came_back_late(self, call: object) -> None:
        """Note that a call is over whose caller was answered without it."""
        caller = self._hung.pop(call, None)
        if caller is not None:
            self._app_code.calls.shares.ended(caller)

    def _came_back(self, underway: Underway) -> None:
        for call, (away, _, _, _) in self._away.items():
            if away is underway:
                self._app_code.calls.shares.ended(self._forget(call))
                return

    def _forget(self, call: object) -> str:
        """Forget a call; return whose it was."""
        _, caller, store, pinned = self._away.pop(call)
        store.unpin(pinned)
        return caller
