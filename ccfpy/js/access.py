"""Which tables a piece of JavaScript may use, by the context it runs in.

CCF's table (``doc/audit/read_write_restrictions.rst``): what decides a vote is public
and auditable, so governance never sees private tables nor application data, and
applications never write what governs them.
"""

from enum import Enum, Flag
from typing import Protocol

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

    @property
    def is_governance(self) -> bool:
        """Whether members' code runs, not the application's."""
        return self in {TxAccess.GOV_RO, TxAccess.GOV_RW}


class Permission(Flag):
    """What may be done with a table."""

    NONE = 0
    READ = 1
    WRITE = 2
    READ_WRITE = 3


class Narrowing(Protocol):
    """Takes rights on tables away, beyond what the context does not grant anyway."""

    def __call__(
        self, table: str, granted: Permission, /
    ) -> tuple[Permission, str | None]:
        """Say what may be done with a table, and explain what may not.

        ``None`` leaves it to the words for what the context does not grant.
        """
        ...


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
    """Look up what ``access`` may do with ``table``."""
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
    """Say why an operation on a table is refused, in CCF's words."""
    return (
        f"This table is {_KIND_NAMES.get(granted, 'inaccessible')} in current "
        f"({access.value}) execution context. See {_EXPLANATION_URL} for more detail."
    )
