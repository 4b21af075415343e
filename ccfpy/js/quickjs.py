"""QuickJS behind ``engine.Engine``; the only file that knows the binding.

The binding has edges, each met here by a rule:

* A Runtime works only on the thread that made it. Unless an application wants it kept,
  it is made, used and dropped inside one call; one that hit a limit always is, so that
  it cannot harm the next call.
* Its types take no part in Python's garbage collection: no host function may lead
  back to a Context. They see only plain values and one ``Call``.
* A guest's object is never converted: results are written as JSON inside JavaScript,
  under the guest's own limits.
* An exception in a host function reaches the guest as one class with its text cut,
  and can be caught: it is kept here, the guest is interrupted, and it is raised anew.
* A long text that the guest joined from parts is a kind of its own, which the binding
  takes for an object: the prelude makes it plain before it crosses.
* That time ran out is known from our own flag, not from the words of an error.
* Bytecode is compiled and kept in this process only: the reader trusts its input.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import quickjs

from ccfpy.base import json
from ccfpy.base.codec import buf
from ccfpy.base.limits import (
    JS_BYTECODE_PROGRAMS_MAX,
    JS_HEAP_BYTES_CEILING,
    JS_STACK_BYTES_CEILING,
)
from ccfpy.crypto.hashing import sha256
from ccfpy.js import prelude
from ccfpy.js.calls import Call, bounded, guest_trace
from ccfpy.js.engine import (
    JsArgument,
    JsException,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
    Limit,
    Program,
)
from ccfpy.js.host import HostArgument, JsThrow, internal_error, type_error

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.host import Extension, HostFunction

_Native: TypeAlias = (
    "quickjs.Value | quickjs.UndefinedType | bytes | str | int | float | bool | None"
)
_Modules: TypeAlias = tuple[bytes, ...]
"""Bytecode of a program's modules, the imported ones first."""

TIMED_OUT = "Operation took too long to complete."
"""CCF's words for the time limit, wherever a reason is reported."""

_ENGINE_REASONS = {
    "InternalError: out of memory": Limit.HEAP,
    "InternalError: stack overflow": Limit.STACK,
    "SyntaxError: stack overflow": Limit.STACK,
}
_REASONS = {
    Limit.HEAP: "InternalError: out of memory",
    Limit.STACK: "InternalError: stack overflow",
}
"""What the engine says, even where it had no memory left to say it."""
_UNKNOWN = "<unknown JS error>"
"""The binding's word for a throw that it cannot write down. What a guest throws comes
by way of the prelude, so this is the prelude's own, with no stack left to run on."""
_NS_PER_MS = 1_000_000


VERSION: str = quickjs.quickjs_version
"""The engine's release date."""


def compile_module(name: str, source: str) -> bytes:
    """Give a module's bytecode, whatever it imports.

    Raises:
        JsModuleFailed: it does not compile.
    """
    context = quickjs.Context()
    context.set_module_loader(_empty_module)
    return _compile(context, name, source)


