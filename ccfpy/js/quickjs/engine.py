"""QuickJS behind ``ccfpy.js.engine.Engine``."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ccfpy.base import json
from ccfpy.base.codec import buf
from ccfpy.crypto.hashing import sha256
from ccfpy.js import prelude
from ccfpy.js.engine import JsArgument, JsLimits, Library, Program
from ccfpy.js.quickjs.guest import Guest, found_in
from ccfpy.js.quickjs.images import Start, World, Worlds
from ccfpy.js.quickjs.interpreters import Fresh, Kept
from ccfpy.js.quickjs.machine import Machine
from ccfpy.js.quickjs.values import encode

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.engine import Interpreter
    from ccfpy.js.host import Extension, HostArgument, HostFunction

VERSION: Final = "2025-09-13"
"""The engine's release date; ``engine.wasm`` is made of it."""


class QuickJs:
    """An engine on Bellard's QuickJS; between calls it holds worlds nobody has used."""

    __slots__ = ("_clock", "_worlds")

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._worlds = Worlds()

    @property
    def version(self) -> str:
        """The engine's version, which is its release date."""
        return VERSION

    def call_export(
        self,
        program: Program,
        function: str,
        arguments: Sequence[JsArgument],
        *,
        extensions: "Sequence[Extension]",
        limits: JsLimits,
    ) -> str | None:
        """Call an exported function; see ``engine.Engine``."""
        forms = "".join(
            "p" if isinstance(argument, str | bytes) else "j" for argument in arguments
        )
        natives = [
            argument
            if isinstance(argument, str | bytes)
            else json.dumps(argument).decode()
            for argument in arguments
        ]

        def call(guest: Guest) -> "HostArgument":
            return guest.invoke("call", function, forms, *natives)

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
        """Count an exported function's parameters; see ``engine.Engine``."""

        def count(guest: Guest) -> "HostArgument":
            return guest.invoke("parameterCount", function)

        result = self._within(program, function, extensions, limits, count)
        return result if isinstance(result, int) else 0

    def interpreter(
        self,
        library: Library,
        extensions: "Sequence[Extension]",
        *,
        is_kept: bool,
    ) -> "Interpreter":
        """Make an interpreter on a library; see ``engine.Engine``."""
        functions, bare = self._bare(extensions)
        if is_kept:
            return Kept(self._clock, functions, library, bare)
        return Fresh(self._clock, functions, library, bare, self._worlds)

    def compile_module(self, name: str, source: str) -> bytes:
        """Compile one module, whatever it imports; see ``engine.Engine``."""
        return compile_module(name, source)

    def _within(
        self,
        program: Program,
        function: str,
        extensions: "Sequence[Extension]",
        limits: JsLimits,
        step: Callable[[Guest], "HostArgument"],
    ) -> "HostArgument":
        """Do something with a program's function, in a world of its own."""
        functions, bare = self._bare(extensions)
        guest = Guest(self._clock, functions, found_in(program.imports))
        start = Start(
            bare=bare,
            library=_digest(program),
            name=program.name,
            source=program.source,
            loading=limits,
            limits=limits,
        )
        world = self._worlds.enter(guest, start)
        try:
            guest.require_function(program.name, function)
            return step(guest)
        finally:
            world.leave(guest)

    def _bare(
        self, extensions: "Sequence[Extension]"
    ) -> "tuple[Sequence[HostFunction], World]":
        """Give a world with these extensions alone, and their host functions."""
        tables = [extension.functions() for extension in extensions]
        functions = [function for table in tables for function in table.values()]
        sources = ",".join(extension.source for extension in extensions)
        names = ";".join(map(",".join, tables))
        world = self._worlds.get((sources, names))
        if world is None:
            world = _make_bare(self._clock, sources, names)
            self._worlds.put((sources, names), world)
        return functions, world


def compile_module(name: str, source: str) -> bytes:
    """Give a module's bytecode, whatever it imports.

    It is never read back: this engine's bytecode reader trusts its input.

    Raises:
        JsModuleFailed: it does not compile.
    """
    guest = _started(Guest(_NoClock(), (), lambda _name: ""))
    return guest.bytecode(name, source)


def _make_bare(clock: "Clock", sources: str, names: str) -> World:
    """Start an engine, and install extensions in it."""
    guest = _started(Guest(clock, (), lambda _name: None))
    guest.invoke("install", _script(f"[{sources}]"), prelude.NAME, names)
    return World.of(guest, has_run=False)


def _started(guest: Guest) -> Guest:
    guest.machine = machine = Machine(guest)
    machine.run("start", encode(_script(prelude.SOURCE)) + encode(prelude.NAME))
    return guest


class _NoClock:
    """For what runs no script."""

    def monotonic_ns(self) -> int:
        return 0


def _script(source: str) -> str:
    return f'"use strict";{source}'


def _digest(program: Program) -> bytes:
    parts = [program.name, program.source]
    for name, source in program.imports.items():
        parts += name, source
    return sha256(b"".join(buf(part.encode(errors="surrogatepass")) for part in parts))
