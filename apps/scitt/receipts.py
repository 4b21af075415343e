"""What proves a registration: its receipt, alone or within the statement."""

from typing import Final

from apps.scitt.problems import Problem, internal, invalid
from apps.scitt.service import ENTRY
from ccfpy.app import (
    Context,
    HistoricalState,
    HistoryFailed,
    Malformed,
    TxId,
    TxStatus,
    attach_to_cose,
)

RECEIPTS: Final = 394
"""The unprotected header of a transparent statement that holds its receipts."""


class NotYet(Problem):
    """A registration that cannot be proved yet."""


def parse_tx_id(text: str) -> TxId:
    """Read which transaction a path names.

    Raises:
        Problem: 400, none.
    """
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise invalid(f"Invalid transaction ID: {text[:64]}") from error


def registration(ctx: Context, tx_id: TxId) -> HistoricalState:
    """Return the state of a transaction that registered a statement.

    Raises:
        NotYet: 503, the transaction is not committed, or is being read.
        Problem: it registered nothing (400), was lost (404), or cannot be read.
    """
    status = ctx.node.tx_status(tx_id)
    if status is TxStatus.INVALID:
        raise Problem(404, "TransactionInvalid", f"Transaction {tx_id} was lost")
    if status is not TxStatus.COMMITTED:
        raise NotYet(
            503, "TransactionPendingOrUnknown", f"Transaction {tx_id} is {status}"
        )
    try:
        state = ctx.node.history.state_at((registration, tx_id.seqno), tx_id.seqno)
    except HistoryFailed as error:
        raise internal(f"Transaction {tx_id} cannot be read") from error
    if state is None:
        raise NotYet(503, "TransactionNotCached", f"Transaction {tx_id} is being read")
    if not ENTRY.of(state.tx).has():
        raise invalid(f"Transaction {tx_id} registered no statement")
    return state


def receipt_of(state: HistoricalState) -> bytes:
    """Return the receipt.

    Raises:
        Problem: 500, the ledger holds no signature that proves the transaction.
    """
    receipt = state.receipt.cose_receipt()
    if receipt is None:
        raise internal(f"Transaction {state.txid} has no COSE receipt")
    return receipt


def transparent_statement(state: HistoricalState) -> bytes:
    """Return the statement with its receipt.

    Raises:
        Problem: 500, there is no receipt.
    """
    entry = ENTRY.of(state.tx).get()
    assert entry is not None, "the transaction registered one"
    return attach_to_cose(entry, receipt_of(state), label=RECEIPTS)
