"""The seam between an extension and an engine: host functions and how they fail.

An extension is a piece of JavaScript that shapes the guest's view, and the host
functions it is built on. The JavaScript runs before any guest code and alone holds the
host functions, so a guest can neither reach nor replace them; yet each host function
checks what it is given, because it is the trust boundary.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol, TypeAlias

ExtensionArgument: TypeAlias = bytes | str | int | float | bool | None
"""An ArrayBuffer, a string, a number, a boolean; ``None`` for undefined and null."""
ExtensionResult: TypeAlias = bytes | str | int | float | bool | None
"""The same the other way; ``None`` becomes undefined. Objects travel as JSON text."""
ExtensionFunction: TypeAlias = Callable[..., ExtensionResult]
"""Takes ``ExtensionArgument``s. What it raises beside ``JsThrow`` ends the call."""


class ErrorClass(StrEnum):
    """The JavaScript classes a host function may throw."""

    ERROR = "Error"
    TYPE = "TypeError"
    RANGE = "RangeError"
    INTERNAL = "InternalError"


class JsThrow(Exception):
    """Raised by a host function to throw in the guest, who may catch it."""

    def __init__(self, kind: ErrorClass, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


def type_error(message: str) -> JsThrow:
    """Make a ``TypeError``."""
    return JsThrow(ErrorClass.TYPE, message)


def range_error(message: str) -> JsThrow:
    """Make a ``RangeError``."""
    return JsThrow(ErrorClass.RANGE, message)


def internal_error(message: str) -> JsThrow:
    """Make an ``InternalError``, QuickJS' class for faults that are not the guest's."""
    return JsThrow(ErrorClass.INTERNAL, message)


class Extension(Protocol):
    """One namespace of the guest's world."""

    @property
    def source(self) -> str:
        """A JavaScript function expression ``(host, tools) => {...}``; a constant.

        ``host`` holds ``functions()`` under their names; ``tools`` is what
        ``prelude.js`` offers. It must take every builtin it needs when it is
        installed: later the guest may have replaced them.
        """
        ...

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Give the host functions its source calls."""
        ...
