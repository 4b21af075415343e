"""``console``: messages of scripts for the node's log."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from ccfpy.base.limits import JS_LOG_CHARS_MAX, JS_LOG_LINES_MAX
from ccfpy.js.extension import ExtensionFunction, own_source


class ConsoleLevel(StrEnum):
    """CCF's log level behind each method: ``log``/``info``, ``warn``, ``error``."""

    INFO = "info"
    FAIL = "fail"
    FATAL = "fatal"


ConsoleLog: TypeAlias = Callable[[ConsoleLevel, str], None]
"""Logs one message."""


class ConsoleExtension:
    """The extension; the messages of each call are bounded.

    Messages beyond the bounds are not logged, and the last line says so.
    """

    source: Final = own_source(__name__)

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
