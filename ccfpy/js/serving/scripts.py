"""What an application says of the JavaScript that it lets be installed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.js.access import Narrowing
from ccfpy.js.serving.tables import ScriptTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ccfpy.js.extension import Extension
    from ccfpy.js.serving.current_request import CurrentRequest

MoreExtensions: TypeAlias = "Callable[[CurrentRequest], Sequence[Extension]]"
"""Makes an application's own extensions, which may ask about the request."""


def no_more(_: "CurrentRequest") -> "Sequence[Extension]":
    """Add no extension."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """Where scripts lie, and what they may do.

    Attributes:
        tables: hold endpoints, modules and options.
        narrowing: takes rights on tables away, beyond what any script lacks.
        more: adds to what scripts see of the node.
    """

    tables: ScriptTables
    narrowing: Narrowing | None = None
    more: MoreExtensions = no_more
