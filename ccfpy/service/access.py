"""What JavaScript may do with a map, by who is running and whose map it is.

The rules are CCF's (``doc/audit/read_write_restrictions.rst``): governance never sees
private data, so that ballots and constitutions are reproducible by auditors; it may
seed public application maps but not read them; nobody writes internal maps; and what
the application wrote cannot change what governance decides.
"""

from collections.abc import Mapping
from enum import Enum, Flag, StrEnum, auto

from ccfpy.kv.names import AccessCategory, SecurityDomain, kind_of


class Access(Flag):
    """What may be done with a map."""

    NONE = 0
    READ = auto()
    WRITE = auto()
    READ_WRITE = READ | WRITE


class Execution(Enum):
    """Whose code is running; the value is CCF's name for it in error messages."""

    APP_READ_ONLY = "read-only application"
    APP_READ_WRITE = "application"
    GOVERNANCE_READ_ONLY = "read-only governance"
    """Ballots, and a constitution's ``validate`` and ``resolve``."""
    GOVERNANCE_READ_WRITE = "read-write governance"
    """A constitution's ``apply``."""


class _Owner(StrEnum):
    PRIVATE_APPLICATION = auto()
    PUBLIC_APPLICATION = auto()
    GOVERNANCE = auto()
    INTERNAL = auto()


_RULES: Mapping[Execution, Mapping[_Owner, Access]] = {
    Execution.APP_READ_ONLY: {
        _Owner.PRIVATE_APPLICATION: Access.READ,
        _Owner.PUBLIC_APPLICATION: Access.READ,
        _Owner.GOVERNANCE: Access.READ,
        _Owner.INTERNAL: Access.READ,
    },
    Execution.APP_READ_WRITE: {
        _Owner.PRIVATE_APPLICATION: Access.READ_WRITE,
        _Owner.PUBLIC_APPLICATION: Access.READ_WRITE,
        _Owner.GOVERNANCE: Access.READ,
        _Owner.INTERNAL: Access.READ,
    },
    Execution.GOVERNANCE_READ_ONLY: {
        _Owner.PRIVATE_APPLICATION: Access.NONE,
        _Owner.PUBLIC_APPLICATION: Access.NONE,
        _Owner.GOVERNANCE: Access.READ,
        _Owner.INTERNAL: Access.READ,
    },
    Execution.GOVERNANCE_READ_WRITE: {
        _Owner.PRIVATE_APPLICATION: Access.NONE,
        _Owner.PUBLIC_APPLICATION: Access.WRITE,
        _Owner.GOVERNANCE: Access.READ_WRITE,
        _Owner.INTERNAL: Access.READ,
    },
}

_PUBLIC_OWNERS: Mapping[AccessCategory, _Owner] = {
    AccessCategory.INTERNAL: _Owner.INTERNAL,
    AccessCategory.GOVERNANCE: _Owner.GOVERNANCE,
    AccessCategory.APPLICATION: _Owner.PUBLIC_APPLICATION,
}
_EXPLANATION_URL = (
    "https://microsoft.github.io/CCF/main/audit/read_write_restrictions.html"
)


def access_to(map_name: str, execution: Execution) -> Access:
    """Tell what ``execution`` may do with a map.

    Raises:
        ReservedName: the name starts with ``ccf.`` and means nothing.
    """
    domain, category = kind_of(map_name)
    if domain is SecurityDomain.PRIVATE:
        if category is not AccessCategory.APPLICATION:
            return Access.NONE
        return _RULES[execution][_Owner.PRIVATE_APPLICATION]
    return _RULES[execution][_PUBLIC_OWNERS[category]]


def explain(access: Access, execution: Execution) -> str:
    """Say why an operation on a map was refused, in CCF's words."""
    if access is Access.READ:
        kind = "read-only"
    elif access is Access.WRITE:
        kind = "write-only"
    else:
        kind = "inaccessible"
    return (
        f"This table is {kind} in current ({execution.value}) execution context. "
        f"See {_EXPLANATION_URL} for more detail."
    )
