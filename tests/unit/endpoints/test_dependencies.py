"""Arguments that another function of the application provides."""

from dataclasses import dataclass
from typing import Annotated

import pytest

from ccfpy.app import (
    U64,
    ApiError,
    App,
    Context,
    HistoricalState,
    Map,
    Misdeclared,
    Mode,
    Provided,
    Response,
    json_codec,
)
from ccfpy.base import json
from ccfpy.endpoints.binding import bind
from ccfpy.endpoints.frontend import Frontend
from ccfpy.http.messages import Request
from ccfpy.testing.node import StoppedClock
from tests.unit.endpoints.test_openapi import check
from tests.unit.endpoints.world import StoreNode, context_of, session


@dataclass(frozen=True)
class Account:
    owner: str
    balance: int


@dataclass(frozen=True)
class Savings(Account):
    rate: int = 0


ACCOUNTS = Map("accounts", json_codec(str), json_codec(Account))


def account_of(ctx: Context, id: str) -> Account:  # noqa: A002 - a name as applications have it
    kept = ACCOUNTS.of(ctx.tx).get(id)
    if kept is None:
        raise ApiError(404, "AccountNotFound", f"No account {id}.")
    return kept


Kept = Annotated[Account, Provided(account_of)]
app = App("bank")


@app.put("/accounts/{id}")
def opened(ctx: Context, id: str, body: Account) -> None:  # noqa: A002 - as above
    ACCOUNTS.of(ctx.tx).put(id, body)


@app.get("/accounts/{id}")
def read(_: Context, account: Kept) -> Account:
    return account


@app.post("/accounts/{id}/deposit")
def deposit(ctx: Context, account: Kept, id: str, *, amount: U64) -> int:  # noqa: A002 - as above
    changed = Account(account.owner, account.balance + amount)
    ACCOUNTS.of(ctx.tx).put(id, changed)
    return changed.balance


def test_a_provider_works_within_the_requests_transaction() -> None:
    frontend = Frontend(
        app.registry(),
        StoreNode(),
        has_backpressure=True,
        on_unhandled=lambda *_: "0",
        clock=StoppedClock(),
    )
    frontend.is_open = True

    def call(method: str, path: str, body: bytes = b"", query: str = "") -> Response:
        request = Request(method=method, path=f"/app{path}", body=body, query=query)
        response = frontend.answer(request, session(), path)
        assert isinstance(response, Response)
        return response

    assert call("GET", "/accounts/a").status == 404
    assert call("PUT", "/accounts/a", b'{"owner":"ann","balance":3}').status == 204
    assert call("POST", "/accounts/a/deposit", query="amount=4").body == b"7"
    assert json.loads(call("GET", "/accounts/a").body) == {"balance": 7, "owner": "ann"}


def test_what_a_provider_reads_is_described_once() -> None:
    described = app.openapi()
    check(described)
    operation = bind(deposit, "/accounts/{id}/deposit").operation
    assert [each["name"] for each in operation.parameters] == ["id", "amount"]


def test_a_provider_runs_once_however_many_need_it() -> None:
    runs: list[str] = []

    def base(_: Context, size: int = 1) -> int:
        runs.append("base")
        return size

    def twice(_: Context, one: Annotated[int, Provided(base)]) -> int:
        runs.append("twice")
        return 2 * one

    def handler(
        _: Context,
        one: Annotated[int, Provided(base)],
        two: Annotated[int, Provided(twice)],
    ) -> int:
        return one + two

    bound = bind(handler, "/x").handler
    for size, answer in ((3, b"9"), (5, b"15")):
        response = bound(context_of(StoreNode(), query=f"size={size}"))
        assert isinstance(response, Response)
        assert response.body == answer
    assert runs == ["base", "twice"] * 2


def test_a_provider_may_return_nothing_or_an_heir() -> None:
    def nobody(_: Context) -> None:
        return None

    def savings(_: Context) -> Savings:
        return Savings("ann", 1, 2)

    def handler(
        _: Context,
        none: Annotated[None, Provided(nobody)],
        account: Annotated[Account, Provided(savings)],
    ) -> Account | None:
        assert none is None
        return account

    response = bind(handler, "/x").handler(context_of(StoreNode()))
    assert isinstance(response, Response)
    assert json.loads(response.body) == {"balance": 1, "owner": "ann"}


def test_mistakes_of_a_provider_are_refused_where_they_are() -> None:
    async def later(_: Context) -> int:
        raise AssertionError

    def reads_body(_: Context, body: Account) -> str:
        raise AssertionError(body)

    def then(_: Context, state: HistoricalState) -> str:
        raise AssertionError(state)

    def waits(_: Context, size: Annotated[int, Provided(later)]) -> int:
        raise AssertionError(size)

    def two_bodies(
        _: Context, body: Account, also: Annotated[str, Provided(reads_body)]
    ) -> int:
        raise AssertionError(body, also)

    def past(_: Context, state: Annotated[str, Provided(then)]) -> str:
        return state

    with pytest.raises(Misdeclared, match=r'later is declared by "async def"'):
        bind(waits, "/x")
    with pytest.raises(Misdeclared, match=r"two_bodies takes two bodies"):
        bind(two_bodies, "/x")
    with pytest.raises(Misdeclared, match=r"past takes .* outside of historical mode"):
        App("notes").get("/x")(past)
    App("notes").get("/x", mode=Mode.HISTORICAL)(past)
    with pytest.raises(Misdeclared, match=r'read has no parameter "number"'):
        bind(read, "/accounts/{number}")
