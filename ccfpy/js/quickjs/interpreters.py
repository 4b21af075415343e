"""Interpreters that serve requests: kept from one to the next, or new for each."""

from typing import TYPE_CHECKING

from ccfpy.js.engine import (
    JsException,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
)
from ccfpy.js.quickjs.guest import Guest, found_in, relative
from ccfpy.js.quickjs.images import Start, World, Worlds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.base.ports import Clock
    from ccfpy.js.host import HostArgument, HostFunction

_NS_PER_MS = 1_000_000


class Kept:
    """An interpreter on an application's library, for one call after another."""

    __slots__ = (
        "_bare",
        "_clock",
        "_functions",
        "_guest",
        "_library",
        "_loaded",
        "_source_of",
        "_started_ns",
    )

    def __init__(
        self,
        clock: "Clock",
        functions: "Sequence[HostFunction]",
        library: Library,
        bare: World,
    ) -> None:
        self._clock = clock
        self._functions = functions
        self._library = library
        self._bare = bare
        self._source_of = found_in(library.sources)
        self._loaded: set[str] = set()
        self._guest = self._begin()
        self._started_ns = self._guest.now_ns

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        return (self._guest.now_ns - self._started_ns) // _NS_PER_MS

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[HostArgument]":
        """Let an exported function answer a request; see ``engine.Interpreter``."""
        guest = self._guest
        if not guest.machine.is_sound:
            guest = self._begin_anew()
        name = relative(module)
        is_loaded = name in self._loaded
        if not is_loaded:
            self._started_ns = guest.now_ns
            self._load(name, module, limits.at_least_defaults())
        guest.restrict(limits)
        begun_ns = guest.begin(limits)
        if is_loaded:
            self._started_ns = begun_ns
        return guest.serve(name, module, function, given)

    def _load(self, name: str, module: str, loading: JsLimits) -> None:
        """Run a module's body, once."""
        guest = self._guest
        if name not in guest.known:
            source = _source(self._library, module)
            try:
                guest.compile(name, source)
            except JsModuleFailed:
                # The engine holds on to modules whose imports it did not find.
                self._begin_anew()
                raise
        guest.restrict(loading)
        guest.begin(loading)
        try:
            guest.load(name)
        except JsException as error:
            raise _as_module_failure(error, module) from None
        self._loaded.add(name)

    def _begin(self) -> Guest:
        """Give a guest in a world without any module."""
        guest = Guest(self._clock, self._functions, self._source_of)
        self._bare.enter(guest)
        return guest

    def _begin_anew(self) -> Guest:
        self._bare.leave(self._guest)
        self._loaded.clear()
        self._guest = guest = self._begin()
        return guest


class Fresh:
    """An interpreter that every call finds as if nobody had used it."""

    __slots__ = (
        "_bare",
        "_clock",
        "_functions",
        "_last_start",
        "_library",
        "_source_of",
        "_started_ns",
        "_worlds",
    )

    def __init__(
        self,
        clock: "Clock",
        functions: "Sequence[HostFunction]",
        library: Library,
        bare: World,
        worlds: Worlds,
    ) -> None:
        self._clock = clock
        self._functions = functions
        self._library = library
        self._bare = bare
        self._worlds = worlds
        self._source_of = found_in(library.sources)
        self._last_start: tuple[str, JsLimits, Start] | None = None
        self._started_ns = clock.monotonic_ns()

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        return (self._clock.monotonic_ns() - self._started_ns) // _NS_PER_MS

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[HostArgument]":
        """Let an exported function answer a request; see ``engine.Interpreter``."""
        guest = Guest(self._clock, self._functions, self._source_of)
        self._started_ns = guest.now_ns
        start = self._start(module, limits)
        try:
            world = self._worlds.enter(guest, start)
        except JsException as error:
            raise _as_module_failure(error, module) from None
        try:
            return guest.serve(start.name, module, function, given)
        finally:
            world.leave(guest)

    def _start(self, module: str, limits: JsLimits) -> Start:
        """Say how calls begin; mostly as the last one did."""
        last = self._last_start
        if last is not None and last[0] == module and last[1] is limits:
            return last[2]
        start = Start(
            bare=self._bare,
            library=self._library,
            name=relative(module),
            source=_source(self._library, module),
            loading=limits.at_least_defaults(),
            limits=limits,
        )
        self._last_start = module, limits, start
        return start


def _source(library: Library, module: str) -> str:
    source = found_in(library.sources)(module)
    if source is None:
        raise JsModuleFailed(f"Module '{module}' could not be loaded")
    return source


def _as_module_failure(error: JsException, module: str) -> Exception:
    """Say whose body threw; that one was stopped says enough by itself."""
    if isinstance(error, JsLimitExceeded):
        return error
    return JsModuleFailed(f"Failed to execute {module}: {error}")
