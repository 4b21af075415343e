"""The node, as its JavaScript application sees it."""

from typing import TYPE_CHECKING, Final

from ccfpy.base.ports import Clock
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.js.quickjs import QuickJs
from ccfpy.js.serving import ScriptedRegistry
from ccfpy.js.serving.ports import ScriptLog, ScriptNode

if TYPE_CHECKING:
    from ccfpy.endpoints.registry import Registry
    from ccfpy.node.running import RunningNode

_APP: Final = ScriptLog.APP
_OF_APP: Final = LogTag.APP
_OF_CALL: Final = LogTag.JS
_LEVELS: Final = {level.value: level for level in LogLevel}


def let_scripts_run(
    registry: "Registry", running: "RunningNode", engine: QuickJs, clock: Clock
) -> "Registry":
    """Return an application's registry, able to serve the scripts in its tables."""

    def log(tag: ScriptLog, level: str, text: str) -> None:
        # Two comparisons: compiled code looks members up, and hashes them, slowly.
        whose = _OF_APP if tag is _APP else _OF_CALL
        running.outbox.log(_LEVELS[level], text, tag=whose)

    if isinstance(registry, ScriptedRegistry):
        registry.attach(
            ScriptNode(
                engine=engine,
                entropy=running.entropy,
                clock=clock,
                app_calls=running.app_code.calls,
                begin=lambda: running.begin(read_only=True),
                log=log,
            )
        )
    return registry
