"""Ends an application's code by a signal that comes again and again (POSIX).

A timer of the system's ticks while calls are made, so that a call costs no system call.
Each tick is a look: is a call under way, since when, how much has the process grown?
One that is over a limit is ended by an exception, raised in the application's own line.

1. Nothing is raised in a line of ccfpy's, or of a library that ccfpy itself uses: what
   the call asked of the node is finished first, and a trace ends the call at the
   application's next line. While no call is under way nothing is raised at all.
2. The exception is no ``Exception``, so that few catch it. Blocks that clean up have
   ``WATCHDOG_GRACE_MS`` for that.
3. A call that goes on is ended again, each time twice: by the tick, and by a trace at
   the next line, so that ``except`` in a loop does not hold it. One that outlives
   ``WATCHDOG_ATTEMPTS_MAX`` of these ends the enclave.
4. Code that does not come back from C cannot be ended, such as an endless ``map`` over
   compiled functions: Python looks at signals between its own steps. What waits for the
   system, as ``time.sleep`` does, comes back at once.

A call that was over its limit has failed, even if it returned.
"""

import atexit
import signal
import sys
import sysconfig
import threading
from collections.abc import Callable
from enum import Enum, auto
from functools import cache
from pathlib import Path
from time import monotonic_ns
from types import FrameType
from typing import Any, Final, Protocol

import ccfpy
from ccfpy.base import limits
from ccfpy.base.places import place_of
from ccfpy.base.ports import CallStopped, Given, Result

_NS_PER_MS: Final = 1_000_000
_MS_PER_S: Final = 1000
_TICK_NS: Final = limits.WATCHDOG_TICK_MS * _NS_PER_MS
_GRACE_NS: Final = limits.WATCHDOG_GRACE_MS * _NS_PER_MS


class Meter(Protocol):
    """Measures this process's memory."""

    def data_bytes(self) -> int:
        """Return the bytes that it holds of its own."""
        ...


class Unwatched:
    """Calls without a limit, where the system has no timer."""

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
    ) -> Result:
        """Return what a function returns."""
        del execution_ms_max, memory_bytes_max
        return function(given)


class Whose(Enum):
    """Whose line of code it is."""

    APP = auto()
    OURS = auto()
    """Of ccfpy, or of a library that ccfpy uses on a node's own state."""
    STANDARD = auto()
    """Of Python's library, on behalf of its caller."""


class _Interrupted(BaseException):
    """Raised where an application's code was; nobody but the watchdog catches it."""


