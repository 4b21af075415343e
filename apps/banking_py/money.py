"""How money moves. Every movement is one transaction: all of it happens, or nothing.

A caller names each movement by a reference of its own choice. The same request sent
again, because an answer got lost, is answered again and moves nothing; the same
reference for something else is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from apps.banking_py.callers import no_account
from apps.banking_py.tables import (
    ACCOUNTS,
    BANKS,
    FROZEN_ACCOUNTS,
    LIABILITIES,
    LIABILITIES_MAX,
    MOVEMENTS,
    TRANSFER_LIMIT,
    TRANSFERS,
    Account,
    Balance,
    Event,
    Movement,
    MovementKind,
    Transfer,
)
from ccfpy.app import ApiError, Context, sha256, sha256_hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a movement, as its caller is told."""

    balance: Balance
    transfer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with an account.

    Attributes:
        account_id: of the account.
        account: as it is now.
        reference: the caller's name for it.
        amount: to move.
        to: who receives it, if another account does.
    """

    account_id: str
    account: Account
    reference: str
    amount: int
    to: str | None = None


def deposit(ctx: Context, order: Order) -> Result:
    """Pay in."""

    def move() -> Result:
        _owe(ctx, order.account.bank, order.amount)
        event = Event(kind="deposit", amount=order.amount, reference=order.reference)
        balance = _change(ctx, order.account_id, order.account, order.amount, event)
        return Result(balance=balance)

    return _once(ctx, "deposit", order, move)


def withdraw(ctx: Context, order: Order) -> Result:
    """Pay out."""

    def move() -> Result:
        _check_may_leave(ctx, order)
        _owe(ctx, order.account.bank, -order.amount)
        event = Event(kind="withdrawal", amount=order.amount, reference=order.reference)
        balance = _change(ctx, order.account_id, order.account, -order.amount, event)
        return Result(balance=balance)

    return _once(ctx, "withdrawal", order, move)


def transfer(ctx: Context, order: Order, to: str) -> Result:
    """Move money from one account to another."""
    order = replace(order, to=to)
    return _once(ctx, "transfer", order, lambda: _send(ctx, order, to))


def _once(
    ctx: Context, kind: MovementKind, order: Order, move: Callable[[], Result]
) -> Result:
    """Carry out a movement, unless it was carried out before."""
    movements = MOVEMENTS.of(ctx.tx)
    key = f"{order.account_id}/{order.reference}"
    earlier = movements.get(key)
    if earlier is not None:
        if (earlier.kind, earlier.amount, earlier.to) != (kind, order.amount, order.to):
            raise ApiError(
                409,
                "ReferenceReused",
                f"The reference {order.reference} stands for another movement.",
            )
        return Result(balance=earlier.balance, transfer_id=earlier.transfer_id)
    result = move()
    movements.put(
        key,
        Movement(
            kind=kind,
            amount=order.amount,
            balance=result.balance,
            to=order.to,
            transfer_id=result.transfer_id,
        ),
    )
    return result


def _send(ctx: Context, order: Order, to: str) -> Result:
    sender, amount = order.account, order.amount
    receiver = ACCOUNTS.of(ctx.tx).get(to)
    if receiver is None:
        raise no_account(to)
    _check_may_leave(ctx, order)
    _check_is_open(ctx, receiver.bank)
    limit = TRANSFER_LIMIT.of(ctx.tx).get()
    if limit is not None and amount > limit:
        raise ApiError(
            403, "TransferLimitExceeded", f"A transfer may move {limit} at most."
        )
    _owe(ctx, sender.bank, -amount)
    _owe(ctx, receiver.bank, amount)
    event = Event(kind="sent", amount=amount, reference=order.reference, other=to)
    balance = _change(ctx, order.account_id, sender, -amount, event)
    mirrored = replace(event, kind="received", other=order.account_id)
    _change(ctx, to, receiver, amount, mirrored)
    record = Transfer(
        amount=amount,
        from_bank=sender.bank,
        to_bank=receiver.bank,
        transfer_id=_transfer_id(order, to),
    )
    _publish(ctx, record)
    return Result(balance=balance, transfer_id=record.transfer_id)


def _transfer_id(order: Order, to: str) -> str:
    """Name a transfer by what only its parties know of it.

    The name says nothing to others, because the reference is theirs to guess; but who
    is shown the four can work it out, and so find what they are told in the public
    record.
    """
    parts = (order.account_id, to, str(order.amount), order.reference)
    return sha256_hex("\n".join(parts).encode())


def _publish(ctx: Context, record: Transfer) -> None:
    """Put a transfer on record, and have its receipt prove what the record says."""
    TRANSFERS.of(ctx.tx).put(record.transfer_id, record)
    ctx.claims_digest = sha256(TRANSFERS.value_codec.encode(record))


def _change(
    ctx: Context, account_id: str, account: Account, by: int, event: Event
) -> int:
    """Write an account's new balance and why it changed; give the balance."""
    changed = replace(account, balance=account.balance + by, last=event)
    ACCOUNTS.of(ctx.tx).put(account_id, changed)
    return changed.balance


def _owe(ctx: Context, bank: str, more: int) -> None:
    """Change what a bank owes its customers, of which each balance is a part."""
    liabilities = LIABILITIES.of(ctx.tx)
    total = (liabilities.get(bank) or 0) + more
    if total > LIABILITIES_MAX:
        raise ApiError(409, "BalanceOutOfRange", "The bank cannot owe so much.")
    liabilities.put(bank, total)


def _check_may_leave(ctx: Context, order: Order) -> None:
    account = order.account
    _check_is_open(ctx, account.bank)
    freeze = FROZEN_ACCOUNTS.of(ctx.tx).get(order.account_id)
    if freeze is not None:
        raise ApiError(403, "AccountFrozen", f"The account is frozen: {freeze.reason}")
    if account.balance < order.amount:
        raise ApiError(
            409,
            "InsufficientFunds",
            f"The account holds {account.balance}, which is less than {order.amount}.",
        )


def _check_is_open(ctx: Context, bank: str) -> None:
    if not BANKS.of(ctx.tx).has(bank):
        raise ApiError(403, "BankClosed", f"The bank {bank} has left the consortium.")
