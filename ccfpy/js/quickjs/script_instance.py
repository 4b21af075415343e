"""A guest in a machine: what it may ask of the host, and how its calls ended.

Three rules about what crosses:

* A guest's object is never converted: results are written as JSON inside JavaScript,
  under the guest's own limits.
* A host function that raises must not raise through the machine: what it raised is kept
  here, the guest is stopped, and it is raised anew after the call.
* That time ran out is known from our own flag, not from the words of an error.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from ccfpy.js.calls import Call, bounded, script_trace
from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
)
from ccfpy.js.extension import JsThrow, internal_error, type_error
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.values import (
    INTEGER_BYTES,
    NULL,
    OBJECT,
    UNDEFINED,
    ScriptObject,
    decode,
    decode_integer,
    encode,
)
from ccfpy.js.quickjs.wasm_instance import WasmInstance

if TYPE_CHECKING:
    from ccfpy.base.ports import Clock
    from ccfpy.js.extension import ExtensionArgument, ExtensionFunction, ExtensionResult

TIMED_OUT = "Operation took too long to complete."
"""CCF's words for the time limit, wherever a reason is reported."""

_DONE, _THROWN, _PENDING = range(3)
_ENGINE_REASONS = {
    "InternalError: out of memory": JsLimit.HEAP,
    "InternalError: stack overflow": JsLimit.STACK,
    "SyntaxError: stack overflow": JsLimit.STACK,
}
_REASONS = {
    JsLimit.HEAP: "InternalError: out of memory",
    JsLimit.STACK: "InternalError: stack overflow",
}
"""What the engine says, even where it had no memory left to say it."""
_SPEECHLESS = ("null", "")
"""What is thrown where no memory is left even for the Error, or for its text."""
_NEVER = "the promise is still pending, and nothing is left that could settle it"
_NS_PER_MS = 1_000_000
_OWN_FUNCTIONS = 2
_SERVE_COUNT = 3
_ROWS_KEPT = 256


