"""Roles, and the actions that each permits: three of Azure's, and those of users."""

from collections.abc import Collection
from enum import StrEnum

from apps.confidential_ledger.tables import ROLES, actions_table
from ccfpy.app import Context


class Action(StrEnum):
    """What a caller of this application's own paths may be permitted."""

    READ = "/content/read"
    WRITE = "/content/write"
    ADMINISTER = "/ledger/administer"


ADMINISTRATOR = "Administrator"
BUILT_IN: dict[str, frozenset[str]] = {
    ADMINISTRATOR: frozenset(Action),
    "Contributor": frozenset({Action.READ, Action.WRITE}),
    "Reader": frozenset({Action.READ}),
}
_BUILT_IN_NAMES = {name.lower(): name for name in BUILT_IN}


def canonical(role: str) -> str:
    """Return a role's name, a built-in one as it is written here.

    Names of built-in roles count in any case of their letters, others as they are.
    """
    return _BUILT_IN_NAMES.get(role.lower(), role)


def is_role(ctx: Context, name: str) -> bool:
    """Return whether there is a role of this name."""
    return name in BUILT_IN or ROLES.of(ctx.tx).contains(name)


def is_permitted(ctx: Context, roles: Collection[str], action: str) -> bool:
    """Return whether one of some roles permits an action.

    An administrator may do everything, also actions that only scripts know.
    """
    return ADMINISTRATOR in roles or any(
        action in BUILT_IN[role]
        if role in BUILT_IN
        else actions_table(role).of(ctx.tx).contains(action)
        for role in roles
    )


def actions_of(ctx: Context, role: str) -> Collection[str]:
    """Return the actions that a role permits; none if there is no such role."""
    if role in BUILT_IN:
        return BUILT_IN[role]
    return [*actions_table(role).of(ctx.tx).keys()]
