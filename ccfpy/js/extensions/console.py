"""``console``: messages of scripts for the node's log."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol

from ccfpy.base.limits import JS_LOG_CHARS_MAX, JS_LOG_LINES_MAX
from ccfpy.js.extension import ExtensionFunction


class ConsoleLevel(StrEnum):
    """CCF's log level behind each method: ``log``/``info``, ``warn``, ``error``."""

    INFO = "info"
    FAIL = "fail"
    FATAL = "fatal"


class ConsoleLog(Protocol):
    """Where the messages go."""

    def __call__(self, level: ConsoleLevel, message: str, /) -> None:
        """Log one message."""
        ...


_SOURCE = """
(function (python, { stringify, textOf, isError, methods }) {
  function line(args) {
    let text = "";
    for (let i = 0; i < args.length; i++) {
      const value = args[i];
      const isPlainObject =
        value !== null && !isError(value) &&
        (typeof value === "object" || typeof value === "function");
      if (i > 0) text += " ";
      text += isPlainObject ? textOf(stringify(value)) : textOf(value);
    }
    return text;
  }
  globalThis.console = methods({}, {
    log(...args) { python.write("info", line(args)); },
    info(...args) { python.write("info", line(args)); },
    warn(...args) { python.write("fail", line(args)); },
    error(...args) { python.write("fatal", line(args)); },
  });
})
"""


class ConsoleExtension:
    """The extension; the messages of each call are bounded.

    Messages beyond the bounds are not logged, and the last line says so.
    """

    source: Final = _SOURCE

    def __init__(self, log: ConsoleLog) -> None:
        self._log = log
        self.begin()

    def begin(self) -> None:
        """Start a call: reset the bounds."""
        self._lines_left = JS_LOG_LINES_MAX
        self._chars_left = JS_LOG_CHARS_MAX

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return {"write": self._write}

    def _write(self, level: str, message: str) -> None:
        if not self._lines_left:
            return
        self._lines_left -= 1
        if not self._lines_left or len(message) > self._chars_left:
            message = message[: self._chars_left] + "... (nothing more is logged)"
            self._lines_left = 0
        self._chars_left -= len(message)
        self._log(ConsoleLevel(level), message)
