"""No money is made or lost: both banks and a sum on paper carry out any orders
alike."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.testing.apps import Answer
from tests.apps.banks import Consortium, fresh_reference, sources

OWNERS = {"a": ("ann", "aurora"), "b": ("bob", "borealis"), "c": ("eve", "aurora")}
_rounds = count()


@dataclass(frozen=True)
class Order:
    """An order: cash in or out of one account, or a transfer to another.

    Attributes:
        repeats: the number of times to send the order, with the same reference.
    """

    account: str
    amount: int
    to: str | None = None
    repeats: int = 1
    reference: str = field(default_factory=fresh_reference)


@dataclass
class Paper:
    """The expected result of orders."""

    balances: Counter[str] = field(default_factory=Counter)
    paid_in: int = 0

    def expect(self, order: Order) -> str:
        """Carry out an order if it is possible; return the code of its refusal."""
        if order.to == order.account:
            return "InvalidInput"
        leaves = abs(order.amount) if order.to or order.amount < 0 else 0
        if self.balances[order.account] < leaves:
            return "InsufficientFunds"
        if order.to is None:
            self.balances[order.account] += order.amount
            self.paid_in += order.amount
        else:
            self.balances[order.account] -= leaves
            self.balances[order.to] += leaves
        return ""


amounts = st.integers(1, 100)
names = st.sampled_from(sorted(OWNERS))
repeats = st.sampled_from([1, 1, 2])
orders = st.one_of(
    st.builds(Order, names, amounts, st.none(), repeats),
    st.builds(Order, names, amounts.map(lambda amount: -amount), st.none(), repeats),
    st.builds(Order, names, amounts, names, repeats),
)


@cache
def consortium(app: str) -> Consortium:
    """Start one service for all rounds; each round has its own accounts."""
    return Consortium.open(sources()[app])


def give(bank: Consortium, order: Order, suffix: str) -> Answer:
    owner, at = OWNERS[order.account]
    account = f"{order.account}-{suffix}"
    if order.to is None:
        return bank.cash(account, order.amount, bank=at, reference=order.reference)
    to = f"{order.to}-{suffix}"
    return bank.send(bank.caller(owner), account, to, order.amount, order.reference)


def owed(bank: Consortium) -> Counter[str]:
    """Return what each bank owes, as anybody may read it."""
    listed = bank.service.anybody.get("/app/banks").object()["banks"]
    assert isinstance(listed, list)
    sums: Counter[str] = Counter()
    for each in listed:
        assert isinstance(each, dict)
        assert isinstance(each["liabilities"], int)
        sums[str(each["bank"])] = each["liabilities"]
    return sums


@pytest.mark.parametrize("app", ["typescript", "python"])
@given(st.lists(orders, max_size=15))
@settings(max_examples=25)
def test_money_is_conserved(app: str, given_orders: list[Order]) -> None:
    bank, suffix, paper = consortium(app), str(next(_rounds)), Paper()
    owed_before = owed(bank)
    for account, (owner, at) in OWNERS.items():
        name = f"{account}-{suffix}"
        bank.open_account(name, bank=at, owner=owner).raise_for_error()
    for order in given_orders:
        expected = paper.expect(order)
        for _ in range(order.repeats):
            answer = give(bank, order, suffix)
            assert answer.error == expected, answer

    owed_more = owed(bank) - owed_before
    for account, (owner, at) in OWNERS.items():
        name = f"{account}-{suffix}"
        balance = paper.balances[account]
        now = bank.caller(owner).get(f"/app/accounts/{name}").object()
        assert now["balance"] == balance >= 0
        told = bank.statement(bank.caller(owner), name)
        assert told[-1]["balance"] == balance
        owed_more[at] -= balance
    assert paper.paid_in == sum(paper.balances.values())
    assert not any(owed_more.values()), "banks owe what their customers have"
