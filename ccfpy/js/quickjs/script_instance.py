"""A script in an instance: which Python functions it calls, and how its calls ended.

Three rules about what crosses:

* A script's object is never converted. JavaScript writes results as JSON, under the
  script's own limits.
* A Python function must not raise through the instance. Its exception is kept here, the
  script is stopped, and the exception is raised again after the call.
* Our own flag says that time ran out, not the text of an error.

What is known of one call of a script: its time, and how it failed.

Python functions and the engine's interrupt handler must not raise through the engine,
which would cut the exception or drop it. They leave the exception here, and the caller
raises it after the call.

The JavaScript that every interpreter runs first, while nobody has touched it.

It keeps the builtins that it needs, so a script that replaces ``JSON.stringify`` or
``Promise.prototype.then`` harms only itself. It gets the engine's natives: ``python``
calls a Python function by its number, ``evaluate`` runs a script of ours, ``utf8Of``
and ``textOf`` turn text into bytes and back, ``isBuffer`` tells an ArrayBuffer. The
other natives make functions that most requests call; they are C, which is quicker. A
Python function that wants to throw answers ``null`` and keeps class and message.
Function 0 returns these two, and function 1 takes what the script itself threw.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from ccfpy.base.errors import Malformed
from ccfpy.base.limits import JS_REASON_CHARS_MAX
from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
)
from ccfpy.js.extension import JsThrow, internal_error, own_source, type_error
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.values import (
    INTEGER_BYTES,
    NULL,
    OBJECT,
    UNDEFINED,
    Row,
    ScriptObject,
    decode,
    decode_integer,
    encode,
)
from ccfpy.js.quickjs.wasm_instance import WasmInstance

if TYPE_CHECKING:
    from ccfpy.base.app_threads import AppThreads
    from ccfpy.base.ports import Clock
    from ccfpy.js.extension import ExtensionArgument, ExtensionFunction, ExtensionResult


NAME = "<ccf>"
"""The file name of all of the node's own JavaScript in a trace."""

SOURCE: Final = own_source("ccfpy.js.quickjs.prelude")


_OWN_FRAME = re.compile(
    rf"(^ *at apply \(native\)\n)?^ *at .*\({re.escape(NAME)}.*\)\n?",
    re.MULTILINE,
)
"""The prelude's frame, with the call by which the prelude reached the script."""


_NO_DEADLINE_NS = 1 << 63
"""No deadline is set yet: only the node's own scripts run until then."""


class Call:
    """What Python functions and the interrupt handler leave behind during one call."""

    def __init__(self, clock: "Clock") -> None:
        self.clock = clock
        self.held_ns = 0
        self.waited_ns = 0
        """What the thread had waited for others at the last look."""
        self.deadline_ns = _NO_DEADLINE_NS
        self.timed_out = False
        self.thrown: JsThrow | None = None
        self.python_error: BaseException | None = None
        self.failure: JsException | None = None

    @property
    def now_ns(self) -> int:
        """The time of the clock, less that in which the script waited for others."""
        return self.clock.monotonic_ns() - self.held_ns

    def collect_throw(self, is_class: object) -> str:
        """Return the class of a ``JsThrow`` if ``is_class``, else its message."""
        assert self.thrown is not None, "only a function that failed answers null"
        return self.thrown.kind.value if is_class is True else self.thrown.message

    def report(self, reason: object, trace: object) -> str:
        """Keep the exception that the script threw."""
        text = reason if isinstance(reason, str) else ""
        self.failure = JsException(bounded(text), script_trace(trace))
        return ""

    def is_over(self) -> bool:
        """Return whether the script must stop.

        The interpreter asks every few thousand steps. Nothing may be raised from here:
        the binding would drop it.
        """
        try:
            if self.python_error is None and self.now_ns > self.deadline_ns:
                self.timed_out = True
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            self.python_error = error
        return self.timed_out or self.python_error is not None


def bounded(text: str) -> str:
    """Cut a script's text to what a ledger or an answer can hold.

    Half a surrogate pair is a character in JavaScript; here it is replaced.
    """
    return text[:JS_REASON_CHARS_MAX].encode(errors="replace").decode()


def script_trace(trace: object) -> str | None:
    """Return a stack without the node's own frames; ``None`` if there is no stack."""
    return _OWN_FRAME.sub("", bounded(trace)) if isinstance(trace, str) else None


