"""What an application declares about the JavaScript that others install.

What an application's JavaScript needs of the node that it runs on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.base.ports import Clock, Entropy
from ccfpy.endpoints.app_calls import AppCalls
from ccfpy.endpoints.auth.policy import AuthPolicy
from ccfpy.js.engine import Narrowing
from ccfpy.js.quickjs import QuickJs
from ccfpy.js.serving.tables import ScriptTables
from ccfpy.kv.tx import Tx

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccfpy.js.extension import Extension
    from ccfpy.js.serving.current_request import CurrentRequest


MoreExtensions: TypeAlias = "Callable[[CurrentRequest], Sequence[Extension]]"
"""Makes an application's own extensions, which may read the current request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """Where scripts are stored, and what they may do.

    Attributes:
        tables: the tables of endpoints, modules and options.
        narrowing: takes away rights on tables that scripts have otherwise.
        more: makes the application's own extensions.
        counts_endpoints: nodes count the calls of each endpoint for the application.
        policies: the application's own policies, by the names that scripts know.
    """

    tables: ScriptTables
    narrowing: Narrowing | None = None
    more: MoreExtensions = lambda _: ()
    counts_endpoints: bool = False
    policies: Mapping[str, AuthPolicy] = field(default_factory=dict)


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
