"""The status of transactions, for members."""

from typing import TYPE_CHECKING

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.replies import json_reply
from ccfpy.gov.definitions import CommitBody, TransactionBody
from ccfpy.gov.operations import Operations
from ccfpy.http.errors import ApiError, ErrorCode

if TYPE_CHECKING:
    from ccfpy.http.messages import Response

OPERATIONS: Operations = Operations()


@OPERATIONS.read(
    "/service/transactions/{transactionId}",
    "Transactions_Get",
    TransactionBody,
    mode=Mode.COMMAND,
)
def read_status(context: Context) -> "Response":
    """Return the status of a transaction."""
    text = context.params["transactionId"]
    try:
        tx_id = TxId.parse(text)
    except Malformed as error:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"The value '{text}' passed as parameter 'transactionId' could not be "
            "converted to a valid Transaction ID.",
        ) from error
    return _reply(tx_id, context.node.tx_status(tx_id))


@OPERATIONS.read(
    "/service/transactions/commit",
    "Transactions_GetCommit",
    CommitBody,
    mode=Mode.COMMAND,
)
def read_commit(context: Context) -> "Response":
    """Return the id of the last committed transaction."""
    tx_id = context.node.committed_tx_id()
    if tx_id is None:
        return _reply(TxId(0, 0), TxStatus.UNKNOWN)
    return _reply(tx_id, context.node.tx_status(tx_id))


def _reply(tx_id: TxId, status: TxStatus) -> "Response":
    return json_reply({"status": status.value, "transactionId": str(tx_id)})
