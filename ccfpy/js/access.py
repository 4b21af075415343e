"""Which tables a piece of JavaScript may use, by the context it runs in.

The rules are CCF's (``doc/audit/read_write_restrictions.rst``). What decides a vote is
public and auditable, so governance never sees private tables or application data.
Applications never write the tables of governance.
"""

from collections.abc import Callable
from enum import Enum, Flag
from typing import TypeAlias

from ccfpy.kv.names import (
    AccessCategory,
    MapKind,
    ReservedName,
    SecurityDomain,
    kind_of,
)

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
