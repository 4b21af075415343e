"""QuickJS as the engine of all scripts.

Interpreters that serve requests: reused for the next request, or fresh for each.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.app_threads import AppThreads
from ccfpy.base.codec import buf
from ccfpy.base.compiling import mypyc_attr
from ccfpy.crypto.hashing import sha256
from ccfpy.js.engine import (
    JsArgument,
    JsException,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
    Program,
)
from ccfpy.js.quickjs import script_instance
from ccfpy.js.quickjs.context_pool import ContextPool, ContextRecipe, PreparedContext
from ccfpy.js.quickjs.script_instance import Runtime, ScriptInstance, found_in, relative
from ccfpy.js.quickjs.values import encode
from ccfpy.js.quickjs.wasm_instance import MemoryImage, WasmInstance

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.engine import Interpreter
    from ccfpy.js.extension import Extension, ExtensionArgument, ExtensionFunction


_NS_PER_MS: Final = 1_000_000


class ReusedInterpreter:
    """An interpreter on an application's library, for one call after another."""

    def __init__(
        self,
        runtime: "Runtime",
        functions: "Sequence[ExtensionFunction]",
        library: Library,
        bare: PreparedContext,
    ) -> None:
        self._runtime = runtime
        self._functions = functions
        self._library = library
        self._bare = bare
        self._source_of = found_in(library.sources)
        self._loaded: set[str] = set()
        self._script = self._begin()
        self._started_ns = self._script.now_ns

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        return (self._script.now_ns - self._started_ns) // _NS_PER_MS

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[ExtensionArgument]":
        """Call an exported function to answer a request; see ``engine.Interpreter``."""
        script = self._script
        if not script.instance.is_sound:
            script = self._begin_anew()
        name = relative(module)
        is_loaded = name in self._loaded
        if not is_loaded:
            self._started_ns = script.now_ns
            self._load(name, module, limits.at_least_defaults())
        script.restrict(limits)
        begun_ns = script.begin(limits)
        if is_loaded:
            self._started_ns = begun_ns
        return script.serve(name, module, function, given)

    def _load(self, name: str, module: str, loading: JsLimits) -> None:
        """Run a module's body, once."""
        script = self._script
        if name not in script.known:
            source = _source(self._library, module)
            try:
                script.compile(name, source)
            except JsModuleFailed:
                # The engine holds on to modules whose imports it did not find.
                self._begin_anew()
                raise
        script.restrict(loading)
        script.begin(loading)
        try:
            script.load(name)
        except JsException as error:
            raise _as_module_failure(error, module) from None
        self._loaded.add(name)

    def _begin(self) -> ScriptInstance:
        """Return a script in a context without any module."""
        script = ScriptInstance(self._runtime, self._functions, self._source_of)
        self._bare.enter(script)
        return script

    def _begin_anew(self) -> ScriptInstance:
        self._bare.leave(self._script)
        self._loaded.clear()
        self._script = script = self._begin()
        return script


class FreshInterpreter:
    """An interpreter in which every call finds an unused context."""

    def __init__(
        self,
        runtime: "Runtime",
        functions: "Sequence[ExtensionFunction]",
        library: Library,
        bare: PreparedContext,
        pool: ContextPool,
    ) -> None:
        self._runtime = runtime
        self._functions = functions
        self._library = library
        self._bare = bare
        self._pool = pool
        self._source_of = found_in(library.sources)
        self._last_recipe: tuple[str, JsLimits, ContextRecipe] | None = None
        self._script = ScriptInstance(runtime, functions, self._source_of)
        self._started_ns = self._script.now_ns

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        return (self._script.now_ns - self._started_ns) // _NS_PER_MS

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[ExtensionArgument]":
        """Call an exported function to answer a request; see ``engine.Interpreter``."""
        script = ScriptInstance(self._runtime, self._functions, self._source_of)
        self._script = script
        self._started_ns = script.now_ns
        recipe = self._recipe(module, limits)
        try:
            context = self._pool.enter(script, recipe)
        except JsException as error:
            raise _as_module_failure(error, module) from None
        try:
            return script.serve(recipe.name, module, function, given)
        finally:
            context.leave(script)

    def _recipe(self, module: str, limits: JsLimits) -> ContextRecipe:
        """Return how the context is made; mostly the recipe of the last call."""
        last = self._last_recipe
        if last is not None and last[0] == module and last[1] is limits:
            return last[2]
        recipe = ContextRecipe(
            bare=self._bare,
            library=self._library,
            name=relative(module),
            source=_source(self._library, module),
            loading=limits.at_least_defaults(),
            limits=limits,
        )
        self._last_recipe = module, limits, recipe
        return recipe


def _source(library: Library, module: str) -> str:
    source = found_in(library.sources)(module)
    if source is None:
        raise JsModuleFailed(f"Module '{module}' could not be loaded")
    return source


def _as_module_failure(error: JsException, module: str) -> Exception:
    """Return the error that names the module whose body threw.

    An error that says the body was stopped stays as it is.
    """
    if isinstance(error, JsLimitExceeded):
        return error
    return JsModuleFailed(f"Failed to execute {module}: {error}")


VERSION: Final = "2025-09-13"
"""The engine's release date, to which its bytecode is bound; ``engine.wasm`` is made of
it."""


@mypyc_attr(allow_interpreted_subclasses=True)
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
    script.invoke("install", _script(f"[{sources}]"), script_instance.NAME, names)
    return PreparedContext.of(script, has_run=False).image


def _started(script: ScriptInstance) -> ScriptInstance:
    script.instance = instance = WasmInstance(script)
    instance.run(
        "start", encode(_script(script_instance.SOURCE)) + encode(script_instance.NAME)
    )
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
