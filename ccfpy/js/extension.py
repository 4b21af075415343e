"""The seam between an extension and an engine: Python functions and how they fail.

An extension is a piece of JavaScript, which defines what scripts see, and the Python
functions that this JavaScript calls. The JavaScript runs before any script and alone
holds the functions, so a script can neither reach nor replace them. Yet each function
checks its arguments, because it is the trust boundary.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar

from ccfpy.base.errors import CcfpyError

T = TypeVar("T")

ExtensionArgument: TypeAlias = bytes | str | int | float | bool | None
"""An ArrayBuffer, a string, a number, a boolean; ``None`` for undefined and null."""
ExtensionResult: TypeAlias = bytes | str | int | float | bool | None
"""The same types; ``None`` becomes undefined. Objects travel as JSON text."""
ExtensionFunction: TypeAlias = Callable[..., ExtensionResult]
"""Takes ``ExtensionArgument``s. An exception other than ``JsThrow`` ends the call."""


class ErrorClass(StrEnum):
    """The JavaScript classes that an extension's function may throw."""

    ERROR = "Error"
    TYPE = "TypeError"
    RANGE = "RangeError"
    INTERNAL = "InternalError"


class JsThrow(Exception):
    """Raised by an extension's function to throw in the script, which may catch it."""

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
    """Make an ``InternalError``, QuickJS' class for faults that no script made."""
    return JsThrow(ErrorClass.INTERNAL, message)


def or_throw(operation: Callable[[], T], failure: str) -> T:
    """Run an operation; throw its error in the script, with CCF's words in front."""
    try:
        return operation()
    except CcfpyError as error:
        raise internal_error(f"{failure}: {error}") from None


def utf8(text: str) -> bytes:
    """Encode text, which may hold half a surrogate pair in JavaScript."""
    return text.encode(errors="surrogatepass")


def own_source(module: str) -> str:
    """Return the JavaScript in ``c.js`` of package ``a.b``, for module ``a.b.c``."""
    package, _, name = module.rpartition(".")
    source = pkgutil.get_data(package, f"{name}.js")
    assert source is not None, "the file is installed with the module"
    return source.decode()


@dataclass(frozen=True, slots=True)
class StatelessExtension:
    """An extension that is its source and its functions.

    Attributes:
        source: as `Extension` has it.
        table: the functions by name.
    """

    source: str
    table: Mapping[str, ExtensionFunction] = field(default_factory=dict)

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        return self.table


class Extension(Protocol):
    """One namespace that scripts see."""

    @property
    def source(self) -> str:
        """A JavaScript function expression ``(python, tools) => {...}``; a constant.

        ``python`` holds ``functions()`` under their names; ``tools`` is what
        ``prelude.js`` offers. The expression must take every builtin that it needs when
        it is installed: later a script may have replaced them.
        """
        ...

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the functions that the source calls."""
        ...
