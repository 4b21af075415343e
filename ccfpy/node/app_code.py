"""The application's code as its node calls it: within limits, and its defects logged.

What the log says leaves the enclave in clear. The log names the kind of an exception
and, where the node's configuration asks for it (``logging.tracebacks``), the files,
lines and functions that the exception came through. An exception's text may quote what
a user keeps here, and is logged only where members decided so
(``set_python_runtime_options``): the configuration is the host's to write.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, Unwritable
from ccfpy.base.places import chain_of, places_of
from ccfpy.base.ports import CallStopped
from ccfpy.boundary.effects import LogTag
from ccfpy.endpoints.app_calls import AppCalls, AppLimits
from ccfpy.endpoints.refusals import Marks
from ccfpy.service.tables import python

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.base.ports import Entropy, Given, Result
    from ccfpy.kv.changes import Writes
    from ccfpy.kv.store import Store
    from ccfpy.kv.tx import Tx
    from ccfpy.node.outbox import Outbox

_ID_BYTES = 8
_UNMARKED = Marks()


@dataclass(eq=False)
class AppCode:
    """What a node calls an application's code through.

    Attributes:
        calls: limits each call.
        logs_places: whether the log names where exceptions came from.
    """

    calls: AppCalls
    outbox: "Outbox"
    entropy: "Entropy"
    logs_places: bool = False

    def watch(self, store: "Store") -> None:
        """Follow what members decide of limits."""
        store.on_global(python.RUNTIME_OPTIONS.name, self._on_options)

    def _on_options(self, _: "Seqno", writes: "Writes") -> None:
        self._follow(lambda: python.RUNTIME_OPTIONS.decode_writes(writes))

    def read(self, tx: "Tx") -> None:
        """Read what members decided before this node watched the tables."""
        self._follow(python.RUNTIME_OPTIONS.of(tx).get)

    def _follow(
        self, options: "Callable[[], python.PythonRuntimeOptions | None]"
    ) -> None:
        try:
            decided = options() or python.PythonRuntimeOptions()
        except Malformed as error:
            self.outbox.fail(f"Limits of Python code stay as they are: {error}")
            return
        self.calls.limits = limits_of(decided)

    def call_back(
        self,
        what: str,
        function: "Callable[[Given], Result]",
        given: "Given",
        *,
        otherwise: "Result",
    ) -> "Result":
        """Return what a function of an application's returns.

        Args:
            what: names the function in the log.
            function: the application's.
            given: its argument.
            otherwise: returned in place of what a function that fails would return.
        """
        try:
            return self.calls.call(function, given)
        except Exception as error:  # noqa: BLE001 - an application's code
            self.failed(what, error, tag=LogTag.APP)
            return otherwise

    def failed(
        self,
        what: str,
        error: BaseException,
        *,
        tag: LogTag,
        marks: Marks = _UNMARKED,
    ) -> str:
        """Log that something of an application's failed.

        Args:
            what: names it.
            error: says how it failed.
            tag: of the lines.
            marks: named beside the failure's id.

        Returns:
            The id by which a caller may name this failure.
        """
        failure = self.entropy.random_bytes(_ID_BYTES).hex()
        self.outbox.fail(f"{_summary(error)} in {what} (id {failure}{marks})", tag=tag)
        if self.logs_places or self._logs_texts:
            for position, link in enumerate(
                chain_of(error, links_max=limits.FAILURE_LINKS_MAX)
            ):
                led = "after " if position else ""
                self.outbox.fail(f"id {failure}: {led}{self._told(link)}", tag=tag)
        return failure

    @property
    def _logs_texts(self) -> bool:
        return self.calls.limits.log_exception_details

    def _told(self, error: BaseException) -> str:
        places = places_of(error, places_max=limits.FAILURE_PLACES_MAX)
        name = type(error).__name__
        if not self._logs_texts:
            return f"{name} at {places}"
        try:
            text = str(error)
        except Exception:  # noqa: BLE001 - an application's code
            text = "<no text>"
        return f"{name} ({text}) at {places}"


def limits_of(options: python.PythonRuntimeOptions) -> AppLimits:
    """Return the limits that members decided on, as far as a node can follow them."""
    return AppLimits(
        execution_ms_max=max(options.max_execution_time_ms, 1),
        memory_bytes_max=options.max_memory_bytes,
        response_bytes_max=min(
            options.max_response_bytes, limits.APP_RESPONSE_BYTES_CEILING
        ),
        log_exception_details=options.log_exception_details,
    )


def _summary(error: BaseException) -> str:
    if isinstance(error, CallStopped):
        return f"Stopped, as {error.reason},"
    if isinstance(error, Unwritable):
        return f"Unwritable answer ({error})"
    return f"Unhandled {type(error).__name__}"
