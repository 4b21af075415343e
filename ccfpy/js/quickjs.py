"""QuickJS behind ``engine.Engine``; the only file that knows the binding.

The binding has edges, each met here by a rule:

* A Runtime works only on the thread that made it: it is made, used and dropped inside
  one call. Dropping it is also how a limit that was hit cannot harm the next call.
* Its types take no part in Python's garbage collection: no host function may lead
  back to a Context. They see only plain values and one ``_Call``.
* A guest's object is never converted: results are written as JSON inside JavaScript,
  under the guest's own limits.
* An exception in a host function reaches the guest as one class with its text cut,
  and can be caught: it is kept here, the guest is interrupted, and it is raised anew.
* A long text that the guest joined from parts is a kind of its own, which the binding
  takes for an object: the prelude makes it plain before it crosses.
* That time ran out is known from our own flag, not from the words of an error.
* Bytecode is compiled and kept in this process only: the reader trusts its input.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import quickjs

from ccfpy.base import json
from ccfpy.base.codec import buf
from ccfpy.base.limits import (
    JS_BYTECODE_PROGRAMS_MAX,
    JS_HEAP_BYTES_CEILING,
    JS_REASON_CHARS_MAX,
    JS_STACK_BYTES_CEILING,
)
from ccfpy.crypto.hashing import sha256
from ccfpy.js import prelude
from ccfpy.js.engine import (
    JsArgument,
    JsException,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
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
}
_OWN_FRAME = re.compile(
    rf"(^ *at apply \(native\)\n)?^ *at .*\({re.escape(prelude.NAME)}.*\)\n?",
    re.MULTILINE,
)
"""The prelude's frame, with the call it made to get to the guest."""
_NS_PER_MS = 1_000_000


class QuickJs:
    """An engine on Bellard's QuickJS; between calls it holds bytecode only."""

    __slots__ = ("_bytecode", "_clock", "_scripts")

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._bytecode: OrderedDict[bytes, _Modules] = OrderedDict()
        self._scripts: dict[str, bytes] = {}

    @property
    def version(self) -> str:
        """The engine's version, which is its release date."""
        return quickjs.quickjs_version

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

    def compile_module(self, name: str, source: str) -> bytes:
        """Compile one module, whatever it imports; see ``engine.Engine``."""
        context = quickjs.Context()
        context.set_module_loader(_empty_module)
        return _compile(context, name, source)

    def _start(
        self, program: Program, extensions: "Sequence[Extension]", limits: JsLimits
    ) -> "_Interpreter":
        modules = self._modules(program)
        interpreter = _Interpreter(self._clock, self._script(prelude.SOURCE), limits)
        for extension in extensions:
            script = self._script(extension.source)
            interpreter.install(script, extension.functions())
        interpreter.begin(modules, program.imports)
        return interpreter

    def _modules(self, program: Program) -> _Modules:
        """Give a program's bytecode.

        Raises:
            JsModuleFailed: a module is missing or does not compile.
        """
        digest = _digest(program)
        modules = self._bytecode.get(digest)
        if modules is None:
            modules = self._bytecode[digest] = _compile_program(program)
            if len(self._bytecode) > JS_BYTECODE_PROGRAMS_MAX:
                self._bytecode.popitem(last=False)
        else:
            self._bytecode.move_to_end(digest)
        return modules

    def _script(self, source: str) -> bytes:
        """Give the bytecode of one of the node's own scripts; there are few."""
        code = self._scripts.get(source)
        if code is None:
            strict = f'"use strict";{source}'
            script = quickjs.Context().compile(strict, prelude.NAME)
            code = self._scripts[source] = script.write_object()
        return code


class _Call:
    """What host functions and the interrupt handler leave behind during one call."""

    __slots__ = ("clock", "deadline_ns", "failure", "host_error", "thrown", "timed_out")

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.deadline_ns = 0
        self.timed_out = False
        self.thrown: JsThrow | None = None
        self.host_error: BaseException | None = None
        self.failure: JsException | None = None

    def collect_throw(self, is_class: object) -> str:
        """Give the class (asked with ``true``), then the message of a ``JsThrow``."""
        assert self.thrown is not None, "only a host function that failed answers null"
        return self.thrown.kind.value if is_class is True else self.thrown.message

    def report(self, reason: object, trace: object) -> quickjs.UndefinedType:
        """Take the guest's exception."""
        text = reason if isinstance(reason, str) else ""
        where = None
        if isinstance(trace, str):
            where = _OWN_FRAME.sub("", _bounded(trace))
        self.failure = JsException(_bounded(text), where)
        return quickjs.Undefined

    def is_over(self) -> bool:
        """Tell the interpreter, which asks every few thousand steps, whether to stop.

        Nothing may be raised from here: the binding would drop it.
        """
        try:
            if self.host_error is None and self.clock.monotonic_ns() > self.deadline_ns:
                self.timed_out = True
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            self.host_error = error
        return self.timed_out or self.host_error is not None


