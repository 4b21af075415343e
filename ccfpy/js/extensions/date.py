"""``Date`` at the moment its call began, or running on where the guest enables it.

The time is the host's, untrusted like all of the host's words. It stands still unless
the guest calls ``ccf.enableUntrustedDateTime(true)``, and always stands still for
governance: a call that is replayed with the same moment takes the same course.
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
    """The extension.

    Args:
        unix_time_ms: asked for the time, in milliseconds since 1970.
    """

    source: Final = _SOURCE

    def __init__(self, unix_time_ms: Callable[[], int]) -> None:
        self._unix_time_ms = unix_time_ms

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Give the host functions."""
        return {"now": self._unix_time_ms}


class FrozenDateExtension(DateExtension):
    """The extension, at one moment."""

    def __init__(self, unix_time_ms: int) -> None:
        super().__init__(lambda: unix_time_ms)