class QuickJs:
    """An engine on Bellard's QuickJS; between calls it holds bytecode only."""

    __slots__ = ("_bytecode", "_clock", "_scripts")

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._bytecode: OrderedDict[bytes, _Modules] = OrderedDict()
        self._scripts: dict[tuple[str, ...], bytes] = {}

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
        interpreter = self._start(program, extensions, limits)
        interpreter.load(program.name)
        interpreter.require_function(program.name, function)
        return interpreter.call(function, arguments)

    def parameter_count(
        self,
        program: Program,
        function: str,
        *,
        extensions: "Sequence[Extension]" = (),
        limits: JsLimits,
    ) -> int:
        """Count an exported function's parameters; see ``engine.Engine``."""
        interpreter = self._start(program, extensions, limits)
        interpreter.load(program.name)
        interpreter.require_function(program.name, function)
        return interpreter.parameter_count(function)

    def interpreter(
        self, library: Library, extensions: "Sequence[Extension]"
    ) -> "_Resident":
        """Make an interpreter on a library; see ``engine.Engine``."""
        interpreter = self._with(extensions)
        interpreter.find_modules_in(library.sources)
        return _Resident(library, interpreter)

    def compile_module(self, name: str, source: str) -> bytes:
        """Compile one module, whatever it imports; see ``engine.Engine``."""
        return compile_module(name, source)

    def _start(
        self, program: Program, extensions: "Sequence[Extension]", limits: JsLimits
    ) -> "_Interpreter":
        modules = self._modules(program)
        interpreter = self._with(extensions)
        interpreter.find_modules_in(program.imports)
        for code in modules:
            interpreter.read(code)
        interpreter.restrict(limits)
        return interpreter

    def _with(self, extensions: "Sequence[Extension]") -> "_Interpreter":
        interpreter = _Interpreter(self._clock, self._script((prelude.SOURCE,)))
        if extensions:
            sources = tuple(extension.source for extension in extensions)
            tables = [extension.functions() for extension in extensions]
            interpreter.install(self._script(sources), tables)
        return interpreter

    def _modules(self, program: Program) -> _Modules:
        """Give a program's bytecode.

        Raises:
            JsModuleFailed: a module is missing or does not compile.
        """
        digest = _digest(program)
        modules = self._bytecode.get(digest)
        if modules is None:
            modules = self._bytecode[digest] = tuple(
                code for _, code in _compile_all(program)
            )
            if len(self._bytecode) > JS_BYTECODE_PROGRAMS_MAX:
                self._bytecode.popitem(last=False)
        else:
            self._bytecode.move_to_end(digest)
        return modules

    def _script(self, sources: tuple[str, ...]) -> bytes:
        """Give the bytecode of an array of the node's own functions; there are few."""
        code = self._scripts.get(sources)
        if code is None:
            strict = f'"use strict";[{",".join(sources)}]'
            script = quickjs.Context().compile(strict, prelude.NAME)
            code = self._scripts[sources] = script.write_object()
        return code


