"""What one transaction wrote, or that it is not there yet."""

from apps.confidential_ledger.asked import INVALID_TRANSACTION_ID
from ccfpy.app import (
    ApiError,
    Context,
    ErrorCode,
    HistoricalState,
    HistoryFailed,
    TxId,
    TxStatus,
)

READY = "Ready"
LOADING = "Loading"
"""The state of an answer for which a client asks again."""


def require_known(ctx: Context, tx_id: TxId) -> TxStatus:
    """Return whether a transaction is committed or pending.

    Raises:
        ApiError: 404, it was lost, or this node does not know it.
    """
    status = ctx.node.tx_status(tx_id)
    if status is TxStatus.INVALID:
        # Clients ask again after another code, and would never find it.
        raise ApiError(
            404, INVALID_TRANSACTION_ID, f"The transaction {tx_id} was not committed."
        )
    if status is TxStatus.UNKNOWN:
        raise ApiError(
            404,
            ErrorCode.TransactionPendingOrUnknown,
            f"The transaction {tx_id} is not known.",
        )
    return status


def state_of(ctx: Context, tx_id: TxId) -> HistoricalState | None:
    """Return what a transaction wrote; nothing while it is not there yet.

    Raises:
        ApiError: 404, there is no such transaction; 500, its entry cannot be read.
    """
    if require_known(ctx, tx_id) is TxStatus.PENDING:
        return None
    try:
        return ctx.node.history.state_at(("transaction", tx_id.seqno), tx_id.seqno)
    except HistoryFailed as error:
        raise ApiError(
            500,
            ErrorCode.InternalError,
            f"The transaction {tx_id} cannot be read: {error}",
        ) from error
