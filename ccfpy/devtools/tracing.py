"""An engine that remembers how its last served call went.

Answers and logs carry a stack as CCF's engine writes it, without columns. Here it is
kept as the engine told it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ccfpy.js.engine import (
    Engine,
    Interpreter,
    JsArgument,
    JsException,
    JsLimits,
    Library,
    Program,
)
from ccfpy.js.extension import Extension, ExtensionArgument
from ccfpy.js.serving.execution import INTERRUPTED


@dataclass(slots=True)
class LastCall:
    """How the last served call went.

    Attributes:
        thrown: what it threw, if it did.
        elapsed_ms: how long the script took; nothing if none ran.
    """

    thrown: JsException | None = None
    elapsed_ms: int | None = None

    def begin(self) -> None:
        """Forget the call before."""
        self.thrown = None
        self.elapsed_ms = None


@dataclass(slots=True)
class TracingEngine:
    """An engine, and what is known of its last served call."""

    engine: Engine
    last: LastCall = field(default_factory=LastCall)

    @property
    def version(self) -> str:
        """The engine's version."""
        return self.engine.version

    def call_export(
        self,
        program: Program,
        function: str,
        arguments: Sequence[JsArgument],
        *,
        extensions: Sequence[Extension],
        limits: JsLimits,
    ) -> str | None:
        """Call an exported function; not traced."""
        return self.engine.call_export(
            program, function, arguments, extensions=extensions, limits=limits
        )

    def parameter_count(
        self,
        program: Program,
        function: str,
        *,
        extensions: Sequence[Extension] = (),
        limits: JsLimits,
    ) -> int:
        """Return how many arguments an exported function declares."""
        return self.engine.parameter_count(
            program, function, extensions=extensions, limits=limits
        )

    def interpreter(
        self, library: Library, extensions: Sequence[Extension], *, is_reused: bool
    ) -> Interpreter:
        """Make an interpreter whose calls are traced."""
        return _Traced(
            self.engine.interpreter(library, extensions, is_reused=is_reused), self.last
        )

    def compile_module(self, name: str, source: str) -> bytes:
        """Return a module's bytecode."""
        return self.engine.compile_module(name, source)


@dataclass(slots=True)
class _Traced:
    interpreter: Interpreter
    last: LastCall

    @property
    def elapsed_ms(self) -> int:
        return self.interpreter.elapsed_ms

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> Sequence[ExtensionArgument]:
        try:
            return self.interpreter.serve(module, function, limits, given)
        except JsException as error:
            self.last.thrown = error
            raise
        finally:
            self.last.elapsed_ms = self.interpreter.elapsed_ms


def said(
    lines: Sequence[tuple[str, str]], thrown: JsException | None
) -> Sequence[tuple[str, str]]:
    """Return what the script logged, without the node's line about its exception."""
    if thrown is None or not lines:
        return lines
    level, text = lines[-1]
    is_the_nodes = level == "fail" and text.startswith((thrown.reason, INTERRUPTED))
    return lines[:-1] if is_the_nodes else lines
