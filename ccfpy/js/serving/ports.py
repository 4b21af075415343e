"""What an application's JavaScript needs of the node that it runs on."""

from enum import StrEnum
from typing import Protocol

from ccfpy.base.ports import Clock, Entropy
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.js.engine import Engine
from ccfpy.kv.tx import Tx


class ScriptLog(StrEnum):
    """The tag of a line in the node's log."""

    APP = "app"
    """What the application logs."""
    JS = "js"
    """What the node logs about a call."""


class ScriptNode(Protocol):
    """The node, as its JavaScript application sees it."""

    @property
    def engine(self) -> Engine:
        """The engine that runs scripts."""
        ...

    @property
    def entropy(self) -> Entropy:
        """The randomness for ``ccf.crypto`` and ``Math.random``."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock that measures a call."""
        ...

    @property
    def app_calls(self) -> AppCalls:
        """The caller of an application's Python functions, which limits their time."""
        ...

    @property
    def election_timeout_ms(self) -> int:
        """How long the primary may be silent before another is elected."""
        ...

    def begin(self) -> Tx:
        """Open a read-only transaction, in which the application's tables are read."""
        ...

    def log(self, tag: ScriptLog, level: str, text: str) -> None:
        """Write a line to the node's log.

        Args:
            tag: who says it.
            level: ``info``, ``fail`` or ``fatal``.
            text: the line.
        """
        ...