class ScriptInstance:
    """One machine's guest, while host functions of one caller serve it.

    Attributes:
        machine: where it lives, while it does.
        has_asked: whether it called a host function, so that its state may depend on
            more than its own source.
        known: modules that it has, by the names the engine gives them.
    """

    __slots__ = (
        "_bounds",
        "_call",
        "_functions",
        "_source_of",
        "has_asked",
        "instance",
        "known",
    )

    __deletable__ = ("instance",)
    """Told to the compiler."""
    instance: WasmInstance

    def __init__(
        self,
        clock: "Clock",
        functions: "Sequence[ExtensionFunction]",
        source_of: Callable[[str], str | None],
    ) -> None:
        self._call = Call(clock)
        self._functions = functions
        self._source_of = source_of
        self._bounds: tuple[int, int] | None = None
        self.has_asked = False
        self.known: set[str] = set()

    def silent(self) -> "ScriptInstance":
        """Give another with the same sources, who has nobody to ask."""
        return ScriptInstance(self._call.clock, (), self._source_of)

    # What the machine asks

    def call_function(self, row: bytes) -> bytes:
        """Call a host function by its number; ``null`` says that it would have thrown.

        The first two are ours: what was thrown, and the guest's own exception.
        """
        call = self._call
        try:
            number = decode_integer(row)
            arguments = decode(row, INTEGER_BYTES)
            if number >= _OWN_FUNCTIONS:
                self.has_asked = True
                for argument in arguments:
                    if argument is OBJECT:
                        _refuse_object()
                return encode(self._functions[number - _OWN_FUNCTIONS](*arguments))
            if number == 0:
                return encode(call.collect_throw(arguments[0]))
            return encode(call.report(*arguments))
        except JsThrow as thrown:
            call.thrown = thrown.with_traceback(None)
        except BaseException as error:  # noqa: BLE001 - kept, and raised after the call
            call.python_error = error
            call.thrown = internal_error("the host failed")
        return NULL

    def module_source(self, row: bytes) -> bytes:
        """Give the source of an import by its name."""
        (name,) = decode(row)
        assert isinstance(name, str)
        source = self._source_of(name)
        if source is None:
            return UNDEFINED
        self.known.add(name)
        return encode(source)

    def is_over(self) -> bool:
        """Tell whether its time is over."""
        return self._call.is_over()

    # What is asked of it

    @property
    def now_ns(self) -> int:
        """The clock that deadlines are set by."""
        return self._call.clock.monotonic_ns()

    def restrict(self, limits: JsLimits) -> None:
        """Bound what runs from now on; counts no time yet."""
        bounds = limits.heap_bytes_max, limits.stack_bytes_max
        if bounds != self._bounds:
            self.instance.restrict(*bounds)
            self._bounds = bounds

    def begin(self, limits: JsLimits) -> int:
        """Count time from now, which is given, in nanoseconds."""
        call = self._call
        now_ns = call.clock.monotonic_ns()
        call.deadline_ns = now_ns + limits.execution_ms_max * _NS_PER_MS
        self.instance.set_deadline(limits.execution_ms_max)
        return now_ns

    def compile(self, name: str, source: str) -> None:
        """Make a module known, with what it imports.

        Raises:
            JsModuleFailed: one is missing or does not compile.
            JsLimitExceeded: it was stopped.
        """
        self._compile(name, source, wants_bytecode=False)

    def bytecode(self, name: str, source: str) -> bytes:
        """Compile a module, and give its bytecode.

        Raises:
            JsModuleFailed: it does not compile.
        """
        code = decode(self._compile(name, source, wants_bytecode=True))[0]
        assert isinstance(code, bytes)
        return code

    def _compile(self, name: str, source: str, *, wants_bytecode: bool) -> bytes:
        self.known.add(name)
        if not source.isascii() and not _is_unicode(source):
            raise JsModuleFailed(f"Failed to compile {name}: it is not Unicode")
        row = encode(name) + encode(source)
        try:
            ending, left = self.instance.run("compile", row, int(wants_bytecode))
        except Trapped as trap:
            raise self.broken(trap) from None
        self._raise_host_error()
        if ending != _DONE:
            failure = _failure(ending, left)
            raise JsModuleFailed(f"Failed to compile {name}: {failure}")
        return left

    def load(self, name: str) -> None:
        """Run the modules' own bodies.

        Raises:
            JsException: one threw or was stopped.
        """
        self.invoke("load", name)

    def serve(
        self, name: str, module: str, function: str, given: bytes
    ) -> "Sequence[ExtensionArgument]":
        """Let a function of a module that was loaded answer through ``tools.serve``.

        Args:
            name: the module's, as the engine has it.
            module: the same, as others call it.
            function: one of its exports.
            given: what ``tools.serve`` gets with it.

        Returns:
            What it left.

        Raises:
            JsException: it threw or was stopped.
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
            JsModuleFailed: it does not.
        """
        kind = self.invoke("kindOf", name)
        if kind != "function":
            raise _no_function(kind, module, name)

    def invoke(self, method: str, *arguments: "ExtensionResult") -> "ExtensionArgument":
        """Call a method of the prelude's face, and wait for its promise.

        Raises:
            JsException: guest code threw or was stopped.
        """
        row = encode(method) + b"".join(map(encode, arguments))
        return self._invoke(row, len(arguments))[0]

    def _invoke(self, row: bytes, count: int) -> "list[ExtensionArgument]":
        """Call an export, and give what it left; an object's place is empty."""
        try:
            ending, left = self.instance.run("invoke", row, count)
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
            failure = _failure(ending, left)
        if failure is None:
            return [
                None if isinstance(value, ScriptObject) else value
                for value in decode(left)
            ]
        limit = self._limit_behind(failure)
        if limit is None:
            raise JsException(failure.reason, failure.trace)
        raise JsLimitExceeded(limit, _REASONS.get(limit, failure.reason), failure.trace)

    def _raise_host_error(self) -> None:
        call = self._call
        if call.python_error is not None:
            python_error, call.python_error = call.python_error, None
            call.failure = None  # what the guest made of it
            try:
                raise python_error
            finally:
                del python_error  # or it and this frame would keep each other alive

    def broken(self, trap: Trapped) -> JsException:
        """Say why its machine broke off, if that is not what a host function raised."""
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


def _refuse_object() -> NoReturn:
    """Throw: an argument has no plain form."""
    raise type_error("Argument must be an ArrayBuffer")


@lru_cache(_ROWS_KEPT)
def _serve_row(name: str, function: str) -> bytes:
    return encode("serve") + encode(name) + encode(function)


def found_in(sources: Mapping[str, str]) -> Callable[[str], str | None]:
    """Find modules; one relative to the root comes without its leading slash."""
    return lambda name: sources.get(name if name.startswith("/") else f"/{name}")


def relative(name: str) -> str:
    """Name a module as the engine names one imported relative to the root.

    Under its absolute path it would be another module to whom imports it by ``./``.
    """
    return name.lstrip("/")


def _no_function(kind: "ExtensionArgument", module: str, name: str) -> JsModuleFailed:
    if kind == "absent":
        return JsModuleFailed(f"Failed to find export '{name}' in module '{module}'")
    return JsModuleFailed(f"Export '{name}' of module '{module}' is not a function")


def _is_unicode(text: str) -> bool:
    """Tell whether no character is half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _failure(ending: int, left: bytes) -> JsException | None:
    """Read what was thrown past the prelude, if anything was."""
    if ending == _DONE:
        return None
    if ending == _PENDING:
        return JsException(_NEVER)
    if ending != _THROWN:
        return JsException(_REASONS[JsLimit.HEAP])
    reason, trace = decode(left)
    # What a guest throws comes by way of the prelude, so what cannot be written down is
    # the prelude's own, with no stack left to run on.
    text = reason if isinstance(reason, str) else _REASONS[JsLimit.STACK]
    return JsException(bounded(text), script_trace(trace))
