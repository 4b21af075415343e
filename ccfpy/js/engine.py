"""What the rest of ccfpy asks of a JavaScript engine, and how it is told of failure.

A call runs one exported function of one module, in a world nobody has used unless an
application wants one kept. Values cross as JSON text, never as live objects: a
guest's object may be a proxy, endless or deeper than the native stack. A guest's
exception is data for a reply; a failure of the host inside an extension is not the
guest's business and passes through as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.js.extension import Extension, ExtensionArgument

JsArgument: TypeAlias = "Json | bytes"
"""``str`` and ``bytes`` arrive as a string and an ArrayBuffer, the rest as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Modules and the one whose exports are called.

    Attributes:
        name: the main module's name, as traces show it and relative imports resolve.
        imports: what it may import, by absolute path (``/lib/a.js``).
    """

    name: str
    source: str
    imports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """An application's modules, from which endpoints call functions.

    Attributes:
        sources: by absolute path.
    """

    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsLimits:
    """What one call may use before it is stopped (``include/ccf/.../jsengine.h``)."""

    heap_bytes_max: int = limits.JS_HEAP_BYTES_MAX
    stack_bytes_max: int = limits.JS_STACK_BYTES_MAX
    execution_ms_max: int = limits.JS_EXECUTION_MS_MAX

    def at_least_defaults(self) -> Self:
        """Raise each limit to its default, so that governance can always undo itself.

        A service whose options were set too low could otherwise pass no proposal that
        sets them right again.
        """
        return type(self)(
            heap_bytes_max=max(self.heap_bytes_max, limits.JS_HEAP_BYTES_MAX),
            stack_bytes_max=max(self.stack_bytes_max, limits.JS_STACK_BYTES_MAX),
            execution_ms_max=max(self.execution_ms_max, limits.JS_EXECUTION_MS_MAX),
        )


class JsLimit(StrEnum):
    """Which of a call's limits was reached."""

    HEAP = "heap"
    STACK = "stack"
    TIME = "time"


class JsException(CcfpyError):
    """The guest threw, or was stopped.

    Attributes:
        reason: ``Name: message``, or the JSON text of a thrown plain object.
        trace: the guest's stack, one ``at function (module:line:column)`` a line;
            ``None`` if what it threw was no Error.
    """

    def __init__(self, reason: str, trace: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trace = trace


class JsLimitExceeded(JsException):
    """The guest was stopped for using too much.

    A guest that catches its own heap or stack error is not told apart from one that
    never made it: only what leaves the call counts.
    """

    def __init__(self, which: JsLimit, reason: str, trace: str | None = None) -> None:
        super().__init__(reason, trace)
        self.which = which


class JsModuleFailed(CcfpyError):
    """A module could not be used at all; texts are those of ``js/core/context.cpp``."""


class Interpreter(Protocol):
    """A guest's world on one library, for one call after another.

    One whose globals are kept keeps them after a call that raised, too, unless the
    engine broke off or a module did not compile: then the next call begins anew.
    """

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        ...

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[ExtensionArgument]":
        """Let an exported function answer a request.

        What it is called with, and what becomes of its result, is up to the extension
        that gives ``tools.serve``, which gets the function and what is ``given``. A
        promise is waited for. Modules are loaded under limits of at least the defaults,
        as ``limits`` is the function's own.

        Returns:
            What it left as an answer; nothing if a host function took one.

        Raises:
            JsException: it threw, or its result could not be read.
            JsLimitExceeded: it or a module's body was stopped.
            JsModuleFailed: no such module, export or function, or a body threw.
        """
        ...


class Engine(Protocol):
    """Runs JavaScript; each call finds an unused world, unless one is kept."""

    @property
    def version(self) -> str:
        """The engine's version, which its bytecode is bound to."""
        ...

    def call_export(
        self,
        program: Program,
        function: str,
        arguments: Sequence[JsArgument],
        *,
        extensions: "Sequence[Extension]",
        limits: JsLimits,
    ) -> str | None:
        """Call an exported function; give its result as JSON text.

        Returns:
            ``None`` if the result has no JSON form, as ``undefined`` has none.

        Raises:
            JsException: it or a module's own body threw, or its result could not be
                written as JSON.
            JsLimitExceeded: it was stopped.
            JsModuleFailed: no such module, export or function.
        """
        ...

    def parameter_count(
        self,
        program: Program,
        function: str,
        *,
        extensions: "Sequence[Extension]" = (),
        limits: JsLimits,
    ) -> int:
        """Tell how many arguments an exported function declares (its ``length``).

        Raises:
            JsException: a module's own body threw, or was stopped.
            JsModuleFailed: no such module, export or function.
        """
        ...

    def interpreter(
        self, library: Library, extensions: "Sequence[Extension]", *, is_reused: bool
    ) -> Interpreter:
        """Make an interpreter in which no module is loaded yet.

        Args:
            library: what it may load.
            extensions: what it may call; its host functions must not lead back to it.
            is_reused: whether each call finds what those before left in its globals.
        """
        ...

    def compile_module(self, name: str, source: str) -> bytes:
        """Give a module's bytecode, for tables that must hold some.

        It is never read back: this engine's bytecode reader trusts its input.

        Raises:
            JsModuleFailed: it does not compile.
        """
        ...