TIMED_OUT: Final = "Operation took too long to complete."
"""CCF's words for the time limit, wherever a reason is reported."""

_DONE: Final = 0
_THROWN: Final = 1
_PENDING: Final = 2
_ENGINE_REASONS: Final = {
    "InternalError: out of memory": JsLimit.HEAP,
    "InternalError: stack overflow": JsLimit.STACK,
    "SyntaxError: stack overflow": JsLimit.STACK,
}
_REASONS: Final = {
    JsLimit.HEAP: "InternalError: out of memory",
    JsLimit.STACK: "InternalError: stack overflow",
}
"""The engine's texts, also for where no memory was left to write them."""
_SPEECHLESS: Final = ("null", "")
"""What is thrown where no memory is left for the Error, or for its text."""
_NEVER: Final = "the promise is still pending, and nothing is left that could settle it"
_NS_PER_MS: Final = 1_000_000
_NO_ROW: Final = "The engine left no row of values"
_THROWN_COUNT: Final = 2
"""What was thrown, and its stack."""
_OWN_FUNCTIONS: Final = 2
_SERVE_COUNT: Final = 3
_ROWS_KEPT: Final = 256


class Runtime(NamedTuple):
    """What scripts run on.

    Attributes:
        clock: for deadlines.
        threads: those of the node.
    """

    clock: "Clock"
    threads: "AppThreads"


