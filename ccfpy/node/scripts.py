"""The node, as its JavaScript application sees it."""

from typing import TYPE_CHECKING

from ccfpy.base.ports import Clock, Entropy
from ccfpy.boundary.effects import LogLevel, LogTag
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.engine import Engine
from ccfpy.js.serving import ScriptedRegistry
from ccfpy.js.serving.ports import ScriptLog

if TYPE_CHECKING:
    from ccfpy.endpoints.registry import Registry
    from ccfpy.kv.tx import Tx
    from ccfpy.node.running import RunningNode

_TAGS = {ScriptLog.APP: LogTag.APP, ScriptLog.JS: LogTag.JS}
_LEVELS = {level.value: level for level in LogLevel}


class NodeScripts:
    """A node that runs scripts (`ccfpy.js.serving.ports.ScriptNode`)."""

    def __init__(
        self,
        running: "RunningNode",
        engine: Engine,
        clock: Clock,
        *,
        election_timeout_ms: int,
    ) -> None:
        self._running = running
        self._engine = engine
        self._clock = clock
        self._election_timeout_ms = election_timeout_ms

    @property
    def engine(self) -> Engine:
        """What runs scripts."""
        return self._engine

    @property
    def entropy(self) -> Entropy:
        """The randomness for scripts."""
        return self._running.entropy

    @property
    def clock(self) -> Clock:
        """How much time passes within a call."""
        return self._clock

    @property
    def app_calls(self) -> AppCalls:
        """What calls the application's own functions."""
        return self._running.app_code.calls

    @property
    def election_timeout_ms(self) -> int:
        """How long the primary may be silent before another is elected."""
        return self._election_timeout_ms

    def begin(self) -> "Tx":
        """Open a read-only transaction."""
        return self._running.begin(read_only=True)

    def log(self, tag: ScriptLog, level: str, text: str) -> None:
        """Write a line to the node's log."""
        self._running.outbox.log(_LEVELS[level], text, tag=_TAGS[tag])


def let_scripts_run(registry: "Registry", scripts: NodeScripts) -> "Registry":
    """Return an application's registry, able to serve the scripts in its tables."""
    if isinstance(registry, ScriptedRegistry):
        registry.attach(scripts)
    return registry