class SignalWatchdog:
    """A watchdog for calls on the main thread.

    Args:
        meter: of memory.
        stuck: told of a call that cannot be ended; ends the process.
    """

    def __init__(
        self, meter: Meter, *, stuck: Callable[[str], None] = lambda _: None
    ) -> None:
        self._meter = meter
        self._stuck = stuck
        self._is_inside = False
        self._is_ticking = False
        self._is_looking = False
        self._began_ns = 0
        self._seen_ns = 0
        self._execution_ms_max = 0
        self._memory_bytes_max = 0
        self._idle_ticks = 0
        self._looks = 0
        self._base_bytes = 0
        self._ending: _Ending | None = None
        signal.signal(signal.SIGALRM, self._tick)
        # At its end the interpreter gives the signal back to the system, which would
        # end the process by it.
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)

    def call(
        self,
        function: Callable[[Given], Result],
        given: Given,
        execution_ms_max: int,
        memory_bytes_max: int,
    ) -> Result:
        """Return what a function returns; as ``Watchdog``."""
        if self._is_inside:
            return function(given)
        if not self._is_ticking:
            self._begin_ticking()
        self._execution_ms_max = execution_ms_max
        self._memory_bytes_max = memory_bytes_max
        self._began_ns = began_ns = monotonic_ns()
        self._is_inside = True
        try:
            return function(given)
        finally:
            self._is_inside = False
            if (
                self._ending is not None
                or monotonic_ns() - began_ns > execution_ms_max * _NS_PER_MS
            ):
                raise self._stopped() from None

    def _stopped(self) -> CallStopped:
        ending, self._ending = self._ending, None
        if ending is not None:
            ending.over()
            self._set_timer(limits.WATCHDOG_TICK_MS)
            return CallStopped(ending.reason, is_late=ending.is_late)
        return CallStopped(self._reason_of_time(), is_late=True)

    # Ticks

    def _begin_ticking(self) -> None:
        self._is_ticking = True
        self._idle_ticks = 0
        self._base_bytes = self._meter.data_bytes()
        self._set_timer(limits.WATCHDOG_TICK_MS)

    def _set_timer(self, interval_ms: int) -> None:
        interval_s = interval_ms / _MS_PER_S
        signal.setitimer(signal.ITIMER_REAL, interval_s, interval_s)

    def _tick(self, _: int, frame: FrameType | None) -> None:
        """Look at what is under way, unless this tick comes while another one looks.

        Of two ends of one call, one would stay prepared, and would end the next call.
        """
        if self._is_looking:
            return
        self._is_looking = True
        try:
            self._look(frame)
        finally:
            self._is_looking = False

    def _look(self, frame: FrameType | None) -> None:
        """End what is under way if it takes too much; the frame is where it is."""
        if not self._is_inside:
            self._rest()
            return
        ending = self._ending
        if ending is None:
            elapsed_ns = monotonic_ns() - self._began_ns
            is_late = elapsed_ns > self._execution_ms_max * _NS_PER_MS
            reason = self._reason_of_time() if is_late else self._reason_of_memory()
            if reason is None:
                return
            self._ending = ending = _Ending(reason, is_late=is_late)
            self._set_timer(limits.WATCHDOG_HURRY_MS)
        if ending.attempts > limits.WATCHDOG_ATTEMPTS_MAX:
            self._stuck(f"{ending.reason}; it cannot be ended")
        if frame is not None and ending.may_end(frame):
            raise _Interrupted

    def _rest(self) -> None:
        """Stop ticking after a while in which nothing was called."""
        if self._began_ns != self._seen_ns:
            self._seen_ns = self._began_ns
            self._idle_ticks = 0
            self._looks += 1
            if self._looks >= limits.WATCHDOG_IDLE_TICKS:
                # What the node itself takes is not the next call's.
                self._looks = 0
                self._base_bytes = self._meter.data_bytes()
            return
        self._idle_ticks += 1
        if self._idle_ticks >= limits.WATCHDOG_IDLE_TICKS:
            self._is_ticking = False
            self._set_timer(0)

    def _reason_of_memory(self) -> str | None:
        """Return by how much the process has grown, if that is too much."""
        if monotonic_ns() - self._began_ns < _TICK_NS:
            return None
        grown = self._meter.data_bytes() - self._base_bytes
        most = self._memory_bytes_max
        return f"it took {grown} bytes, and may take {most}" if grown > most else None

    def _reason_of_time(self) -> str:
        elapsed_ms = (monotonic_ns() - self._began_ns) // _NS_PER_MS
        return f"it took {elapsed_ms} ms, and may take {self._execution_ms_max} ms"


