"""What an application's JavaScript needs of the node that it runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.ports import Clock, Entropy
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.tx import Tx


class ScriptLog(StrEnum):
    """The tag of a line in the node's log."""

    APP = "app"
    """What the application logs."""
    JS = "js"
    """What the node logs about a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptNode:
    """The node, as its JavaScript application sees it.

    Attributes:
        engine: runs scripts.
        entropy: the randomness for ``ccf.crypto`` and ``Math.random``.
        clock: measures a call.
        app_calls: calls an application's Python functions, and limits their time.
        begin: opens a read-only transaction, in which the application's tables are
            read.
        log: writes a line to the node's log: who says it, ``info``, ``fail`` or
            ``fatal``, and the line.
    """

    engine: QuickJs
    entropy: Entropy
    clock: Clock
    app_calls: AppCalls
    begin: Callable[[], Tx]
    log: Callable[[ScriptLog, str, str], None]
