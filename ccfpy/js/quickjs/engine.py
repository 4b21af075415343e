"""QuickJS as the engine of all scripts."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.codec import buf
from ccfpy.crypto.hashing import sha256
from ccfpy.js import prelude
from ccfpy.js.engine import JsArgument, JsLimits, Library, Program
from ccfpy.js.quickjs.context_pool import ContextPool, ContextRecipe, PreparedContext
from ccfpy.js.quickjs.interpreters import FreshInterpreter, ReusedInterpreter
from ccfpy.js.quickjs.script_instance import Runtime, ScriptInstance, found_in
from ccfpy.js.quickjs.values import encode
from ccfpy.js.quickjs.wasm_instance import MemoryImage, WasmInstance

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.engine import Interpreter
    from ccfpy.js.extension import Extension, ExtensionArgument, ExtensionFunction

VERSION: Final = "2025-09-13"
"""The engine's release date, to which its bytecode is bound; ``engine.wasm`` is made of
it."""


class QuickJs:
    """Runs JavaScript on Bellard's QuickJS; between calls it holds unused contexts.

    Each call finds an unused context, unless one is reused.

    Args:
        clock: for deadlines.
        contexts: those prepared so far. What is in them follows from sources alone, so
            that several engines of one process may have them in common.
        threads: what scripts run on, beside their node.
    """

    def __init__(
        self,
        clock: "Clock",
        contexts: ContextPool | None = None,
        threads: AppThreads | None = None,
    ) -> None:
        self._runtime = Runtime(clock, AppThreads() if threads is None else threads)
        self._pool = ContextPool() if contexts is None else contexts

    def call_export(
        self,
        program: Program,
        function: str,
        arguments: Sequence[JsArgument],
        *,
        extensions: "Sequence[Extension]",
        limits: JsLimits,
    ) -> str | None:
        """Call an exported function, and return its result as JSON text.

        Returns:
            ``None`` if the result has no JSON form, as ``undefined`` has none.

        Raises:
            JsException: the function or a module's body threw, or the result could not
                be written as JSON.
            JsLimitExceeded: the call was stopped.
            JsModuleFailed: no such module, export or function.
        """
        forms = "".join(
            "p" if isinstance(argument, str | bytes) else "j" for argument in arguments
        )
        natives = [
            argument
            if isinstance(argument, str | bytes)
            else json.dumps(argument).decode()
            for argument in arguments
        ]

        def call(script: ScriptInstance) -> "ExtensionArgument":
            return script.invoke("call", function, forms, *natives)

        result = self._within(program, function, extensions, limits, call)
        return result if isinstance(result, str) else None

    def parameter_count(
        self,
        program: Program,
        function: str,
        *,
        extensions: "Sequence[Extension]" = (),
        limits: JsLimits,
    ) -> int:
        """Return how many arguments an exported function declares (its ``length``).

        Raises:
            JsException: a module's body threw, or was stopped.
            JsModuleFailed: no such module, export or function.
        """

        def count(script: ScriptInstance) -> "ExtensionArgument":
            return script.invoke("parameterCount", function)

        result = self._within(program, function, extensions, limits, count)
        return result if isinstance(result, int) else 0

    def interpreter(
        self,
        library: Library,
        extensions: "Sequence[Extension]",
        *,
        is_reused: bool,
    ) -> "Interpreter":
        """Make an interpreter in which no module is loaded yet.

        Args:
            library: the modules that it may load.
            extensions: what scripts may call; their functions must not call the
                interpreter.
            is_reused: whether each call finds the globals as the last call left them.
        """
        functions, bare = self._bare(extensions)
        if is_reused:
            return ReusedInterpreter(self._runtime, functions, library, bare)
        return FreshInterpreter(self._runtime, functions, library, bare, self._pool)

    def _within(
        self,
        program: Program,
        function: str,
        extensions: "Sequence[Extension]",
        limits: JsLimits,
        step: Callable[[ScriptInstance], "ExtensionArgument"],
    ) -> "ExtensionArgument":
        """Run ``step`` on a program's function, in a context of its own."""
        functions, bare = self._bare(extensions)
        script = ScriptInstance(self._runtime, functions, found_in(program.imports))
        recipe = ContextRecipe(
            bare=bare,
            library=_digest(program),
            name=program.name,
            source=program.source,
            loading=limits,
            limits=limits,
        )
        context = self._pool.enter(script, recipe)
        try:
            script.require_function(program.name, function)
            return step(script)
        finally:
            context.leave(script)

    def _bare(
        self, extensions: "Sequence[Extension]"
    ) -> "tuple[Sequence[ExtensionFunction], PreparedContext]":
        """Return the functions of extensions, and a context with these alone."""
        tables = [extension.functions() for extension in extensions]
        functions = [function for table in tables for function in table.values()]
        sources = ",".join(extension.source for extension in extensions)
        names = ";".join(map(",".join, tables))
        context = self._pool.get((sources, names))
        if context is None:
            context = PreparedContext(image=_bare_image(sources, names))
            self._pool.put((sources, names), context)
        return functions, context


def compile_module(name: str, source: str) -> bytes:
    """Return a module's bytecode, whatever the module imports.

    Nothing ever reads it: the engine's bytecode reader trusts its input.

    Raises:
        JsModuleFailed: the module does not compile.
    """
    script = _started(ScriptInstance(_NOTHING, (), lambda _name: ""))
    return script.bytecode(name, source)


@cache
def _bare_image(sources: str, names: str) -> MemoryImage:
    """Start an engine, install extensions in it, and copy its memory.

    Raises:
        JsLimitExceeded: the extensions left no memory.
    """
    script = _started(ScriptInstance(_NOTHING, (), lambda _name: None))
    script.invoke("install", _script(f"[{sources}]"), prelude.NAME, names)
    return PreparedContext.of(script, has_run=False).image


def _started(script: ScriptInstance) -> ScriptInstance:
    script.instance = instance = WasmInstance(script)
    instance.run("start", encode(_script(prelude.SOURCE)) + encode(prelude.NAME))
    return script


class _NoClock:
    """A clock for an engine that runs no script."""

    def monotonic_ns(self) -> int:
        return 0


_NOTHING: Final = Runtime(_NoClock(), AppThreads())


def _script(source: str) -> str:
    return f'"use strict";{source}'


def _digest(program: Program) -> bytes:
    parts = [program.name, program.source]
    for name, source in program.imports.items():
        parts += name, source
    return sha256(b"".join(buf(part.encode(errors="surrogatepass")) for part in parts))
