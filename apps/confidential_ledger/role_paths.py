"""Roles that administrators define: each is a set of actions."""

import re
from dataclasses import dataclass, field

from apps.confidential_ledger.app import app
from apps.confidential_ledger.callers import Administrator, Reader
from apps.confidential_ledger.limits import (
    ACTION_CHARS_MAX,
    ACTIONS_MAX,
    ROLE_CHARS_MAX,
    ROLES_DEFINED_MAX,
)
from apps.confidential_ledger.roles import BUILT_IN, actions_of, canonical, is_role
from apps.confidential_ledger.tables import ROLES, actions_table
from ccfpy.app import (
    JSON_NAME,
    ApiError,
    Context,
    ErrorCode,
    Json,
    JsonObject,
    Response,
    empty_reply,
)

ROLE_EXISTS = "RoleExists"
"""The code by which clients know that a role is there already."""
_NAME = re.compile(rf"[\w.-]{{1,{ROLE_CHARS_MAX}}}")
_ACTION = re.compile(rf"[!-~]{{1,{ACTION_CHARS_MAX}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedRole:
    """A role and the actions that it permits.

    Azure's documentation writes each name in two ways, and so do clients.
    """

    role_name: str | None = field(default=None, metadata={JSON_NAME: "roleName"})
    role_actions: list[str] | None = field(
        default=None, metadata={JSON_NAME: "roleActions"}
    )
    snake_name: str | None = field(default=None, metadata={JSON_NAME: "role_name"})
    snake_actions: list[str] | None = field(
        default=None, metadata={JSON_NAME: "role_actions"}
    )

    @property
    def name(self) -> str:
        """Return the role's name."""
        return self.role_name or self.snake_name or ""

    @property
    def actions(self) -> list[str]:
        """Return the actions, of which there may be none."""
        return self.role_actions or self.snake_actions or []


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinedRoles:
    """Roles to define or change."""

    roles: list[DefinedRole]


@app.get("/roles")
def read_role(
    ctx: Context,
    _: Reader,
    roleName: str | None = None,  # noqa: N803 - the parameter's name is Azure's
) -> JsonObject:
    """Read which actions a role permits, or all roles of administrators permit."""
    if roleName is None:
        names = sorted(ROLES.of(ctx.tx).keys())
    elif is_role(ctx, canonical(roleName)):
        names = [canonical(roleName)]
    else:
        raise _no_role(roleName)
    roles: list[Json] = [
        {"roleName": name, "roleActions": [*sorted(actions_of(ctx, name))]}
        for name in names
    ]
    return {"roles": roles}


@app.put("/roles", also={200: None})
def define_roles(ctx: Context, _: Administrator, body: DefinedRoles) -> Response:
    """Define roles, each for the first time."""
    for role in body.roles:
        if ROLES.of(ctx.tx).contains(role.name):
            raise ApiError(400, ROLE_EXISTS, f"There is a role '{role.name}' already.")
        _put(ctx, role)
    return empty_reply(200)


@app.patch("/roles", also={200: None})
def change_roles(ctx: Context, _: Administrator, body: DefinedRoles) -> Response:
    """Change which actions roles permit."""
    for role in body.roles:
        if not ROLES.of(ctx.tx).contains(role.name):
            raise _no_role(role.name)
        _put(ctx, role)
    return empty_reply(200)


@app.delete("/roles", also={200: None})
def remove_role(
    ctx: Context,
    _: Administrator,
    roleName: str,  # noqa: N803 - the parameter's name is Azure's
) -> Response:
    """Remove a role; users who have the role may do nothing by it."""
    if not ROLES.of(ctx.tx).contains(roleName):
        raise _no_role(roleName)
    ROLES.of(ctx.tx).remove(roleName)
    actions_table(roleName).of(ctx.tx).clear()
    return empty_reply(200)


def _put(ctx: Context, role: DefinedRole) -> None:
    roles = ROLES.of(ctx.tx)
    name, actions = role.name, role.actions
    if not _NAME.fullmatch(name) or canonical(name) in BUILT_IN:
        raise _refused(
            f"A role's name has 1 to {ROLE_CHARS_MAX} letters, digits, dots, dashes or "
            "underscores, and is none of the built-in names."
        )
    if len(actions) > ACTIONS_MAX or not all(map(_ACTION.fullmatch, actions)):
        raise _refused(
            f"A role has {ACTIONS_MAX} actions at most, each of 1 to "
            f"{ACTION_CHARS_MAX} printable characters of ASCII."
        )
    if not roles.contains(name) and roles.size() >= ROLES_DEFINED_MAX:
        raise _refused(f"There are {ROLES_DEFINED_MAX} roles at most.")
    roles.insert(name)
    permitted = actions_table(name).of(ctx.tx)
    permitted.clear()
    for action in actions:
        permitted.insert(action)


def _refused(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidInput, message)


def _no_role(name: str) -> ApiError:
    return ApiError(404, ErrorCode.ResourceNotFound, f"There is no role '{name}'.")