class _Interpreter:
    """One Runtime with its one Context; no limit is in force before ``restrict``."""

    __slots__ = ("_call", "_context", "_face", "_heap_bytes_max", "_runtime")

    def __init__(self, clock: "Clock", script: bytes) -> None:
        self._heap_bytes_max = 0
        self._call = Call(clock)
        self._runtime = quickjs.Runtime()
        self._context = quickjs.Context(self._runtime)
        boot = self._context.eval_function(self._context.read_object(script)).get(0)
        self._face: quickjs.Value = boot.call(
            self._call.collect_throw, self._call.report
        )

    def install(
        self, script: bytes, tables: "Sequence[Mapping[str, HostFunction]]"
    ) -> None:
        """Give the guest its extensions: the script's functions, and their tables."""
        installers = self._context.eval_function(self._context.read_object(script))
        functions = [function for table in tables for function in table.values()]
        names = ";".join(map(",".join, tables))
        native = _guarded(functions, self._call)
        self._face.get("install").call(installers, native, names)

    def find_modules_in(self, imports: Mapping[str, str]) -> None:
        """Let the guest import from these, by absolute path."""
        self._context.set_module_loader(lambda name: _find(imports, name))

    def read(self, code: bytes) -> None:
        """Make a module known, from bytecode of this process."""
        self._context.read_object(code)

    @property
    def now_ns(self) -> int:
        """The clock that deadlines are set by."""
        return self._call.clock.monotonic_ns()

    def restrict(self, limits: JsLimits) -> None:
        """Put limits in force, and begin to count time."""
        call, runtime = self._call, self._runtime
        call.deadline_ns = self.now_ns + limits.execution_ms_max * _NS_PER_MS
        self._heap_bytes_max = limits.heap_bytes_max
        runtime.set_interrupt_handler(call.is_over)
        runtime.set_max_stack_size(min(limits.stack_bytes_max, JS_STACK_BYTES_CEILING))
        runtime.set_memory_limit(min(limits.heap_bytes_max, JS_HEAP_BYTES_CEILING))

    def load(self, name: str) -> None:
        """Run the modules' own bodies.

        Raises:
            JsException: one threw or was stopped.
        """
        load = self._face.get("load")
        self._run(lambda: _settled(load.call(name)))

    def serve(self, function: str) -> None:
        """Let an exported function answer through ``tools.serve``.

        Raises:
            JsException: it threw or was stopped.
        """
        self._run(lambda: _settled(self._face.get("serve").call(function)))

    def require_function(self, module: str, name: str) -> None:
        """Check that the main module exports a function of this name.

        Raises:
            JsModuleFailed: it does not.
        """
        kind = self._face.get("kindOf").call(name)
        if kind == "absent":
            raise JsModuleFailed(f"Failed to find export '{name}' in module '{module}'")
        if kind != "function":
            raise JsModuleFailed(
                f"Export '{name}' of module '{module}' is not a function"
            )

    def parameter_count(self, function: str) -> int:
        """Read a function's ``length``."""
        count = self._run(lambda: self._face.get("parameterCount").call(function))
        return count if isinstance(count, int) else 0

    def call(self, function: str, arguments: Sequence[JsArgument]) -> str | None:
        """Call an exported function; give its result as JSON text.

        Raises:
            JsException: it threw or was stopped.
        """
        forms = "".join(
            "p" if isinstance(argument, str | bytes) else "j" for argument in arguments
        )
        values = [
            argument if isinstance(argument, str | bytes) else json.dumps(argument)
            for argument in arguments
        ]
        natives = [
            value.decode() if form == "j" and isinstance(value, bytes) else value
            for form, value in zip(forms, values, strict=True)
        ]
        call = self._face.get("call")
        result = self._run(lambda: call.call(function, forms, *natives))
        return result if isinstance(result, str) else None

    def _run(self, step: Callable[[], object]) -> object:
        """Run guest code and sort out how it ended.

        Raises:
            JsException: it threw or was stopped.
        """
        call = self._call
        uncaught: quickjs.QuickJSError | None = None
        result: object = None
        try:
            result = step()
        except quickjs.QuickJSError as error:
            uncaught = error
        if call.host_error is not None:
            host_error, call.host_error = call.host_error, None
            try:
                raise host_error
            finally:
                del host_error  # or it and this frame would keep each other alive
        failure, call.failure = call.failure, None
        if call.timed_out:
            raise JsLimitExceeded(
                Limit.TIME, TIMED_OUT, failure.trace if failure else None
            )
        if uncaught is not None and failure is None:
            trace = guest_trace(getattr(uncaught, "js_stack", None))
            reason = str(uncaught)
            if reason == _UNKNOWN:
                reason = _REASONS[Limit.STACK]
            failure = JsException(bounded(reason), trace)
        if failure is None:
            return result
        limit = self._limit_behind(failure)
        if limit is None:
            raise JsException(failure.reason, failure.trace)
        raise JsLimitExceeded(limit, _REASONS.get(limit, failure.reason), failure.trace)

    def _limit_behind(self, failure: JsException) -> Limit | None:
        if failure.reason == "null" and self._is_heap_nearly_full():
            return Limit.HEAP  # no memory was left even for the Error
        return _ENGINE_REASONS.get(failure.reason)

    def _is_heap_nearly_full(self) -> bool:
        used = self._runtime.compute_memory_usage()["malloc_size"]
        return 2 * used > self._heap_bytes_max


