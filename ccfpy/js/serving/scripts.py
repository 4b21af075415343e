"""What an application declares about the JavaScript that others install."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ccfpy.endpoints.auth.policy import AuthPolicy
from ccfpy.js.access import Narrowing
from ccfpy.js.serving.tables import ScriptTables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
