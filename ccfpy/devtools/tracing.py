"""An engine that remembers how its last served call went.

Answers and logs carry a stack as CCF's engine writes it, without columns. Here it is
kept as the engine told it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ccfpy.base.ports import Clock
from ccfpy.js.engine import Interpreter, JsException, JsLimits, Library
from ccfpy.js.extension import Extension, ExtensionArgument
from ccfpy.js.quickjs import QuickJs
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


class TracingEngine(QuickJs):
    """An engine, and what is known of its last served call."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.last = LastCall()

    def interpreter(
        self, library: Library, extensions: Sequence[Extension], *, is_reused: bool
    ) -> Interpreter:
        """Make an interpreter whose calls are traced."""
        interpreter = super().interpreter(library, extensions, is_reused=is_reused)
        return _Traced(interpreter, self.last)


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
