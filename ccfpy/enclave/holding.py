"""Holds a slow call while others go on.

A call in Python is held at the next line of the application's own code: the thread is
traced, as where a call is ended (``ending.py``), and waits in the trace function. A
script is held when its engine next asks whether to stop. Neither has the node, or a
lock of ours, at such a place.

Python 3.12 crashes where a thread waits in a trace function and another ends its own
tracing in the same code (seen with 3.12.1; 3.11 and 3.13 do not). There no call in
Python is held, and such calls share Python's own lock as its threads do.
"""

import sys
from threading import Event, get_ident
from time import monotonic_ns
from types import CodeType, FrameType
from typing import Final, Protocol

from ccfpy.enclave.code_origin import place_in_app
from ccfpy.enclave.ending import EndableCall, TracedThread

HOLDS_PYTHON: Final = sys.version_info[:2] != (3, 12)
"""Whether calls in Python are held, and not scripts alone."""


class HoldableCall(EndableCall, Protocol):
    """What a hold must know of a call.

    Attributes:
        waited_ns: how long the call's thread has waited in holds, in all.
    """

    waited_ns: int


class Hold:
    """Makes one call wait while it is closed.

    Args:
        call: where the call is under way.
        began_ns: when it began, by which it is known.
        thread: that runs it.
        outermost: the code that made the call, or its caller's.

    Attributes:
        began_ns: when the call began.
    """

    def __init__(
        self,
        call: HoldableCall,
        began_ns: int,
        thread: TracedThread,
        outermost: frozenset[CodeType],
    ) -> None:
        self.began_ns = began_ns
        self._since_ns = 0
        self._call = call
        self._thread = thread
        self._outermost = outermost
        self._open = Event()
        self._open.set()

    @property
    def is_waiting(self) -> bool:
        """Whether the call waits now."""
        return bool(self._since_ns)

    @property
    def waits_ns(self) -> int:
        """For how long the call has waited now; 0 if it does not wait."""
        since_ns = self._since_ns
        return monotonic_ns() - since_ns if since_ns else 0

    @property
    def is_closed(self) -> bool:
        """Whether the call is to wait."""
        return not self._open.is_set()

    def close(self, *, is_script: bool) -> None:
        """Make the call wait where it can; to be repeated until it waits."""
        self._open.clear()
        if not is_script:
            self._thread.trace(self)

    def open(self) -> None:
        """End the wait of the call."""
        self._open.set()

    def wait_in_script(self) -> None:
        """Wait while the hold is closed.

        The thread of the call calls this, where a script asks whether to stop.
        """
        if self.is_closed and self._call.is_at(self.began_ns, get_ident()):
            self._wait()

    def __delitem__(self, frame: FrameType) -> None:
        """Wait if the frame, which runs its next line now, is the application's.

        This is what the trace calls: see ``ending.py``.
        """
        if not (self.is_closed and self._call.is_at(self.began_ns, get_ident())):
            self._thread.untrace()
        elif not self._call.is_using_node and place_in_app(
            frame, self._outermost, is_patient=True
        ):
            self._wait()
            self._thread.untrace()

    def _wait(self) -> None:
        self._since_ns = since_ns = monotonic_ns()
        self._open.wait()
        # In this order a look between the two finds less time of its own, not more.
        self._call.waited_ns += monotonic_ns() - since_ns
        self._since_ns = 0
