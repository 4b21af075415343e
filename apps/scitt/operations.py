"""The older dialect's way to learn what became of a registration."""

from apps.scitt.callers import CALLERS, check_claims
from apps.scitt.dialect import CBOR, location
from apps.scitt.problems import CONTENT_TYPE, Problem, details
from apps.scitt.receipts import parse_tx_id
from apps.scitt.service import app, entries_by_seqno
from ccfpy.app import (
    Context,
    Forwarding,
    Response,
    TxId,
    TxStatus,
    bytes_reply,
    encode_cbor,
)


@app.get(
    "/operations/{txid}",
    auth=CALLERS,
    forwarding=Forwarding.NEVER,
    answers=bytes,
    deprecated=True,
    also={202: CBOR, 400: CONTENT_TYPE, 404: CONTENT_TYPE},
)
def read_operation(ctx: Context, txid: str) -> Response:
    """Return whether a registration is running, has succeeded or has failed."""
    check_claims(ctx)
    tx_id = parse_tx_id(txid)
    name = str(tx_id)
    operation: dict[str, object] = {"OperationId": name}
    status = ctx.node.tx_status(tx_id)
    if status is TxStatus.INVALID:
        lost = details("TransactionInvalid", f"Transaction {name} was lost")
        return _reply(operation | {"Status": "failed", "Error": lost})
    is_entry = _is_entry(ctx, tx_id) if status is TxStatus.COMMITTED else None
    if is_entry is None:
        response = _reply(operation | {"Status": "running"}, status=202)
        response.headers |= location(ctx, f"/operations/{name}")
        return response
    if not is_entry:
        raise Problem(404, "NotFound", f"Transaction {name} registered no statement")
    return _reply(operation | {"EntryId": name, "Status": "succeeded"})


def _is_entry(ctx: Context, tx_id: TxId) -> bool | None:
    """Return whether a transaction registered a statement, if that is known yet."""
    seqno = tx_id.seqno
    found = entries_by_seqno.of(ctx.node).write_txs_in_range(None, seqno, seqno)
    return None if found is None else bool(found)


def _reply(operation: dict[str, object], *, status: int = 200) -> Response:
    return bytes_reply(encode_cbor(operation), status=status, content_type=CBOR)
