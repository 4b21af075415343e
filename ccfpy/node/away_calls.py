"""Calls of an application's code that the node went on without.

Each has a place where its answer is awaited, and keeps readable what its transaction
reads (`Store.pin`), until the answer comes or nobody waits for it any more.
"""

from typing import TYPE_CHECKING

from ccfpy.base.ports import CallStopped
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.app_calls import NodeCall
from ccfpy.endpoints.awaited import Awaited
from ccfpy.endpoints.callers import caller_of
from ccfpy.endpoints.refusals import words_for
from ccfpy.http.errors import internal_error

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno
    from ccfpy.kv.store import Store
    from ccfpy.node.app_code import AppCode


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
