"""Ends a call of an application's code, in the thread that runs it.

The thread is traced: before each line that it runs from then on, Python asks an
``Ending`` whether to raise there. So it is the thread itself that raises, at a place
that it has reached, and never another thread at a place that may be past.

1. Nothing is raised in a line of ccfpy's, or of a library that ccfpy itself uses: what
   the call asked of the node is finished first, even where that calls the application
   back. Nothing is raised once the call is over.
2. The exception is no ``Exception``, so that few catch it. Blocks that clean up have
   ``WATCHDOG_GRACE_MS`` for that.
3. A call that goes on is ended again, in each line. ``except`` and ``finally`` around
   each other do not hold it, since their own lines are such lines.
4. Code that does not come back from C is not ended. It is ended when it comes back.
"""

import ctypes
import sys
from collections.abc import Callable
from threading import get_ident
from time import monotonic_ns
from types import CodeType, FrameType
from typing import Any, Final, Protocol

from ccfpy.base import limits
from ccfpy.base.places import place_of
from ccfpy.enclave.code_origin import CodeOrigin, origin_of, place_in_app

_NS_PER_MS: Final = 1_000_000


class _Interrupted(BaseException):
    """Raised where an application's code was; only ``call`` catches it."""


class Tracer(Protocol):
    """What Python asks before each line of a thread."""

    def __delitem__(self, frame: FrameType, /) -> None:
        """Look at the frame that is about to run a line; see ``_CALL_DELITEM``."""


class TracedThread:
    """A handle on a thread, for another thread that begins to trace it.

    Made by the thread itself, which must outlive each use of the handle.
    """

    def __init__(self) -> None:
        self._ident = get_ident()
        self._state: int = _this_state()
        self._before: Any = sys.gettrace()

    @property
    def frame(self) -> FrameType | None:
        """The innermost frame of the thread."""
        return sys._current_frames().get(self._ident)  # noqa: SLF001  # documented

    def trace(self, tracer: Tracer) -> None:
        """Ask a tracer before each line that the thread runs from now on."""
        _TRACERS.of_threads[self._ident] = tracer
        frame = self.frame
        if frame is not None and origin_of(frame.f_code.co_filename) is CodeOrigin.APP:
            # A loop of one instruction, such as `while True: pass`, begins no line.
            frame.f_trace_opcodes = True
        _trace(self._state)

    def untrace(self) -> None:
        """Trace the calling thread, whose handle this is, as before the handle."""
        _TRACERS.of_threads.pop(self._ident, None)
        sys.settrace(self._before)


class _Tracers:
    """Asks the tracer of the thread that is about to run a line.

    There is one for all threads, and for good: newer Pythons trace either all threads
    by one object or none.

    Attributes:
        of_threads: the tracers of those that are to be traced, by their numbers.
    """

    def __init__(self) -> None:
        self.of_threads: dict[int, Tracer] = {}

    def __delitem__(self, frame: FrameType) -> None:
        """Ask the calling thread's tracer, or trace the thread no longer."""
        tracer = self.of_threads.get(get_ident())
        if tracer is None:
            sys.settrace(None)
        else:
            del tracer[frame]


_TRACERS: Final = _Tracers()


class EndableCall(Protocol):
    """What an ending must know of a call.

    Attributes:
        is_using_node: whether the call runs what must not be cut off.
    """

    is_using_node: bool

    def is_at(self, began_ns: int, ident: int, /) -> bool:
        """Return whether the call that began then still runs, in the thread given."""
        ...


