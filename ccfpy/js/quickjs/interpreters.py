"""Interpreters that serve requests: reused for the next request, or fresh for each."""

from typing import TYPE_CHECKING, Final

from ccfpy.js.engine import (
    JsException,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
)
from ccfpy.js.quickjs.context_pool import ContextPool, ContextRecipe, PreparedContext
from ccfpy.js.quickjs.script_instance import ScriptInstance, found_in, relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.js.extension import ExtensionArgument, ExtensionFunction
    from ccfpy.js.quickjs.script_instance import Runtime

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
