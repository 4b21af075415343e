"""An account's history, read from the ledger itself: each transaction that wrote it.

An index learns which transactions those are as they are committed, so a page is found
without a look at any other: what a script, which keeps nothing, has to search for.
"""

from dataclasses import dataclass, field
from typing import Annotated, TypeAlias

from apps.banking_py.app import app, checked
from apps.banking_py.callers import readable
from apps.banking_py.tables import ACCOUNTS, Balance, Happened
from ccfpy.app import (
    JSON_NAME,
    Answer,
    ApiError,
    Blobs,
    Context,
    ErrorCode,
    Forwarding,
    HistoricalState,
    IntegerRange,
    Seqno,
    SeqnosByKey,
    not_yet,
)

ENTRIES_PER_PAGE = 100
SeqnoAsked: TypeAlias = Annotated[int, IntegerRange("seqno", 1, 10**15 - 1)]


@app.index
def writes_of(_: Blobs) -> SeqnosByKey[str]:
    """Learn which transactions wrote an account."""
    return SeqnosByKey(ACCOUNTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a transaction did to an account."""

    transaction_id: str
    kind: Happened
    amount: Balance
    balance: Balance
    reference: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of an account's history, and where the next one is."""

    entries: list[Entry]
    next_link: str | None = field(default=None, metadata={JSON_NAME: "@nextLink"})


@app.get("/accounts/{account_id}/statement", forwarding=Forwarding.NEVER)
def statement(
    ctx: Context,
    account_id: str,
    from_seqno: SeqnoAsked = 1,
    to_seqno: SeqnoAsked | None = None,
) -> Page | Answer:
    """Read an account's history, a page at a time."""
    checked(account_id)
    readable(ctx, account_id)
    last = _end(ctx, account_id, from_seqno, to_seqno)
    if last < from_seqno:
        return Page(entries=[])
    index = writes_of.of(ctx.node)
    seqnos = index.write_txs_in_range(
        account_id, from_seqno, last, seqnos_max=ENTRIES_PER_PAGE
    )
    if seqnos is None:
        return not_yet(
            ctx,
            f"Transactions up to {last} are being indexed.",
            lambda: index.indexed_up_to.seqno >= last,
        )
    if not seqnos:
        return Page(entries=[])
    history = ctx.node.history
    handle = ("statement", account_id, from_seqno, last)
    states = history.states_for(handle, seqnos)
    if states is None:
        return not_yet(
            ctx,
            f"Transactions from {seqnos[0]} to {seqnos[-1]} are being fetched.",
            lambda: history.is_settled(handle),
        )
    entries = [_entry(state, account_id) for state in states]
    if len(seqnos) < ENTRIES_PER_PAGE or seqnos[-1] == last:
        return Page(entries=entries)
    rest = f"from_seqno={seqnos[-1] + 1}&to_seqno={last}"
    return Page(
        entries=entries, next_link=f"/app/accounts/{account_id}/statement?{rest}"
    )


def _end(ctx: Context, account_id: str, first: Seqno, last: Seqno | None) -> Seqno:
    """Find where a statement ends: as asked, or where the account was written last.

    Raises:
        ApiError: 400, that is not committed yet, or before the beginning.
    """
    tx_id = ctx.node.committed_tx_id()
    committed = 0 if tx_id is None else tx_id.seqno
    if last is None:
        written = ACCOUNTS.of(ctx.tx).version_of_previous_write(account_id)
        return committed if written is None else min(written, committed)
    if last > committed:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            f"Only what is committed can be told, up to {committed}.",
        )
    if last < first:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            f"The range begins at {first} but ends at {last}.",
        )
    return last


def _entry(state: HistoricalState, account_id: str) -> Entry:
    account = ACCOUNTS.of(state.tx).get(account_id)
    assert account is not None, "no account is ever removed"
    event = account.last
    return Entry(
        transaction_id=str(state.txid),
        kind=event.kind,
        amount=event.amount,
        balance=account.balance,
        reference=event.reference,
        other=event.other,
    )