class _Ending:
    """A call that is being ended.

    Attributes:
        is_late: it took too long, and not too much memory.
        attempts: how often it was ended.
    """

    def __init__(self, reason: str, *, is_late: bool) -> None:
        self.is_late = is_late
        self.attempts = 0
        self._found_ns = monotonic_ns()
        self._ended_ns = 0
        self._place = ""
        self._reason = reason
        self._traced_before: Any = None
        self._is_tracing = False

    @property
    def reason(self) -> str:
        """Why the call is ended, and where that began."""
        return f"{self._reason}{self._place}"

    def may_end(self, frame: FrameType) -> bool:
        """Return whether to raise at the current line, and prepare for what follows."""
        if self._is_cleaning_up():
            return False
        is_patient = monotonic_ns() - self._found_ns < _GRACE_NS
        place = _place_in_app(frame, is_patient=is_patient)
        if place is None or self._ended_ns:
            self._trace(frame)
        if place is None:
            return False
        self._note(place)
        return True

    def _is_cleaning_up(self) -> bool:
        """Return whether the call was ended so lately that it may still clean up."""
        return bool(self._ended_ns) and monotonic_ns() - self._ended_ns < _GRACE_NS

    def _note(self, place: FrameType) -> None:
        """Note that the call is ended at a line of the application."""
        self.attempts += 1
        if not self._ended_ns:
            self._place = f", at {place_of(place)}"
            self._ended_ns = monotonic_ns()

    def over(self) -> None:
        """Leave nothing behind."""
        if self._is_tracing:
            sys.settrace(self._traced_before)

    def _trace(self, frame: FrameType) -> None:
        """Raise at the next line of the application."""
        if not self._is_tracing:
            self._is_tracing = True
            self._traced_before = sys.gettrace()
        step: FrameType | None = frame
        while step is not None and step.f_code is not _CALL:
            if whose(step.f_code.co_filename) is Whose.APP:
                step.f_trace = self._at_line
            step = step.f_back
        sys.settrace(self._at_line)

    def _at_line(self, frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401 - itself
        """Follow the application's frames alone, and raise at a line of one."""
        if whose(frame.f_code.co_filename) is not Whose.APP:
            return None
        if event == "line" and not self._is_cleaning_up():
            self._note(frame)
            raise _Interrupted
        return self._at_line


_CALL: Final = SignalWatchdog.call.__code__


def _place_in_app(frame: FrameType, *, is_patient: bool) -> FrameType | None:
    """Find the application's own line that is being run, if one is.

    Python's library runs on behalf of its caller, which may be compiled code of ours
    that has no frame. A patient watchdog waits for a line of the application itself.
    """
    step: FrameType | None = frame
    while step is not None and step.f_code is not _CALL:
        match whose(step.f_code.co_filename):
            case Whose.APP:
                return step
            case Whose.OURS:
                return None
            case Whose.STANDARD:
                if is_patient:
                    return None
                step = step.f_back
    return None


@cache
def whose(file: str) -> Whose:
    """Return whose code a file holds.

    Whatever is neither ours nor Python's is the application's, libraries of its own
    included; so are the samples that travel with ccfpy.
    """
    if file.startswith("<"):
        # Written by the library, such as a dataclass's methods; or the import itself.
        return Whose.OURS if "importlib" in file else Whose.STANDARD
    if file.startswith(_OURS) and not file.startswith(_SAMPLES):
        return Whose.OURS
    for packages in _PACKAGES:
        if file.startswith(packages):
            name = file[len(packages) :].partition("/")[0].removesuffix(".py")
            return Whose.OURS if name in _USED_BY_US else Whose.APP
    return Whose.STANDARD if file.startswith(_STANDARD) else Whose.APP


def _folder(path: str | Path) -> str:
    return f"{path}/"


_HOME: Final = Path(ccfpy.__file__).resolve().parent
_OURS: Final = _folder(_HOME)
_SAMPLES: Final = _folder(_HOME / "share" / "apps")
_PACKAGES: Final = tuple(
    {_folder(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
)
_STANDARD: Final = tuple(
    {_folder(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}
)
_USED_BY_US: Final = frozenset(
    {
        "OpenSSL",
        "cbor2",
        "cryptography",
        "h2",
        "hpack",
        "httptools",
        "hyperframe",
        "msgpack",
        "orjson",
        "sortedcontainers",
        "wasmtime",
    }
)


def system_watchdog(
    meter: Meter, *, stuck: Callable[[str], None] = lambda _: None
) -> "SignalWatchdog | Unwatched":
    """Return a watchdog for calls on this thread, or none where there can be none.

    A timer that somebody else in this process uses is left alone.
    """
    if not hasattr(signal, "setitimer"):
        return Unwatched()
    if threading.current_thread() is not threading.main_thread():
        return Unwatched()
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        return Unwatched()
    return SignalWatchdog(meter, stuck=stuck)