class _Resident:
    """An interpreter on an application's library, for one call after another."""

    __slots__ = ("_interpreter", "_library", "_read", "_started_ns")

    def __init__(self, library: Library, interpreter: _Interpreter) -> None:
        self._library = library
        self._interpreter = interpreter
        self._read: set[str] = set()
        self._started_ns = interpreter.now_ns

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        return (self._interpreter.now_ns - self._started_ns) // _NS_PER_MS

    def serve(self, module: str, function: str, limits: JsLimits) -> None:
        """Let an exported function answer a request; see ``engine.Interpreter``."""
        interpreter = self._interpreter
        self._started_ns = interpreter.now_ns
        interpreter.restrict(limits.at_least_defaults())
        for name, code in _closure(self._library, module):
            if name not in self._read:
                interpreter.read(code)
                self._read.add(name)
        try:
            interpreter.load(_relative(module))
        except JsLimitExceeded:
            raise
        except JsException as error:
            raise JsModuleFailed(f"Failed to execute {module}: {error}") from None
        interpreter.require_function(module, function)
        interpreter.restrict(limits)
        interpreter.serve(function)


def _settled(value: object) -> object:
    """Wait for a promise, if it is one."""
    if isinstance(value, quickjs.Value) and value.is_promise:
        return value.result()
    return value


def _guarded(functions: "Sequence[HostFunction]", call: Call) -> Callable[..., _Native]:
    """Make one function of all host functions, which are called by their number.

    It never raises: ``null`` says that it would have.
    """

    def native(index: int, *arguments: _Native) -> _Native:
        try:
            result = functions[index](*map(_from_guest, arguments))
        except JsThrow as thrown:
            call.thrown = thrown.with_traceback(None)
            return None
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            call.host_error = error
            call.thrown = internal_error("the host failed")
            return None
        return quickjs.Undefined if result is None else result

    return native


def _from_guest(value: _Native) -> HostArgument:
    if isinstance(value, quickjs.Value):
        try:
            return value.to_bytes()
        except TypeError:
            raise type_error("Argument must be an ArrayBuffer") from None
    return None if isinstance(value, quickjs.UndefinedType) else value


def _find(imports: Mapping[str, str], name: str) -> str | None:
    """Find an import; one relative to the root comes without its leading slash."""
    return imports.get(name if name.startswith("/") else f"/{name}")


def _empty_module(_name: str) -> str:
    return ""


def _digest(program: Program) -> bytes:
    parts = [program.name, program.source]
    for name, source in program.imports.items():
        parts += name, source
    return sha256(b"".join(buf(_utf8(part)) for part in parts))


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _compile_all(program: Program) -> tuple[tuple[str, bytes], ...]:
    """Compile a program and what it imports, under the names the engine gives them.

    Raises:
        JsModuleFailed: a module is missing or does not compile.
    """
    context = quickjs.Context()
    sources: dict[str, str] = {}

    def find(name: str) -> str | None:
        source = _find(program.imports, name)
        if source is not None:
            sources[name] = source
        return source

    context.set_module_loader(find)
    main = _compile(context, program.name, program.source)
    context.set_module_loader(_empty_module)
    imported = [
        (name, _compile(context, name, source))
        for name, source in sources.items()
        if name != program.name
    ]
    return (*imported, (program.name, main))


def _closure(library: Library, module: str) -> tuple[tuple[str, bytes], ...]:
    """Give a library's module, last, and what it imports, by name and bytecode.

    Raises:
        JsModuleFailed: it is missing, or one of them does not compile.
    """
    found = library.compiled.get(module)
    if found is None:
        source = _find(library.sources, module)
        if source is None:
            raise JsModuleFailed(f"Module '{module}' could not be loaded")
        program = Program(
            name=_relative(module), source=source, imports=library.sources
        )
        found = library.compiled[module] = _compile_all(program)
    return found


def _relative(name: str) -> str:
    """Name a module as the engine names one imported relative to the root.

    Under its absolute path it would be another module to whom imports it by ``./``.
    """
    return name.lstrip("/")


def _compile(context: quickjs.Context, name: str, source: str) -> bytes:
    try:
        return context.compile(source, name, module=True).write_object()
    except quickjs.JSError as error:
        raise JsModuleFailed(f"Failed to compile {name}: {error}") from None
    except UnicodeEncodeError:
        raise JsModuleFailed(f"Failed to compile {name}: it is not Unicode") from None
