"""The endpoints every frontend has: commit, tx, api and receipt.

Paths, texts and shapes are those of ``src/endpoints/common_endpoint_registry.cpp``.
Two extensions: ``/receipt`` takes a ``form``, of those in ``ledger.receipt_forms``; and
where a node lets callers wait, ``/commit`` takes ``after``, and answers once more than
that is committed. CCF's documents, which this one equals, do not have them.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ccfpy.base.annotations import U64, OrAbsent, described
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId, View
from ccfpy.base.json import Json
from ccfpy.base.schema import schema_of
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.app_calls import UNLIMITED
from ccfpy.endpoints.commit_wait import (
    COMMIT_WATCH_MS,
    CommitWatching,
    commit_wait_ms,
)
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import (
    Endpoint,
    Forwarding,
    Handler,
    Mode,
    Operation,
    Redirection,
)
from ccfpy.endpoints.history_endpoints import NOT_YET, historical
from ccfpy.endpoints.openapi import KeptDocument, narrowed, tx_id_parameter
from ccfpy.endpoints.registry import Registry
from ccfpy.endpoints.replies import bytes_reply, for_who_takes_json, json_reply
from ccfpy.http.errors import JSON_CONTENT_TYPE, ApiError, ErrorCode, not_found
from ccfpy.ledger import tx_receipt
from ccfpy.ledger.tx_receipt import ReceiptForm

if TYPE_CHECKING:
    from ccfpy.endpoints.pending import Answer
    from ccfpy.http.messages import Response

_NOTHING: Final = TxId(0, 0)
"""What ``/commit`` names while nothing is committed."""
_TX_ID_PARAMETER = tx_id_parameter("query", "transaction_id")


def add_common_endpoints(
    registry: Registry, *, watches: CommitWatching | None = None
) -> None:
    """Install the endpoints that every frontend answers.

    Args:
        registry: where.
        watches: where callers wait for the next commit; by default they do not wait.
    """
    kept = KeptDocument(registry)

    def api(_: Context) -> "Response":
        return bytes_reply(kept.body(), content_type=JSON_CONTENT_TYPE)

    answer: Handler = commit if watches is None else _watched(watches)
    registry.add(_endpoint("/commit", for_who_takes_json(answer), _COMMIT))
    registry.add(_endpoint("/tx", for_who_takes_json(tx), _TX))
    # Older releases had this for the answer of the very node that is asked.
    local_tx = _endpoint("/local_tx", for_who_takes_json(tx), replace(_TX, hidden=True))
    registry.add(replace(local_tx, forwarding=Forwarding.NEVER))
    registry.add(_endpoint("/api", api, _API, mode=Mode.READ_ONLY))
    proof = for_who_takes_json(historical(receipt, tx_id=_proved_tx_id))
    registry.add(_endpoint("/receipt", proof, _RECEIPT, mode=Mode.READ_ONLY))


def _endpoint(
    path: str, handler: Handler, operation: Operation, *, mode: Mode = Mode.COMMAND
) -> Endpoint:
    return Endpoint(
        method="GET",
        path=path,
        handler=handler,
        mode=mode,
        forwarding=Forwarding.SOMETIMES,
        redirection=Redirection.NONE,
        operation=operation,
        execution_ms_max=UNLIMITED,
    )


def commit(context: Context) -> "Response":
    """Name the last committed transaction and, if asked, where each view began."""
    committed = context.node.committed_tx_id()
    body: dict[str, Json] = {"transaction_id": str(committed or _NOTHING)}
    if "view_history_since" in context.query:
        since = context.query.integer("view_history_since")
        body["view_history"] = _history_since(context, since)
    whole = context.query.get("view_history")
    if whole == "true":
        body["view_history"] = _history(context, 1)
    elif whole == "false":
        body.pop("view_history", None)
    elif whole is not None:
        raise _invalid_query(
            "Invalid value for view_history, must be one of [true, false] when present"
        )
    return json_reply(body)


def _watched(watches: CommitWatching) -> Handler:
    """Return the handler of ``/commit`` that waits where it is asked to."""

    def watched(context: Context) -> "Answer":
        now = commit(context)  # refuses a wrong query before anybody waits
        known = _known_tx_id(context)
        if known is None:
            return now
        within_ms = commit_wait_ms(context.request) or COMMIT_WATCH_MS
        return watches.watch(known, lambda: commit(context), within_ms)

    return watched


def _known_tx_id(context: Context) -> TxId | None:
    """Read the transaction, or the seqno alone, after which news is asked for."""
    text = context.query.get("after")
    if text is None:
        return None
    if "." not in text:
        return TxId(0, context.query.integer("after"))
    if text == str(_NOTHING):
        return _NOTHING
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise _invalid_query(
            f"Invalid value '{text}' for after, must be a transaction ID or a seqno"
        ) from error


def _history_since(context: Context, since: View) -> Json:
    out_of_range = (
        "Invalid value for view_history_since, must be in range [1, current_term]"
    )
    if since < 1:
        raise _invalid_query(out_of_range)
    history = _history(context, since)
    if history is None:
        raise ApiError(404, ErrorCode.InvalidQueryParameterValue, out_of_range)
    return history


def _history(context: Context, since: int) -> Json:
    history = context.node.view_history(since)
    return None if history is None else [str(tx_id) for tx_id in history]


def tx(context: Context) -> "Response":
    """Return the status of a transaction."""
    text = context.query.text("transaction_id")
    try:
        tx_id = TxId.parse(text)
    except Malformed as error:
        raise _invalid_query(
            f"The value '{text}' passed as query parameter 'transaction_id' could not "
            "be converted to a valid Transaction ID."
        ) from error
    status = context.node.tx_status(tx_id)
    return json_reply({"transaction_id": str(tx_id), "status": status})


def receipt(context: Context) -> "Response":
    """Prove that a transaction is in the ledger, in the form that is asked for.

    Raises:
        ApiError: 404, there is nothing of that form.
    """
    state, form = context.historical_state, _receipt_form(context)
    assert state is not None, "the endpoint is historical"
    proof = tx_receipt.write(state.receipt, form)
    if proof is None:
        raise not_found(f"Transaction {state.txid} has no receipt of the form {form}.")
    return bytes_reply(proof, content_type=tx_receipt.CONTENT_TYPES[form])


def _proved_tx_id(context: Context) -> TxId:
    """Read of which transaction a receipt is asked for, and in a form that exists."""
    text = context.query.get("transaction_id")
    if text is None:
        raise _invalid_query("Query string must contain a 'transaction_id' parameter")
    try:
        tx_id = TxId.parse(text)
    except Malformed as error:
        raise _invalid_query(
            f"The value '{text}' passed as 'transaction_id' could not be converted to "
            "a valid Tx ID."
        ) from error
    _receipt_form(context)
    return tx_id


def _receipt_form(context: Context) -> ReceiptForm:
    """Read in which form a receipt is asked for, an extension."""
    text = context.query.get("form")
    if text is None:
        return ReceiptForm.V1
    try:
        return ReceiptForm(text)
    except ValueError as error:
        raise _invalid_query(
            f"Invalid value for form, must be one of [{', '.join(ReceiptForm)}]"
        ) from error


def _invalid_query(message: str) -> ApiError:
    return ApiError(400, ErrorCode.InvalidQueryParameterValue, message)


@described("GetCommit__Out")
class CommitAnswer:
    """The last committed transaction, and the first one of each view."""

    transaction_id: TxId
    view_history: OrAbsent[list[TxId]] = None


@described("GetTxStatus__Out")
class TxStatusAnswer:
    """The status of a transaction."""

    transaction_id: TxId
    status: TxStatus


_COMMIT = Operation(
    summary="Current commit level",
    description="The last transaction that the service committed",
    parameters=(
        {
            "in": "query",
            "name": "view_history",
            "required": False,
            "schema": narrowed("boolean", default=False),
        },
        {
            "in": "query",
            "name": "view_history_since",
            "required": False,
            "schema": narrowed("uint64", minimum=1),
        },
    ),
    response_schema=schema_of(CommitAnswer).schema,
    components={
        **schema_of(CommitAnswer).components,
        **schema_of(bool).components,
        **schema_of(U64).components,
    },
)
_TX = Operation(
    summary="Current status of a transaction",
    description="One of Unknown, Pending, Committed or Invalid.",
    parameters=(_TX_ID_PARAMETER,),
    response_schema=schema_of(TxStatusAnswer).schema,
    components=schema_of(TxStatusAnswer).components,
)
_API = Operation(
    summary="OpenAPI schema",
    response_schema=schema_of(Any).schema,
    components=schema_of(Any).components,
)
_RECEIPT = Operation(
    summary="Receipt for a transaction",
    description="The service's signed statement that the transaction is in its ledger",
    parameters=(_TX_ID_PARAMETER,),
    response_schema=schema_of(Any).schema,
    also=NOT_YET,
    components={**schema_of(TxId).components, **schema_of(Any).components},
)
