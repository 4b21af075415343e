"""Who calls, and what the caller may do.

Users are this application's own and not the service's: a certificate is known by its
fingerprint, the bearer of a token by its object id. Administrators assign roles. The
first administrator has the role from the members, who write it in a user's data.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from apps.confidential_ledger.app import check_version
from apps.confidential_ledger.roles import Action, canonical, is_permitted
from apps.confidential_ledger.tables import USERS
from apps.confidential_ledger.user_ids import digest_of, fingerprint, parse_user_id
from ccfpy.app import (
    AnyCertCaller,
    ApiError,
    Context,
    ErrorCode,
    JwtCaller,
    Provided,
    UserCertCaller,
    UserCoseSign1Caller,
    UserId,
    user_data,
)

AUDIENCES = frozenset(
    {"https://confidential-ledger.azure.com", "https://confidential-ledger.azure.com/"}
)
"""The receivers that a token may be made for."""
ROLES_OF_MEMBERS = "assignedRoles"
"""The field of a user's data in which members assign roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCaller:
    """A caller and the roles that the caller has."""

    user_id: str
    roles: tuple[str, ...]


def roles_of(ctx: Context, user_id: str) -> tuple[str, ...]:
    """Return the roles of a user: those of the table, or else those of the members."""
    assigned = USERS.of(ctx.tx).get(user_id)
    if assigned is not None:
        return tuple(assigned)
    digest = digest_of(user_id)
    data = None if digest is None else user_data(ctx.tx, UserId(digest))
    roles = data.get(ROLES_OF_MEMBERS) if isinstance(data, dict) else None
    if not isinstance(roles, list):
        return ()
    return tuple(canonical(role) for role in roles if isinstance(role, str))


def user_id_of(ctx: Context) -> str:
    """Return the id of the caller.

    Scripts may be called in more ways than the application's own paths.

    Raises:
        ApiError: 403, the token is for another service, or nobody is named.
    """
    caller = ctx.caller
    if isinstance(caller, JwtCaller):
        audience = caller.payload.get("aud")
        if not isinstance(audience, str) or audience not in AUDIENCES:
            raise _forbidden("The token is for another service.")
        object_id = caller.payload.get("oid")
        if not isinstance(object_id, str):
            raise _forbidden("The token has no object id.")
        return parse_user_id(object_id)
    if isinstance(caller, AnyCertCaller):
        return fingerprint(caller.certificate.digest_hex)
    if isinstance(caller, UserCertCaller | UserCoseSign1Caller):
        return fingerprint(caller.user_id)
    raise _forbidden("The caller names no user.")


def require(ctx: Context, action: Action) -> LedgerCaller:
    """Return the caller, who may do what is asked.

    Raises:
        ApiError: 400, the version is not served; 403, the caller may not.
    """
    check_version(ctx)
    user_id = user_id_of(ctx)
    roles = roles_of(ctx, user_id)
    if not is_permitted(ctx, roles, action):
        raise _forbidden(f"The caller has no role that permits {action}.")
    return LedgerCaller(user_id=user_id, roles=roles)


def _forbidden(message: str) -> ApiError:
    return ApiError(403, ErrorCode.AuthorizationFailed, message)


def reader(ctx: Context) -> LedgerCaller:
    """Return the caller, who may read."""
    return require(ctx, Action.READ)


def contributor(ctx: Context) -> LedgerCaller:
    """Return the caller, who may append."""
    return require(ctx, Action.WRITE)


def administrator(ctx: Context) -> LedgerCaller:
    """Return the caller, who may administer."""
    return require(ctx, Action.ADMINISTER)


Reader: TypeAlias = Annotated[LedgerCaller, Provided(reader)]
Contributor: TypeAlias = Annotated[LedgerCaller, Provided(contributor)]
Administrator: TypeAlias = Annotated[LedgerCaller, Provided(administrator)]