class _Interpreter:
    """One Runtime with its one Context, for one call."""

    __slots__ = ("_call", "_context", "_face", "_limits", "_runtime")

    def __init__(self, clock: "Clock", script: bytes, limits: JsLimits) -> None:
        self._limits = limits
        self._call = _Call(clock)
        self._runtime = quickjs.Runtime()
        self._context = quickjs.Context(self._runtime)
        boot = self._context.eval_function(self._context.read_object(script))
        self._face: quickjs.Value = boot.call(
            self._call.collect_throw, self._call.report
        )

    def install(self, script: bytes, functions: "Mapping[str, HostFunction]") -> None:
        """Give the guest one extension."""
        natives: list[_Native | Callable[..., _Native]] = []
        for name, function in functions.items():
            natives += name, _guarded(function, self._call)
        installer = self._context.eval_function(self._context.read_object(script))
        self._face.get("install").call(installer, *natives)

    def begin(self, modules: _Modules, imports: Mapping[str, str]) -> None:
        """Read the guest's modules and put its limits in force."""
        self._context.set_module_loader(lambda name: _find(imports, name))
        for code in modules:
            self._context.read_object(code)
        call, runtime, limits = self._call, self._runtime, self._limits
        budget_ns = limits.execution_ms_max * _NS_PER_MS
        call.deadline_ns = call.clock.monotonic_ns() + budget_ns
        runtime.set_interrupt_handler(call.is_over)
        runtime.set_max_stack_size(min(limits.stack_bytes_max, JS_STACK_BYTES_CEILING))
        runtime.set_memory_limit(min(limits.heap_bytes_max, JS_HEAP_BYTES_CEILING))

    def load(self, name: str) -> None:
        """Run the modules' own bodies.

        Raises:
            JsException: one threw or was stopped.
        """
        load = self._face.get("load")
        self._run(lambda: load.call(name).result())

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
            trace = getattr(uncaught, "js_stack", None)
            failure = JsException(_bounded(str(uncaught)), trace)
        if failure is None:
            return result
        limit = self._limit_behind(failure)
        if limit is None:
            raise JsException(failure.reason, failure.trace)
        raise JsLimitExceeded(limit, failure.reason, failure.trace)

    def _limit_behind(self, failure: JsException) -> Limit | None:
        if failure.reason == "null" and self._is_heap_nearly_full():
            return Limit.HEAP  # no memory was left even for the Error
        return _ENGINE_REASONS.get(failure.reason)

    def _is_heap_nearly_full(self) -> bool:
        used = self._runtime.compute_memory_usage()["malloc_size"]
        return 2 * used > self._limits.heap_bytes_max


def _bounded(text: str) -> str:
    """Cut a guest's words to what a ledger or an answer can hold.

    Neither can hold half a surrogate pair, which is a character to JavaScript.
    """
    return text[:JS_REASON_CHARS_MAX].encode(errors="replace").decode()


def _guarded(function: "HostFunction", call: _Call) -> Callable[..., _Native]:
    """Make a host function that never raises: ``null`` says that it would have."""

    def native(*arguments: _Native) -> _Native:
        try:
            result = function(*[_from_guest(argument) for argument in arguments])
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


def _compile_program(program: Program) -> _Modules:
    """Compile a program and what it imports, under the names the engine gives them."""
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
    imported = [_compile(context, name, source) for name, source in sources.items()]
    return (*imported, main)


def _compile(context: quickjs.Context, name: str, source: str) -> bytes:
    try:
        return context.compile(source, name, module=True).write_object()
    except quickjs.JSError as error:
        raise JsModuleFailed(f"Failed to compile {name}: {error}") from None
    except UnicodeEncodeError:
        raise JsModuleFailed(f"Failed to compile {name}: it is not Unicode") from None