class Ending:
    """A call that is being ended.

    Args:
        call: where the call is under way.
        began_ns: when it began, by which it is known.
        thread: that runs it.
        outermost: the code that made the call, or its caller's.
        reason: which limit it exceeded.
        is_late: whether that was the limit on time.
    """

    def __init__(  # each has its name
        self,
        call: EndableCall,
        began_ns: int,
        *,
        thread: TracedThread,
        outermost: frozenset[CodeType],
        reason: str,
        is_late: bool,
    ) -> None:
        self.began_ns = began_ns
        self.is_late = is_late
        self.found_ns = monotonic_ns()
        self._call = call
        self._thread = thread
        self._outermost = outermost
        self._reason = reason
        self._place = ""
        self._ended_ns = 0
        self._raised = 0
        self._raised_at_look = 0
        self._looks = 0

    @property
    def reason(self) -> str:
        """Why the call is ended, and where that began."""
        return f"{self._reason}{self._place}"

    @property
    def hanging(self) -> str:
        """Why the call is given up, and where it hangs."""
        frame = self._thread.frame
        if frame is None:
            return self._reason
        place = place_in_app(frame, self._outermost, is_patient=False) or frame
        return f"{self._reason}, at {place_of(place)}"

    @property
    def is_resisting(self) -> bool:
        """Whether the call goes on after all of its time to clean up."""
        return bool(self._ended_ns) and not self._is_cleaning_up()

    @property
    def looks_in_vain(self) -> int:
        """How many looks found that the call was ended again, and went on."""
        return self._looks

    def look(self) -> None:
        """See to it that the thread is traced, and count whether it was ended again."""
        self._thread.trace(self)
        if self._raised != self._raised_at_look:
            self._raised_at_look = self._raised
            self._looks += 1

    def over(self) -> None:
        """Leave nothing behind in the calling thread, which made the call."""
        self._thread.untrace()

    def __delitem__(self, frame: FrameType) -> None:
        """Raise if the frame, which runs its next line now, is the application's.

        This is what the trace calls: see ``_CALL_DELITEM``.
        """
        if not self._call.is_at(self.began_ns, get_ident()):
            self._thread.untrace()
            return
        if self._call.is_using_node or self._is_cleaning_up():
            return
        is_patient = monotonic_ns() - self.found_ns < _grace_ns()
        place = place_in_app(frame, self._outermost, is_patient=is_patient)
        if place is None:
            return
        self._raised += 1
        if not self._ended_ns:
            self._ended_ns = monotonic_ns()
            self._place = f", at {place_of(place)}"
        raise _Interrupted

    def _is_cleaning_up(self) -> bool:
        """Return whether the call was ended so lately that it may still clean up."""
        return bool(self._ended_ns) and monotonic_ns() - self._ended_ns < _grace_ns()


def _grace_ns() -> int:
    return limits.WATCHDOG_GRACE_MS * _NS_PER_MS


_this_state = ctypes.pythonapi.PyThreadState_Get
_this_state.argtypes = []
_this_state.restype = ctypes.c_void_p

_CALL_DELITEM: Final = ctypes.cast(ctypes.pythonapi.PyObject_DelItem, ctypes.c_void_p)
"""A trace function, as Python's C calls one.

Its first two arguments are an object that was handed in, here ``_TRACERS``, and the
frame. ``PyObject_DelItem`` takes two objects, calls ``__delitem__`` of the first, and
returns -1 after an exception, which is what a trace function does. ``sys.settrace``
will not do: it stops tracing when its function has raised, and code that catches the
exception would go on."""


def _tracing() -> Callable[[int], object]:
    """Return what traces a thread by its state.

    Since Python 3.13 all threads are traced, of which those that need not be stop that.
    """
    if sys.version_info >= (3, 13):
        trace_all = ctypes.pythonapi.PyEval_SetTraceAllThreads
        trace_all.argtypes = [ctypes.c_void_p, ctypes.py_object]
        trace_all.restype = None
        return lambda _: trace_all(_CALL_DELITEM, _TRACERS)
    trace = ctypes.pythonapi._PyEval_SetTrace  # noqa: SLF001  # exported for debuggers
    trace.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.py_object]
    trace.restype = ctypes.c_int
    return lambda state: trace(state, _CALL_DELITEM, _TRACERS)


_trace: Final = _tracing()
