"""A script's context: an interpreter and its extensions.

An application's own extensions, whose Python functions are limited in time.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.engine import JsLimitExceeded, JsLimits, Library, TxAccess
from ccfpy.js.extension import Extension, ExtensionFunction, ExtensionResult
from ccfpy.js.extensions.consensus import consensus_extension
from ccfpy.js.extensions.console import ConsoleExtension, ConsoleLevel
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.js.extensions.date import date_extension
from ccfpy.js.extensions.gov import GovExtension
from ccfpy.js.extensions.historical import HistoricalExtension
from ccfpy.js.extensions.kv import KvExtension
from ccfpy.js.extensions.random import math_random_extension
from ccfpy.js.extensions.request import RequestExtension
from ccfpy.js.extensions.rpc import rpc_extension
from ccfpy.js.extensions.snp_attestation import snp_attestation_extension
from ccfpy.js.serving.current_request import CurrentRequest
from ccfpy.js.serving.scripts import ScriptLog, ScriptNode, Scripts

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context


class Limited:
    """An extension whose functions are stopped when they take too long.

    The engine looks at its clock between its own steps, but not while a Python function
    runs.
    """

    def __init__(self, extension: Extension, calls: AppCalls) -> None:
        self._extension = extension
        self._calls = calls

    @property
    def source(self) -> str:
        """The extension's own source."""
        return self._extension.source

    def functions(self) -> Mapping[str, ExtensionFunction]:
        """Return the extension's functions, limited."""
        return {
            name: partial(self._call, function)
            for name, function in self._extension.functions().items()
        }

    def _call(self, function: ExtensionFunction, *arguments: object) -> ExtensionResult:
        def call(given: tuple[object, ...]) -> ExtensionResult:
            return function(*given)

        return self._calls.call(call, arguments)


_US_PER_MS: Final = 1000
_NS_PER_MS: Final = 1_000_000


class ScriptContext:
    """An interpreter for an application's modules, and its extensions.

    Attributes:
        endpoint: the response of the script.
        is_fit: whether the interpreter may be reused: no call was stopped at a limit,
            which may happen anywhere.
    """

    def __init__(
        self,
        node: ScriptNode,
        library: Library,
        access: TxAccess,
        *,
        scripts: Scripts,
        is_reused: bool,
    ) -> None:
        self._clock = node.clock
        self._is_reused = is_reused
        self._unix_time_ms = 0
        self._start_ns = 0
        self._limits: JsLimits | None = None
        self._current_request = current_request = CurrentRequest()
        self._console = ConsoleExtension(_writer(node))
        self._converters = ConvertersExtension()
        self._crypto = CryptoExtension(0, node.entropy)
        self._kv = KvExtension(current_request, access, scripts.narrowing)
        self._gov = GovExtension(node.engine, JsLimits())
        self._historical = HistoricalExtension(lambda: current_request.context, access)
        self.endpoint = RequestExtension(current_request)
        self.is_fit = True
        extensions: list[Extension] = [
            self._console,
            self._converters,
            self._crypto,
            date_extension(self._now_ms),
            snp_attestation_extension(self._now_ms),
            math_random_extension(node.entropy),
            self._gov,
            self._kv,
            consensus_extension(lambda: current_request.context.node),
            self._historical,
            rpc_extension(lambda: current_request.context),
            *(Limited(more, node.app_calls) for more in scripts.more(current_request)),
            self.endpoint,
        ]
        self._interpreter = node.engine.interpreter(
            library, extensions, is_reused=is_reused
        )

    @property
    def elapsed_ms(self) -> int:
        """How long the last call took, in milliseconds."""
        return self._interpreter.elapsed_ms

    @property
    def logs_execution(self) -> bool:
        """Whether the script allows the node to log its calls."""
        return self._converters.logs_execution_metrics

    def serve(
        self, context: "Context", module: str, function: str, limits: JsLimits
    ) -> None:
        """Call a function to answer a request; raises as ``Interpreter.serve`` does."""
        self._unix_time_ms = context.node.unix_time_us // _US_PER_MS
        self._start_ns = self._clock.monotonic_ns()
        if not self._is_reused:
            self._converters.begin()
        if limits is not self._limits:
            self._limits = limits
            self._gov.limits = limits.at_least_defaults()
        self._console.begin()
        self._crypto.unix_time_ms = self._unix_time_ms
        self.endpoint.begin()
        self._current_request.enter(context)
        try:
            self.endpoint.ask(self._interpreter, module, function, limits)
        except JsLimitExceeded:
            self.is_fit = False
            raise
        finally:
            self._current_request.leave()
            self._kv.begin()
            self._historical.begin()

    def _now_ms(self) -> int:
        """Return the time of the call's start, or the time now if the script asked."""
        if not self._converters.lets_time_run:
            return self._unix_time_ms
        passed_ns = self._clock.monotonic_ns() - self._start_ns
        return self._unix_time_ms + passed_ns // _NS_PER_MS


def _writer(node: ScriptNode) -> Callable[[ConsoleLevel, str], None]:
    def write(level: ConsoleLevel, message: str) -> None:
        node.log(ScriptLog.APP, level.value, message)

    return write
