"""Who calls, and what that lets them do.

A customer is known by the certificate of a user, or by a token whose issuer members
trust. Offices are the consortium's to give: they stand in a user's data, which only
governance writes. Nothing here is believed because the caller says so.
"""

from dataclasses import dataclass

from apps.banking_py.tables import ACCOUNTS, BANKS, Account
from ccfpy.app import (
    ApiError,
    Context,
    ErrorCode,
    JwtCaller,
    UserCertCaller,
    UserId,
    user_certificate,
    user_data,
)

OWNER_CHARS_MAX = 256
TOKEN_PREFIX = "jwt:"  # noqa: S105 - begins a name, opens nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls.

    Attributes:
        principal: stands for the caller as an account's owner.
        bank: that it acts for.
        is_regulator: whether it may look at every account.
    """

    principal: str
    bank: str | None = None
    is_regulator: bool = False


def caller_of(ctx: Context) -> Caller:
    """Find out who calls.

    Raises:
        ApiError: 403, a token names nobody.
    """
    if isinstance(ctx.caller, JwtCaller):
        subject = ctx.caller.payload.get("sub")
        if not isinstance(subject, str) or not subject:
            raise ApiError(
                403, ErrorCode.AuthorizationFailed, "The token names no subject."
            )
        return Caller(principal=f"{TOKEN_PREFIX}{ctx.caller.key_issuer}:{subject}")
    assert isinstance(ctx.caller, UserCertCaller), "the policies let in no other"
    user = ctx.caller.user_id
    data = user_data(ctx.tx, user)
    office = data if isinstance(data, dict) else {}
    name = office.get("bank")
    if office.get("role") == "bank" and isinstance(name, str):
        bank = BANKS.of(ctx.tx).get(name)
        if bank is not None and bank.user_id == user:
            return Caller(principal=user, bank=name)
    return Caller(principal=user, is_regulator=office.get("role") == "regulator")


def bank_of(ctx: Context) -> str:
    """Return the bank that the caller acts for.

    Raises:
        ApiError: 403, it acts for none.
    """
    bank = caller_of(ctx).bank
    if bank is None:
        raise ApiError(403, ErrorCode.AuthorizationFailed, "Only a bank may do this.")
    return bank


def is_principal(ctx: Context, owner: str) -> bool:
    """Return whether a text may name an owner: a user, or a token's subject."""
    if len(owner) > OWNER_CHARS_MAX:
        return False
    is_user = user_certificate(ctx.tx, UserId(owner)) is not None
    return owner.startswith(TOKEN_PREFIX) or is_user


# Who may not see an account is told that there is none: that somebody banks here is
# nobody else's business.


def no_account(account_id: str) -> ApiError:
    """Say that there is no such account."""
    return ApiError(404, "AccountNotFound", f"There is no account {account_id}.")


def readable(ctx: Context, account_id: str) -> Account:
    """Return an account if the caller may read it.

    Raises:
        ApiError: 404, it may not, or there is none.
    """
    caller = caller_of(ctx)
    account = ACCOUNTS.of(ctx.tx).get(account_id)
    if account is None or not (
        caller.is_regulator
        or account.owner == caller.principal
        or account.bank == caller.bank
    ):
        raise no_account(account_id)
    return account


def owned(ctx: Context, account_id: str) -> Account:
    """Return an account if it is the caller's own.

    Raises:
        ApiError: 404, it is not, or there is none.
    """
    account = ACCOUNTS.of(ctx.tx).get(account_id)
    if account is None or account.owner != caller_of(ctx).principal:
        raise no_account(account_id)
    return account


def kept(ctx: Context, account_id: str) -> Account:
    """Return an account if the caller is the bank that keeps it.

    Raises:
        ApiError: 403, the caller is no bank; 404, the account is not there.
    """
    bank = bank_of(ctx)
    account = ACCOUNTS.of(ctx.tx).get(account_id)
    if account is None or account.bank != bank:
        raise no_account(account_id)
    return account
