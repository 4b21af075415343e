"""What is known of one call of a script: its time, and how it failed.

Python functions and the engine's interrupt handler must not raise through the engine,
which would cut the exception or drop it. They leave the exception here, and the caller
raises it after the call.
"""

import re
from typing import TYPE_CHECKING

from ccfpy.base.limits import JS_REASON_CHARS_MAX
from ccfpy.js import prelude
from ccfpy.js.engine import JsException

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.extension import JsThrow

_OWN_FRAME = re.compile(
    rf"(^ *at apply \(native\)\n)?^ *at .*\({re.escape(prelude.NAME)}.*\)\n?",
    re.MULTILINE,
)
"""The prelude's frame, with the call by which the prelude reached the script."""


_NO_DEADLINE_NS = 1 << 63
"""No deadline is set yet: only the node's own scripts run until then."""


class Call:
    """What Python functions and the interrupt handler leave behind during one call."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.held_ns = 0
        self.waited_ns = 0
        """What the thread had waited for others at the last look."""
        self.deadline_ns = _NO_DEADLINE_NS
        self.timed_out = False
        self.thrown: JsThrow | None = None
        self.python_error: BaseException | None = None
        self.failure: JsException | None = None

    @property
    def now_ns(self) -> int:
        """The time of the clock, less that in which the script waited for others."""
        return self.clock.monotonic_ns() - self.held_ns

    def collect_throw(self, is_class: object) -> str:
        """Return the class of a ``JsThrow`` if ``is_class``, else its message."""
        assert self.thrown is not None, "only a function that failed answers null"
        return self.thrown.kind.value if is_class is True else self.thrown.message

    def report(self, reason: object, trace: object) -> str:
        """Keep the exception that the script threw."""
        text = reason if isinstance(reason, str) else ""
        self.failure = JsException(bounded(text), script_trace(trace))
        return ""

    def is_over(self) -> bool:
        """Return whether the script must stop.

        The interpreter asks every few thousand steps. Nothing may be raised from here:
        the binding would drop it.
        """
        try:
            if self.python_error is None and self.now_ns > self.deadline_ns:
                self.timed_out = True
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            self.python_error = error
        return self.timed_out or self.python_error is not None


def bounded(text: str) -> str:
    """Cut a script's text to what a ledger or an answer can hold.

    Half a surrogate pair is a character in JavaScript; here it is replaced.
    """
    return text[:JS_REASON_CHARS_MAX].encode(errors="replace").decode()


def script_trace(trace: object) -> str | None:
    """Return a stack without the node's own frames; ``None`` if there is no stack."""
    return _OWN_FRAME.sub("", bounded(trace)) if isinstance(trace, str) else None
