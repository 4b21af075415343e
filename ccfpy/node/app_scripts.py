"""JavaScript that an application in Python runs: members' policies, for example."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base import json, limits
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.endpoints.scripting import ScriptFailed
from ccfpy.js.engine import JsException, JsLimits, JsModuleFailed, Program
from ccfpy.js.extensions.console import ConsoleExtension, ConsoleLevel
from ccfpy.js.extensions.converters import ConvertersExtension
from ccfpy.js.extensions.crypto import CryptoExtension
from ccfpy.js.extensions.date import frozen_date_extension
from ccfpy.js.extensions.random import math_random_extension
from ccfpy.js.quickjs import QuickJs
from ccfpy.node.outbox import Outbox
from ccfpy.node.ports import HostClock

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.base.ports import Entropy
    from ccfpy.endpoints.app_calls import AppCalls
    from ccfpy.node.parts import NodeParts


@dataclass(frozen=True, slots=True, kw_only=True)
class AppScripts:
    """Runs JavaScript for an application in Python; see ``Scripting``.

    Attributes:
        engine: runs scripts.
        calls: of the application's code, which say whether a script may begin.
        entropy: the randomness for ``ccf.crypto`` and ``Math.random``.
        time: the host's, at which scripts find the clock stopped.
        outbox: where ``console`` writes.
    """

    engine: QuickJs
    calls: "AppCalls"
    entropy: "Entropy"
    time: HostClock
    outbox: Outbox

    @classmethod
    def of(cls, parts: "NodeParts", time: HostClock) -> "AppScripts":
        """Run scripts on a node."""
        calls = parts.app_code.calls
        return cls(
            engine=QuickJs(parts.clock, parts.contexts, calls.threads),
            calls=calls,
            entropy=parts.entropy,
            time=time,
            outbox=parts.outbox,
        )

    def call(
        self,
        modules: Mapping[str, str],
        function: str,
        arguments: "Sequence[Json | bytes]",
        *,
        execution_ms_max: int | None = None,
    ) -> "Json":
        """Call an exported function of the first module, and return its result."""
        self.calls.check_room_for_script()
        name, *_ = modules
        unix_time_ms = self.time.unix_us // 1000
        try:
            result = self.engine.call_export(
                Program(name=name, source=modules[name], imports=modules),
                function,
                arguments,
                extensions=(
                    ConsoleExtension(self._log),
                    ConvertersExtension(),
                    CryptoExtension(unix_time_ms, self.entropy),
                    frozen_date_extension(unix_time_ms),
                    math_random_extension(self.entropy),
                ),
                limits=JsLimits(
                    execution_ms_max=execution_ms_max or limits.JS_EXECUTION_MS_MAX
                ),
            )
        except JsModuleFailed as error:
            raise ScriptFailed(str(error), trace=None, has_begun=False) from None
        except JsException as error:
            raise ScriptFailed(
                error.reason, trace=error.trace, has_begun=True
            ) from None
        return None if result is None else json.loads(result.encode())

    def _log(self, level: ConsoleLevel, text: str) -> None:
        self.outbox.log(LogLevel(level.value), text, tag=LogTag.APP)
