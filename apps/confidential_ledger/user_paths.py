"""Users, whom administrators add, change and remove.

Two families of paths show the same users: one with one role for each user, and a later
one with several.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from apps.confidential_ledger.app import app, page
from apps.confidential_ledger.callers import Administrator, roles_of
from apps.confidential_ledger.limits import NAMES_PER_PAGE, ROLES_MAX
from apps.confidential_ledger.roles import canonical, is_role
from apps.confidential_ledger.tables import USERS
from apps.confidential_ledger.user_ids import parse_user_id
from ccfpy.app import JSON_NAME, ApiError, Context, ErrorCode, JsonObject

Describe = Callable[[str, list[str]], JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRole:
    """The role that a user is to have."""

    assigned_role: str = field(metadata={JSON_NAME: "assignedRole"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRoles:
    """The roles that a user is to have."""

    assigned_roles: list[str] = field(metadata={JSON_NAME: "assignedRoles"})


def _with_one(user_id: str, roles: list[str]) -> JsonObject:
    return {"userId": user_id, "assignedRole": roles[0]}


def _with_many(user_id: str, roles: list[str]) -> JsonObject:
    return {"userId": user_id, "assignedRoles": [*roles]}


@app.get("/users/{user_id}")
def read_user(ctx: Context, _: Administrator, user_id: str) -> JsonObject:
    """Read the first role of a user."""
    return _read(ctx, user_id, _with_one)


@app.get("/ledgerUsers/{user_id}")
def read_ledger_user(ctx: Context, _: Administrator, user_id: str) -> JsonObject:
    """Read the roles of a user."""
    return _read(ctx, user_id, _with_many)


@app.patch("/users/{user_id}")
def set_user(ctx: Context, _: Administrator, user_id: str, body: OneRole) -> JsonObject:
    """Add a user, or change the role of a user."""
    return _assign(ctx, user_id, [body.assigned_role], _with_one)


@app.patch("/ledgerUsers/{user_id}")
def set_ledger_user(
    ctx: Context, _: Administrator, user_id: str, body: ManyRoles
) -> JsonObject:
    """Add a user, or change the roles of a user."""
    return _assign(ctx, user_id, body.assigned_roles, _with_many)


@app.delete("/users/{user_id}")
def remove_user(ctx: Context, _: Administrator, user_id: str) -> None:
    """Remove a user."""
    USERS.of(ctx.tx).remove(parse_user_id(user_id))


@app.delete("/ledgerUsers/{user_id}")
def remove_ledger_user(ctx: Context, _: Administrator, user_id: str) -> None:
    """Remove a user."""
    USERS.of(ctx.tx).remove(parse_user_id(user_id))


@app.get("/users")
def list_users(ctx: Context, _: Administrator, after: str | None = None) -> JsonObject:
    """List the users, each with the first role."""
    return _list(ctx, "/app/users", after, _with_one)


@app.get("/ledgerUsers")
def list_ledger_users(
    ctx: Context, _: Administrator, after: str | None = None
) -> JsonObject:
    """List the users with their roles."""
    return _list(ctx, "/app/ledgerUsers", after, _with_many)


def _read(ctx: Context, user_id: str, describe: Describe) -> JsonObject:
    known = parse_user_id(user_id)
    roles = roles_of(ctx, known)
    if not roles:
        raise ApiError(404, ErrorCode.ResourceNotFound, f"There is no user {known}.")
    return describe(known, [*roles])


def _assign(
    ctx: Context, user_id: str, roles: list[str], describe: Describe
) -> JsonObject:
    known = parse_user_id(user_id)
    if not 0 < len(roles) <= ROLES_MAX:
        raise ApiError(
            400, ErrorCode.InvalidInput, f"A user has 1 to {ROLES_MAX} roles."
        )
    assigned = [canonical(role) for role in roles]
    for role in assigned:
        if not is_role(ctx, role):
            raise ApiError(400, ErrorCode.InvalidInput, f"There is no role '{role}'.")
    USERS.of(ctx.tx).put(known, assigned)
    return describe(known, assigned)


def _list(ctx: Context, path: str, after: str | None, describe: Describe) -> JsonObject:
    """List users in the order of their ids, those that members appointed excepted."""
    start = "" if after is None else parse_user_id(after)
    known = USERS.of(ctx.tx).keys()
    users = sorted(user_id for user_id in known if user_id > start)
    shown = users[:NAMES_PER_PAGE]
    described = [describe(user_id, [*roles_of(ctx, user_id)]) for user_id in shown]
    is_whole = len(shown) == len(users)
    link = None if is_whole else f"{path}?after={shown[-1]}"
    return page("ledgerUsers", described, link)
