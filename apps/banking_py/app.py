"""Accounts and transfers between the banks of a consortium.

The same as ``apps/banking``, which is in TypeScript: the same paths, answers and tables
under the same constitution, and the same tests. Who may do a thing, then the thing.
"""

import re
from dataclasses import asdict, dataclass
from typing import Literal

from apps.banking_py.callers import (
    bank_of,
    caller_of,
    is_principal,
    kept,
    owned,
    readable,
)
from apps.banking_py.money import Order, Result, deposit, transfer, withdraw
from apps.banking_py.tables import (
    ACCOUNTS,
    BANKS,
    FROZEN_ACCOUNTS,
    LIABILITIES,
    MOVEMENTS,
    TRANSFERS,
    Account,
    Amount,
    Balance,
    Event,
    Movement,
    Transfer,
)
from ccfpy.app import (
    ApiError,
    App,
    Context,
    ErrorCode,
    HistoricalState,
    JsonObject,
    Mode,
)

app = App(
    "banking",
    description="Accounts and transfers between the banks of a consortium.",
    auth=["user_cert", "jwt"],
)

BY_CERTIFICATE = ["user_cert"]
"""Who acts for a bank does so by certificate alone."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_REFERENCE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who calls."""

    principal: str
    role: Literal["customer", "bank", "regulator"]
    bank: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BankListed:
    """A bank, and what it owes its customers."""

    bank: str
    name: str
    liabilities: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class BankList:
    """The banks of the consortium."""

    banks: list[BankListed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whose an account is to be."""

    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNow:
    """An account as it is now."""

    account_id: str
    bank: str
    owner: str
    balance: Balance
    frozen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cash:
    """What is paid in or out."""

    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What the account holds once cash is paid."""

    balance: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What is sent, and to which account."""

    to: str
    amount: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementDone(Movement):
    """A movement, and the transaction that it was."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A transfer's record, and the receipt of its transaction.

    Attributes:
        record: the text whose digest the transaction claims.
        receipt: without that digest: who verifies works it out from the text.
    """

    record: str
    receipt: JsonObject


def checked(account_id: str, reference: str | None = None) -> None:
    """Check what a path names.

    Raises:
        ApiError: 400, it cannot be the name of anything.
    """
    _check(_NAME, account_id, "account")
    if reference is not None:
        _check(_REFERENCE, reference, "UUID in small letters")


def _check(form: re.Pattern[str], text: str, what: str) -> None:
    if form.fullmatch(text) is None:
        raise ApiError(400, ErrorCode.InvalidResourceName, f"'{text}' is no {what}.")


@app.get("/me")
def me(ctx: Context) -> Identity:
    """Say who the caller is: a bank needs it to open an account for them."""
    caller = caller_of(ctx)
    if caller.bank is not None:
        return Identity(principal=caller.principal, role="bank", bank=caller.bank)
    role: Literal["customer", "regulator"] = (
        "regulator" if caller.is_regulator else "customer"
    )
    return Identity(principal=caller.principal, role=role)


@app.get("/banks", auth=[])
def list_banks(ctx: Context) -> BankList:
    """List the banks, and what each owes its customers."""
    owed = LIABILITIES.of(ctx.tx)
    listed = [
        BankListed(bank=bank, name=about.name, liabilities=owed.get(bank) or 0)
        for bank, about in BANKS.of(ctx.tx).items()
    ]
    return BankList(banks=sorted(listed, key=lambda each: each.bank))


@app.put("/accounts/{account_id}", auth=BY_CERTIFICATE)
def open_account(ctx: Context, account_id: str, body: Opening) -> None:
    """Open an account for somebody; opened twice, it is the same account."""
    checked(account_id)
    bank, owner = bank_of(ctx), body.owner
    accounts = ACCOUNTS.of(ctx.tx)
    there = accounts.get(account_id)
    if there is not None:
        if (there.bank, there.owner) == (bank, owner):
            return
        raise ApiError(409, "AccountExists", f"The name {account_id} is taken.")
    if not is_principal(ctx, owner):
        raise ApiError(
            400, ErrorCode.InvalidInput, "'owner' is no user and no token's subject."
        )
    opened = Event(kind="opened", amount=0)
    accounts.put(account_id, Account(bank=bank, owner=owner, balance=0, last=opened))


@app.get("/accounts/{account_id}")
def read_account(ctx: Context, account_id: str) -> AccountNow:
    """Read an account as it is now."""
    checked(account_id)
    account = readable(ctx, account_id)
    return AccountNow(
        account_id=account_id,
        bank=account.bank,
        owner=account.owner,
        balance=account.balance,
        frozen=FROZEN_ACCOUNTS.of(ctx.tx).has(account_id),
    )


@app.put("/accounts/{account_id}/deposits/{reference}", auth=BY_CERTIFICATE)
def deposit_cash(ctx: Context, account_id: str, reference: str, body: Cash) -> Paid:
    """Pay cash in, at the bank that keeps the account."""
    checked(account_id, reference)
    return Paid(balance=deposit(ctx, _order(ctx, account_id, reference, body)).balance)


@app.put("/accounts/{account_id}/withdrawals/{reference}", auth=BY_CERTIFICATE)
def withdraw_cash(ctx: Context, account_id: str, reference: str, body: Cash) -> Paid:
    """Pay cash out, at the bank that keeps the account."""
    checked(account_id, reference)
    return Paid(balance=withdraw(ctx, _order(ctx, account_id, reference, body)).balance)


def _order(ctx: Context, account_id: str, reference: str, cash: Cash) -> Order:
    return Order(
        account_id=account_id,
        account=kept(ctx, account_id),
        reference=reference,
        amount=cash.amount,
    )


@app.put("/accounts/{account_id}/transfers/{reference}")
def send_money(ctx: Context, account_id: str, reference: str, body: Sending) -> Result:
    """Send money from one's own account to any other."""
    checked(account_id, reference)
    if body.to == account_id:
        raise ApiError(400, ErrorCode.InvalidInput, "'to' is the account itself.")
    order = Order(
        account_id=account_id,
        account=owned(ctx, account_id),
        reference=reference,
        amount=body.amount,
    )
    return transfer(ctx, order, body.to)


@app.get("/accounts/{account_id}/movements/{reference}")
def read_movement(ctx: Context, account_id: str, reference: str) -> MovementDone:
    """Read what came of a movement, and which transaction it was."""
    checked(account_id, reference)
    readable(ctx, account_id)
    movements = MOVEMENTS.of(ctx.tx)
    key = f"{account_id}/{reference}"
    movement = movements.get(key)
    seqno = movements.version_of_previous_write(key)
    if movement is None or seqno is None:
        raise ApiError(404, "MovementNotFound", f"There is no movement {reference}.")
    transaction_id = f"{ctx.node.view_of(seqno)}.{seqno}"
    return MovementDone(**asdict(movement), transaction_id=transaction_id)


@app.get("/transfers/{transfer_id}", auth=[])
def read_transfer(ctx: Context, transfer_id: str) -> Transfer:
    """Read the public record of a transfer."""
    _check(_DIGEST, transfer_id, "transfer")
    record = TRANSFERS.of(ctx.tx).get(transfer_id)
    if record is None:
        raise ApiError(404, "TransferNotFound", f"There is no transfer {transfer_id}.")
    return record


@app.get("/transfers/{transfer_id}/receipt", auth=[], mode=Mode.HISTORICAL)
def prove_transfer(_: Context, state: HistoricalState, transfer_id: str) -> Proof:
    """Prove a transfer to anybody, with no service needed to believe it."""
    _check(_DIGEST, transfer_id, "transfer")
    record = TRANSFERS.of(state.tx).get(transfer_id)
    if record is None:
        raise ApiError(
            404,
            "TransferNotFound",
            f"The transaction did not record the transfer {transfer_id}.",
        )
    return Proof(
        record=TRANSFERS.value_codec.encode(record).decode(),
        receipt=state.receipt.json_receipt.withhold_claims().to_json(),
    )