class ScriptInstance:
    """One script in one instance, and the Python functions that it may call.

    Attributes:
        instance: the WebAssembly instance, while the script is in one.
        has_asked: whether the script called a Python function, so that its state may
            depend on more than its source.
        known: the names of its modules, as the engine has them.
    """

    __deletable__ = ("instance",)
    """Declares to the compiler that the attribute may be deleted."""
    instance: WasmInstance

    def __init__(
        self,
        runtime: Runtime,
        functions: "Sequence[ExtensionFunction]",
        source_of: Callable[[str], str | None],
    ) -> None:
        self._call = Call(runtime.clock)
        self._runtime = runtime
        self._functions = functions
        self._source_of = source_of
        self._limits: JsLimits | None = None
        self.has_asked = False
        self.known: set[str] = set()

    def silent(self) -> "ScriptInstance":
        """Return a script with the same sources, which has no Python functions."""
        return ScriptInstance(self._runtime, (), self._source_of)

    # What the instance calls

    def call_function(self, row: bytes) -> bytes:
        """Call a Python function by its number, and return its result.

        ``null`` says that the function threw. The first two functions are ours: one
        returns what was thrown, the other takes the script's own exception.

        Raises:
            Trapped: the row is none: the script's memory is broken, and the instance
                ends.
        """
        call = self._call
        number, arguments = self._read_call(row)
        try:
            if number >= _OWN_FUNCTIONS:
                self.has_asked = True
                for argument in arguments:
                    if argument is OBJECT:
                        _refuse_object()
                function = self._functions[number - _OWN_FUNCTIONS]
                threads = self._runtime.threads
                try:
                    return encode(threads.inside(_apply, (function, arguments)))
                finally:
                    # The function may run scripts of its own, which wait for others.
                    self._note_waits(threads.waited_ns)
            if number == 0:
                return encode(call.collect_throw(arguments[0]))
            return encode(call.report(*arguments))
        except JsThrow as thrown:
            call.thrown = thrown.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            call.python_error = error
            call.thrown = internal_error("the node failed")
        return NULL

    def _read_call(self, row: bytes) -> tuple[int, Row]:
        try:
            number = decode_integer(row)
            if number >= _OWN_FUNCTIONS + len(self._functions):
                raise self.instance.broken(_NO_ROW)
            return number, decode(row, INTEGER_BYTES)
        except Malformed:
            raise self.instance.broken(_NO_ROW) from None

    def module_source(self, row: bytes) -> bytes:
        """Return the source of an imported module by its name."""
        (name,) = decode(row)
        assert isinstance(name, str)
        source = self._source_of(name)
        if source is None:
            return UNDEFINED
        self.known.add(name)
        return encode(source)

    def is_over(self) -> bool:
        """Return whether the script's time is over; wait while others are to go on."""
        self._note_waits(self._runtime.threads.wait_for_turn())
        return self._call.is_over()

    def _note_waits(self, waited_ns: int) -> None:
        """Move the deadline by the time in which the script could not run.

        Args:
            waited_ns: how long scripts of this thread have waited for others, in all.
        """
        call = self._call
        if waited_ns != call.waited_ns:
            call.held_ns += waited_ns - call.waited_ns
            call.waited_ns = waited_ns
            left_ns = max(call.deadline_ns - call.now_ns, 0)
            self.instance.set_deadline(left_ns // _NS_PER_MS)

    # What the engine's users call

    @property
    def now_ns(self) -> int:
        """The time that deadlines are set by, in nanoseconds."""
        return self._call.now_ns

    def restrict(self, limits: JsLimits) -> None:
        """Set the limits of heap and stack; time is not counted yet."""
        if limits is not self._limits:
            self.instance.restrict(limits.heap_bytes_max, limits.stack_bytes_max)
            self._limits = limits

    def begin(self, limits: JsLimits) -> int:
        """Count time from now; return the time in nanoseconds."""
        call = self._call
        call.waited_ns = self._runtime.threads.waited_ns
        now_ns = call.now_ns
        call.deadline_ns = now_ns + limits.execution_ms_max * _NS_PER_MS
        self.instance.set_deadline(limits.execution_ms_max)
        return now_ns

    def compile(self, name: str, source: str) -> None:
        """Compile a module and the modules that it imports.

        Raises:
            JsModuleFailed: a module is missing or does not compile.
            JsLimitExceeded: the compiler was stopped.
        """
        self._compile(name, source, wants_bytecode=False)

    def bytecode(self, name: str, source: str) -> bytes:
        """Compile a module, and return its bytecode.

        Raises:
            JsModuleFailed: the module does not compile.
        """
        (code,) = self._compile(name, source, wants_bytecode=True)
        assert isinstance(code, bytes)
        return code

    def _compile(self, name: str, source: str, *, wants_bytecode: bool) -> Row:
        self.known.add(name)
        if not source.isascii() and not _is_unicode(source):
            raise JsModuleFailed(f"Failed to compile {name}: it is not Unicode")
        row = encode(name) + encode(source)
        try:
            asked = int(wants_bytecode)
            ending, left = self._run("compile", row, asked, least=asked)
        except Trapped as trap:
            raise self.broken(trap) from None
        self._raise_host_error()
        if ending != _DONE:
            lacked_memory = self.instance.lacked_memory
            failure = _failure(ending, left, lacked_memory=lacked_memory)
            raise JsModuleFailed(f"Failed to compile {name}: {failure}")
        return left

    def load(self, name: str) -> None:
        """Run the bodies of a module and of its imports.

        Raises:
            JsException: a body threw or was stopped.
        """
        self.invoke("load", name)

    def serve(
        self, name: str, module: str, function: str, given: bytes
    ) -> "Sequence[ExtensionArgument]":
        """Call a function of a loaded module through ``tools.serve``.

        Args:
            name: the module's name, as the engine has it.
            module: the module's name, as callers know it.
            function: one of its exports.
            given: the second argument of ``tools.serve``.

        Returns:
            The values that the call left.

        Raises:
            JsException: the function threw or was stopped.
            JsModuleFailed: there is no such function.
        """
        left = self._invoke(_serve_row(name, function) + encode(given), _SERVE_COUNT)
        first = left[0]
        if first is None:
            return ()
        if isinstance(first, str):
            raise _no_function(first, module, function)
        return left

    def require_function(self, module: str, name: str) -> None:
        """Check that the main module exports a function of this name.

        Raises:
            JsModuleFailed: there is no such function.
        """
        kind = self.invoke("kindOf", name)
        if kind != "function":
            raise _no_function(kind, module, name)

    def invoke(self, method: str, *arguments: "ExtensionResult") -> "ExtensionArgument":
        """Call a method of the object that the prelude returns; wait for its promise.

        Raises:
            JsException: a script threw or was stopped.
        """
        row = encode(method) + b"".join(map(encode, arguments))
        return self._invoke(row, len(arguments))[0]

    def _invoke(self, row: bytes, count: int) -> "list[ExtensionArgument]":
        """Call an export, and return the values it left, ``None`` for an object."""
        try:
            ending, left = self._run("invoke", row, count, least=1)
        except Trapped as trap:
            raise self.broken(trap) from None
        self._raise_host_error()
        call = self._call
        failure, call.failure = call.failure, None
        if call.timed_out:
            raise JsLimitExceeded(
                JsLimit.TIME, TIMED_OUT, failure.trace if failure else None
            )
        if failure is None:
            lacked_memory = self.instance.lacked_memory
            failure = _failure(ending, left, lacked_memory=lacked_memory)
        if failure is None:
            return [
                None if isinstance(value, ScriptObject) else value for value in left
            ]
        limit = self._limit_behind(failure)
        if limit is None:
            raise JsException(failure.reason, failure.trace)
        raise JsLimitExceeded(limit, _REASONS.get(limit, failure.reason), failure.trace)

    def _run(
        self, export: str, row: bytes, argument: int, *, least: int
    ) -> tuple[int, Row]:
        """Run an export of the instance, beside the node if it takes long.

        Returns:
            How it ended, and the values that it left: at least so many if it is done.

        Raises:
            Trapped: the instance trapped, or left no such row.
        """
        ending, left = self._runtime.threads.beside(
            self._run_beside, (export, row, argument)
        )
        try:
            values = decode(left)
        except Malformed:
            raise self.instance.broken(_NO_ROW) from None
        if ending == _DONE and len(values) < least:
            raise self.instance.broken(_NO_ROW)
        if ending == _THROWN and len(values) != _THROWN_COUNT:
            raise self.instance.broken(_NO_ROW)
        return ending, values

    def _run_beside(self, given: tuple[str, bytes, int]) -> tuple[int, bytes]:
        return self.instance.run(given[0], given[1], given[2])

    def _raise_host_error(self) -> None:
        call = self._call
        if call.python_error is not None:
            python_error, call.python_error = call.python_error, None
            call.failure = None  # what the script made of it
            try:
                raise python_error
            finally:
                del python_error  # or it and this frame would keep each other alive

    def broken(self, trap: Trapped) -> JsException:
        """Return why the instance trapped.

        Raises:
            BaseException: what a Python function raised, if one did.
        """
        self._raise_host_error()
        if self._call.timed_out or trap.is_late:
            return JsLimitExceeded(JsLimit.TIME, TIMED_OUT)
        if trap.is_stack_overflow:
            return JsLimitExceeded(JsLimit.STACK, _REASONS[JsLimit.STACK])
        return JsLimitExceeded(JsLimit.HEAP, _REASONS[JsLimit.HEAP])

    def _limit_behind(self, failure: JsException) -> JsLimit | None:
        if failure.reason in _SPEECHLESS and self.instance.lacked_memory:
            return JsLimit.HEAP
        return _ENGINE_REASONS.get(failure.reason)


def _apply(
    given: "tuple[ExtensionFunction, Sequence[object]]",
) -> "ExtensionResult":
    """Call a Python function that uses the node."""
    function, arguments = given
    return function(*arguments)


def _refuse_object() -> NoReturn:
    """Throw, as an argument is an object."""
    raise type_error("Argument must be an ArrayBuffer")


@lru_cache(_ROWS_KEPT)
def _serve_row(name: str, function: str) -> bytes:
    return encode("serve") + encode(name) + encode(function)


def found_in(sources: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return a function that finds a module's source.

    The engine names a module relative to the root without its leading slash.
    """
    return lambda name: sources.get(name if name.startswith("/") else f"/{name}")


def relative(name: str) -> str:
    """Return a module's name as the engine writes a name relative to the root.

    Under its absolute path, the engine would take it for another module than the one
    that ``./`` imports.
    """
    return name.lstrip("/")


def _no_function(kind: "ExtensionArgument", module: str, name: str) -> JsModuleFailed:
    if kind == "absent":
        return JsModuleFailed(f"Failed to find export '{name}' in module '{module}'")
    return JsModuleFailed(f"Export '{name}' of module '{module}' is not a function")


def _is_unicode(text: str) -> bool:
    """Return whether no character is half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _failure(ending: int, left: Row, *, lacked_memory: bool) -> JsException | None:
    """Return what was thrown past the prelude, if anything was.

    Args:
        ending: how the call ended.
        left: the values that it left.
        lacked_memory: whether the heap's limit was reached.
    """
    if ending == _DONE:
        return None
    if ending == _PENDING:
        return JsException(_NEVER)
    if ending != _THROWN:
        return JsException(_REASONS[JsLimit.HEAP])
    reason, trace = left
    # The prelude reports what a script throws. What cannot be written down here was
    # thrown by the prelude itself, with no memory or no stack left to run on.
    limit = JsLimit.HEAP if lacked_memory else JsLimit.STACK
    text = reason if isinstance(reason, str) else _REASONS[limit]
    return JsException(bounded(text), script_trace(trace))
