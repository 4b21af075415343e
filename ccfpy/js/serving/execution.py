"""One request answered by one exported function (``src/js/registry.cpp``).

Each call finds an unused context, unless the endpoint names a key under which globals
are shared. An interpreter is reused also after a call that failed: an application's
cache must not depend on what callers send. It is dropped if a call was stopped at a
limit, or met a defect of the node. The transaction of a call that threw is not
committed, whatever the script asked before.

Interpreters that applications reuse between calls (``interpreter_cache.h``).

A script's stack, written as CCF's engine writes it.

Callers and tests read traces by line. CCF's engine names a module by its absolute path
and writes no column.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from ccfpy.base.errors import Malformed
from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import JS_INTERPRETERS_KEPT_CEILING
from ccfpy.boundary.metrics import TIME_EDGES_MS
from ccfpy.endpoints.declaration import Handler, Mode
from ccfpy.endpoints.history_endpoints import historical
from ccfpy.http.errors import ApiError, ErrorCode, internal_error
from ccfpy.http.messages import Response
from ccfpy.js.engine import (
    JsException,
    JsLimit,
    JsLimitExceeded,
    JsLimits,
    JsModuleFailed,
    Library,
    TxAccess,
)
from ccfpy.js.extensions.request import CallStage
from ccfpy.js.serving.code import Code
from ccfpy.js.serving.script_context import ScriptContext
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode, Scripts
from ccfpy.service.tables.js import EndpointProperties, JsRuntimeOptions

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject
    from ccfpy.endpoints.context import Context
    from ccfpy.kv.tx import Tx


Cached = TypeVar("Cached")
Key: TypeAlias = tuple[str, str]
"""The application's key for shared globals, and the name of an access to tables:
readers and writers share none."""


class InterpreterCache(Generic[Cached]):
    """Interpreters by key, for one state of the application's code.

    All are dropped when the code changes, or when the table is written that asks for
    it.

    Attributes:
        reused: interpreters given out that were used before.
        fresh: interpreters given out that were made for it.
    """

    def __init__(self) -> None:
        self._contexts: OrderedDict[Key, Cached] = OrderedDict()
        self._library: Library | None = None
        self._flushed_at: Seqno | None = None
        self.reused = 0
        self.fresh = 0

    def __len__(self) -> int:
        """Return the number of interpreters."""
        return len(self._contexts)

    def freshen(self, library: Library, flushed_at: Seqno | None, most: int) -> None:
        """Drop interpreters of other code, and the least used ones beyond ``most``."""
        if library is not self._library or flushed_at != self._flushed_at:
            self._contexts.clear()
            self._library = library
            self._flushed_at = flushed_at
        most = min(most, JS_INTERPRETERS_KEPT_CEILING)
        while len(self._contexts) > most:
            self._contexts.popitem(last=False)

    def take(self, key: Key, make: Callable[[], Cached]) -> Cached:
        """Take an interpreter out, or make one; the caller may put it back."""
        known = self._contexts.pop(key, None)
        if known is None:
            self.fresh += 1
            return make()
        self.reused += 1
        return known

    def put(self, key: Key, script_context: Cached, most: int) -> None:
        """Keep an interpreter for the next call."""
        self._contexts[key] = script_context
        while len(self._contexts) > min(most, JS_INTERPRETERS_KEPT_CEILING):
            self._contexts.popitem(last=False)


_PLACE = re.compile(r"\((?!<)/?([^():]+):(\d+)(?::\d+)?\)")
_IN_TEXT = re.compile(r"^( *at <\w+>:\d+):\d+$", re.MULTILINE)
"""The position in a text, such as JSON, at which the engine stopped."""


def as_ccf_writes_it(trace: str) -> str:
    """Return the trace with ``(/lib/a.js:7)`` for each ``(lib/a.js:7:12)``."""
    return _IN_TEXT.sub(r"\1", _PLACE.sub(r"(/\1:\2)", trace))


THROWN: Final = "Exception thrown while executing."
TIMED_OUT: Final = "Operation took too long to complete."
NOT_JSON: Final = (
    "Invalid endpoint function return value (error during JSON conversion of body)"
)
NO_RESPONSE: Final = "Invalid endpoint function return value (not an object)."
INTERRUPTED: Final = "InternalError: interrupted"
"""The engine's own reason where time ran out."""
_OPTIONS_KEPT: Final = 4
_ACCESSES: Final = len(TxAccess)


