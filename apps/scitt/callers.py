"""Who may call: anybody, or who brings a token with the claims that members require."""

from typing import Final

from apps.scitt.configuration import configured
from ccfpy.app import (
    ApiError,
    Auth,
    Context,
    CustomAuth,
    ErrorCode,
    JwtCaller,
    Nobody,
    Unauthenticated,
)


def _anybody(ctx: Context) -> Nobody:
    authentication = configured(ctx).authentication
    if authentication is None or not authentication.allow_unauthenticated:
        raise Unauthenticated("Members have not allowed callers without a token")
    return Nobody()


CALLERS: Final[tuple[Auth, ...]] = (CustomAuth("scitt_anybody", _anybody), "jwt")
"""The policies of endpoints that members open."""


def check_claims(ctx: Context) -> None:
    """Refuse a token that does not claim what members require.

    Raises:
        ApiError: 401.
    """
    caller = ctx.caller
    if not isinstance(caller, JwtCaller):
        return
    authentication = configured(ctx).authentication
    rules = None if authentication is None else authentication.jwt
    required = None if rules is None else rules.required_claims
    if required is None:
        raise _refusal("Members have not allowed callers with a token")
    for name, value in required.items():
        if name not in caller.payload or caller.payload[name] != value:
            raise _refusal(f"The token's claim {name} is not as members require")


def _refusal(message: str) -> ApiError:
    return ApiError(401, ErrorCode.InvalidAuthenticationInfo, message)
