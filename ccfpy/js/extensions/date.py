"""``Date``: the time at which the call began, or the running time if a script asks.

The time comes from the host and is not trusted. It stands still unless the script calls
``ccf.enableUntrustedDateTime(true)``. For governance it always stands still: a call
that is replayed with the same time takes the same course.
"""

from collections.abc import Callable, Mapping
from typing import Final

from ccfpy.js.extension import ExtensionFunction

_SOURCE = """
(function (python, { textOf }) {
  const { now } = python;
  const Real = Date;
  const { construct } = Reflect;
  function ScriptDate(...args) {
    if (new.target === undefined) return textOf(new Real(now()));
    return construct(Real, args.length === 0 ? [now()] : args, new.target);
  }
  const define = Object.defineProperty;
  const hidden = { __proto__: null, writable: true, configurable: true };
  define(ScriptDate, "name", { value: "Date", configurable: true });
  define(ScriptDate, "length", { value: 7, configurable: true });
  define(ScriptDate, "prototype", { value: Real.prototype, writable: false });
  define(ScriptDate, "now", { ...hidden, value: () => now() });
  define(ScriptDate, "parse", { ...hidden, value: Real.parse });
  define(ScriptDate, "UTC", { ...hidden, value: Real.UTC });
  define(Real.prototype, "constructor", { ...hidden, value: ScriptDate });
  define(globalThis, "Date", { ...hidden, value: ScriptDate });
})
"""


class DateExtension:
    """The extension ``Date``.

    Args:
        unix_time_ms: returns the time, in milliseconds since 1970.
    """

    source: Final = _SOURCE

    def __init__(self, unix_time_ms: Callable[[], int]) -> None:
        self._unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"now": self._unix_time_ms}


class FrozenDateExtension(DateExtension):
    """The extension ``Date``, with a time that stands still."""

    def __init__(self, unix_time_ms: int) -> None:
        super().__init__(lambda: unix_time_ms)