class Executor:
    """Answers requests by the functions in an application's tables."""

    def __init__(self, node: ScriptNode, scripts: Scripts) -> None:
        self._node = node
        self._scripts = scripts
        self._tables = scripts.tables
        self._reused = InterpreterCache[ScriptContext]()
        self._unused = InterpreterCache[ScriptContext]()
        self._options: OrderedDict[bytes, _Options] = OrderedDict()
        self.ran_ms = Histogram(TIME_EDGES_MS)
        """How long calls ran that a script ended itself."""
        self.limit_hits: dict[JsLimit, int] = dict.fromkeys(JsLimit, 0)
        self.code = Code(scripts, self._handler)
        """The endpoints and modules in the tables now."""

    @property
    def interpreters(self) -> tuple[int, int]:
        """How many interpreters were reused, and how many were fresh.

        An interpreter that no endpoint shares is given fresh globals by each call.
        """
        unused = self._unused
        return self._reused.reused, self._reused.fresh + unused.reused + unused.fresh

    def _handler(self, properties: EndpointProperties, mode: Mode) -> Handler:
        access = _access(properties)
        name = _reuse_key(properties)
        key = name or "", access.value

        def handler(context: "Context") -> Response:
            return self._answer(
                context, properties, access, key, is_reused=name is not None
            )

        return historical(handler) if mode is Mode.HISTORICAL else handler

    def _answer(
        self,
        context: "Context",
        properties: EndpointProperties,
        access: TxAccess,
        key: Key,
        *,
        is_reused: bool,
    ) -> Response:
        """Answer a request.

        Raises:
            ApiError: the function threw, was stopped, or returned no response; or too
                many calls are slow.
        """
        self._node.app_calls.check_room_for_script()
        tx = context.tx
        library = self.code.library(tx)
        flushed_at = self._tables.flush.of(tx).version_of_previous_write()
        options = self._options_in(tx)
        cache, most = self._unused, _ACCESSES
        if is_reused:
            cache, most = self._reused, options.given.max_cached_interpreters
        cache.freshen(library, flushed_at, most)
        script_context = cache.take(
            key,
            lambda: ScriptContext(
                self._node,
                library,
                access,
                scripts=self._scripts,
                is_reused=is_reused,
            ),
        )
        try:
            response = self._serve(script_context, context, properties, options)
        except ApiError:
            if script_context.is_fit:
                cache.put(key, script_context, most)
            raise
        cache.put(key, script_context, most)
        return response

    def _options_in(self, tx: "Tx") -> "_Options":
        """Return the options in force; the defaults if they cannot be read."""
        value = self._tables.options.of(tx)
        raw = value.raw.get(b"\0" * 8)
        if raw is None:
            return _DEFAULTS
        known = self._options.get(raw)
        if known is None:
            try:
                given = value.get()
            except Malformed:
                given = None
            known = _DEFAULTS if given is None else _Options(given)
            self._options[raw] = known
            if len(self._options) > _OPTIONS_KEPT:
                self._options.popitem(last=False)
        return known

    def _serve(
        self,
        script_context: ScriptContext,
        context: "Context",
        properties: EndpointProperties,
        options: "_Options",
    ) -> Response:
        endpoint = context.endpoint
        try:
            script_context.serve(
                context,
                properties.js_module,
                properties.js_function,
                options.limits,
            )
            # The interpreter looks at the clock every few thousand steps: a short
            # script on a slow machine may end late without being stopped.
            elapsed_ms = script_context.elapsed_ms
            self.ran_ms.observe(elapsed_ms)
            if elapsed_ms > options.limits.execution_ms_max:
                raise JsLimitExceeded(JsLimit.TIME, INTERRUPTED)
        except JsModuleFailed as error:
            raise internal_error(str(error)) from None
        except JsException as error:
            context.apply_writes = None
            if isinstance(error, JsLimitExceeded):
                self.limit_hits[error.which] += 1
            if isinstance(error, JsLimitExceeded) and error.which is JsLimit.TIME:
                self._log_late(
                    context,
                    script_context.elapsed_ms,
                    options.limits.execution_ms_max,
                )
            raise self._failure(
                context, error, script_context.endpoint.stage, options.given
            ) from None
        answer = script_context.endpoint
        if not answer.is_answered:
            raise internal_error(NO_RESPONSE)
        if script_context.logs_execution:
            self._node.log(
                ScriptLog.JS,
                "info",
                f"JS execution complete: Method={endpoint.method}, "
                f"Path=/app{endpoint.path}, Status={answer.status}, "
                f"ExecMilliseconds={elapsed_ms}",
            )
        return Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _log_late(
        self, context: "Context", elapsed_ms: int, execution_ms_max: int
    ) -> None:
        """Log that a call was stopped, in the words for a call in Python."""
        endpoint = context.endpoint
        self._node.log(
            ScriptLog.JS,
            "fail",
            f"Stopped, as it took {elapsed_ms} ms, and may take {execution_ms_max} ms, "
            f"in {endpoint.method} /app{endpoint.path}{_traced(context)}",
        )

    def _failure(
        self,
        context: "Context",
        error: JsException,
        stage: CallStage,
        options: JsRuntimeOptions,
    ) -> ApiError:
        """Return the error for the caller, with the details that the options allow."""
        reason = error.reason
        trace = None if error.trace is None else as_ccf_writes_it(error.trace)
        message = THROWN
        if isinstance(error, JsLimitExceeded) and error.which is JsLimit.TIME:
            reason, message = INTERRUPTED, TIMED_OUT
        elif stage is CallStage.WRITING_JSON:
            message = NOT_JSON + ("" if options.return_exception_details else ".")
        if options.log_exception_details:
            line = f"{reason}{_traced(context)}: {trace or '<no trace>'}"
            self._node.log(ScriptLog.APP, "fail", line)
        details: list[JsonObject] | None = None
        if options.return_exception_details:
            detail: JsonObject = {"code": ErrorCode.JSException, "message": reason}
            if trace is not None:
                detail["trace"] = trace
            details = [detail]
        return ApiError(500, ErrorCode.InternalError, message, details=details)


class _Options:
    """Runtime options as stored, and the limits among them."""

    def __init__(self, given: JsRuntimeOptions) -> None:
        self.given = given
        self.limits = JsLimits(
            heap_bytes_max=given.max_heap_bytes,
            stack_bytes_max=given.max_stack_bytes,
            execution_ms_max=given.max_execution_time_ms,
        )


_DEFAULTS: Final = _Options(JsRuntimeOptions())


def _traced(context: "Context") -> str:
    """Return what a failure's line says of the request's trace, if it has one."""
    return "" if context.trace is None else f" (trace {context.trace.id})"


def _access(properties: EndpointProperties) -> TxAccess:
    is_writing = properties.mode == Mode.READ_WRITE.value
    return TxAccess.APP_RW if is_writing else TxAccess.APP_RO


def _reuse_key(properties: EndpointProperties) -> str | None:
    """Return the key under which an endpoint shares globals, if it names one."""
    policy = properties.interpreter_reuse
    key = policy.get("key") if isinstance(policy, dict) else None
    return key if isinstance(key, str) else None
