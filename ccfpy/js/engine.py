"""What the rest of ccfpy asks of a JavaScript engine, and how a call can fail.

A call runs one exported function of one module. Its context is unused, unless the
application wants a context reused. Values cross as JSON text, never as live objects: a
script's object may be a proxy, endless or deeper than the native stack. A script's
exception is data for a reply. What Python raises inside an extension is not the
script's business and passes through unchanged.

Which tables a piece of JavaScript may use, by the context it runs in.

The rules are CCF's (``doc/audit/read_write_restrictions.rst``). What decides a vote is
public and auditable, so governance never sees private tables or application data.
Applications never write the tables of governance.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag, StrEnum
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError
from ccfpy.kv.names import (
    AccessCategory,
    MapKind,
    ReservedName,
    SecurityDomain,
    kind_of,
)

if TYPE_CHECKING:
    from ccfpy.base.json import Json
    from ccfpy.js.extension import ExtensionArgument


JsArgument: TypeAlias = "Json | bytes"
"""``str`` arrives as a string, ``bytes`` as an ArrayBuffer, everything else as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A main module, whose exports are called, and the modules that it may import.

    Attributes:
        name: the main module's name: traces show it, relative imports start from it.
        imports: the source of each other module, by absolute path (``/lib/a.js``).
    """

    name: str
    source: str
    imports: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    """An application's modules, from which endpoints call functions.

    Attributes:
        sources: the source of each module, by absolute path.
    """

    sources: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JsLimits:
    """What one call may use before it is stopped (``include/ccf/.../jsengine.h``)."""

    heap_bytes_max: int = limits.JS_HEAP_BYTES_MAX
    stack_bytes_max: int = limits.JS_STACK_BYTES_MAX
    execution_ms_max: int = limits.JS_EXECUTION_MS_MAX

    def at_least_defaults(self) -> Self:
        """Return these limits, each raised to its default at least.

        Governance runs under them: a service whose options were set too low could
        otherwise pass no proposal that sets them right again.
        """
        return type(self)(
            heap_bytes_max=max(self.heap_bytes_max, limits.JS_HEAP_BYTES_MAX),
            stack_bytes_max=max(self.stack_bytes_max, limits.JS_STACK_BYTES_MAX),
            execution_ms_max=max(self.execution_ms_max, limits.JS_EXECUTION_MS_MAX),
        )


class JsLimit(StrEnum):
    """Which of a call's limits was reached."""

    HEAP = "heap"
    STACK = "stack"
    TIME = "time"


class JsException(CcfpyError):
    """The script threw, or was stopped.

    Attributes:
        reason: ``Name: message``, or the JSON text of a thrown plain object.
        trace: the script's stack, one ``at function (module:line:column)`` a line;
            ``None`` if what it threw was no Error.
    """

    def __init__(self, reason: str, trace: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.trace = trace


class JsLimitExceeded(JsException):
    """The script was stopped for using too much.

    Only what leaves the call counts: a script may catch its own heap or stack error.
    """

    def __init__(self, which: JsLimit, reason: str, trace: str | None = None) -> None:
        super().__init__(reason, trace)
        self.which = which


class JsModuleFailed(CcfpyError):
    """A module could not be used; the texts are CCF's (``js/core/context.cpp``)."""


class Interpreter(Protocol):
    """Calls functions of one library, one call after another.

    A reused interpreter keeps its globals, also after a call that raised. Its next call
    finds fresh globals only if the engine trapped, was refused memory, or could not
    compile a module.
    """

    @property
    def elapsed_ms(self) -> int:
        """How long the last call has taken."""
        ...

    def serve(
        self, module: str, function: str, limits: JsLimits, given: bytes = b""
    ) -> "Sequence[ExtensionArgument]":
        """Call an exported function to answer a request.

        One extension defines ``tools.serve``, which gets the function and ``given``: it
        decides on the function's arguments, and what becomes of its result. The call
        waits for a promise. ``limits`` bound the function; modules are loaded under
        limits of at least the defaults.

        Returns:
            The answer; nothing if a Python function took the answer.

        Raises:
            JsException: the function threw, or its result could not be read.
            JsLimitExceeded: the function or a module's body was stopped.
            JsModuleFailed: no such module, export or function, or a body threw.
        """
        ...


_EXPLANATION_URL = (
    "https://microsoft.github.io/CCF/main/audit/read_write_restrictions.html"
)


class TxAccess(Enum):
    """The context that a piece of JavaScript runs in, named as in error texts."""

    APP_RW = "application"
    APP_RO = "read-only application"
    GOV_RO = "read-only governance"
    """Ballots, ``validate`` and ``resolve``: before a proposal is accepted."""
    GOV_RW = "read-write governance"
    """``apply``: after a proposal is accepted."""


class Permission(Flag):
    """What may be done with a table."""

    NONE = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3


Narrowing: TypeAlias = Callable[[str, Permission], tuple[Permission, str | None]]
"""Takes away rights on tables that the context grants.

Called with a table's name and the granted rights, it returns the rights that are left,
and the words for a refusal. ``None`` stands for the usual words.
"""


_KIND_NAMES = {
    Permission.NONE: "inaccessible",
    Permission.READ: "read-only",
    Permission.WRITE: "write-only",
}

_APPLICATION = {
    TxAccess.APP_RW: Permission.READ_WRITE,
    TxAccess.APP_RO: Permission.READ,
}
_PUBLIC_APPLICATION = {**_APPLICATION, TxAccess.GOV_RW: Permission.WRITE}
_GOVERNANCE = {TxAccess.GOV_RW: Permission.READ_WRITE}


def permission(access: TxAccess, table: str) -> Permission:
    """Return what ``access`` may do with ``table``."""
    try:
        kind = kind_of(table)
    except ReservedName:
        return Permission.NONE
    match kind:
        case MapKind(SecurityDomain.PRIVATE, AccessCategory.APPLICATION):
            return _APPLICATION.get(access, Permission.NONE)
        case MapKind(SecurityDomain.PRIVATE, _):
            return Permission.NONE
        case MapKind(_, AccessCategory.APPLICATION):
            return _PUBLIC_APPLICATION.get(access, Permission.NONE)
        case MapKind(_, AccessCategory.GOVERNANCE):
            return _GOVERNANCE.get(access, Permission.READ)
        case _:
            return Permission.READ


def explain(granted: Permission, access: TxAccess) -> str:
    """Return why an operation on a table is refused, in CCF's words."""
    return (
        f"This table is {_KIND_NAMES.get(granted, 'inaccessible')} in current "
        f"({access.value}) execution context. See {_EXPLANATION_URL} for more detail."
    )
