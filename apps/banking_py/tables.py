"""The tables. What names a customer is private; what banks owe each other is public.

They are those of the twin in TypeScript, name by name.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from ccfpy.app import STRING, IntegerRange, Map, Value, json_codec

AMOUNT_MAX = 1_000_000_000_000
"""The most that one movement may move, in the smallest unit."""
LIABILITIES_MAX = 2**53 - 1
"""The most that a bank may owe: beyond it, other readers of JSON would round."""

Amount: TypeAlias = Annotated[int, IntegerRange("amount", 1, AMOUNT_MAX)]
Balance: TypeAlias = Annotated[int, IntegerRange("balance", 0, LIABILITIES_MAX)]
Happened: TypeAlias = Literal["opened", "deposit", "withdrawal", "sent", "received"]
MovementKind: TypeAlias = Literal["deposit", "withdrawal", "transfer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to an account."""

    kind: Happened
    amount: Balance
    reference: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, and what last happened to it: its history is that of this row."""

    bank: str
    owner: str
    balance: Balance
    last: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What was asked for under a reference, and what came of it."""

    kind: MovementKind
    amount: Amount
    balance: Balance
    to: str | None = None
    transfer_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What anybody may know of a transfer."""

    amount: Amount
    from_bank: str
    to_bank: str
    transfer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank, as members admitted it."""

    name: str
    member_id: str
    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Why nothing leaves an account."""

    reason: str


ACCOUNTS = Map("banking.accounts", STRING, json_codec(Account))
MOVEMENTS = Map("banking.movements", STRING, json_codec(Movement))
"""By account and reference, so that a customer's references are its own."""
TRANSFERS = Map("public:banking.transfers", STRING, json_codec(Transfer))
LIABILITIES = Map("public:banking.liabilities", STRING, json_codec(int))
"""What each bank owes its customers, all together."""

# Governance's: the constitution writes them, an application only reads.
BANKS = Map("public:ccf.gov.banking.banks", STRING, json_codec(Bank))
FROZEN_ACCOUNTS = Map(
    "public:ccf.gov.banking.frozen_accounts", STRING, json_codec(Freeze)
)
TRANSFER_LIMIT = Value("public:ccf.gov.banking.transfer_limit", json_codec(int))
