"""Endpoints that answer from the past, in CCF's words.

``historical`` makes an endpoint of a handler that needs the state at one transaction;
texts and statuses are those of ``src/node/historical_queries_adapter.cpp``.

An extension: a caller that says ``?wait=`` and a number of milliseconds is answered
when the states are there, or as it would have been at once when that time is over.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.schema import schema_of
from ccfpy.base.vocabulary import ServiceStatus
from ccfpy.consensus.status import TxStatus
from ccfpy.endpoints.declaration import Operation
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.endpoints.openapi import tx_id_parameter
from ccfpy.http.errors import ApiError, ErrorCode
from ccfpy.http.messages import Response
from ccfpy.service.tables import service

if TYPE_CHECKING:
    from ccfpy.endpoints.context import Context
    from ccfpy.endpoints.declaration import Handler
    from ccfpy.endpoints.pending import Answer


WAIT_PARAMETER = "wait"
TX_ID_HEADER = "x-ms-ccf-transaction-id"
_TEXT = "text/plain"
NOT_YET: Mapping[int, str] = {202: _TEXT}
"""How a document describes the answer of ``not_yet``."""


def not_yet(context: "Context", reason: str, until: Callable[[], bool]) -> "Answer":
    """Answer 202, since the state is on its way; or make the caller wait for it.

    Args:
        context: the context of the request, which runs again if its caller waits.
        reason: the text for the caller.
        until: says whether running again is useful, such as ``History.is_settled``.

    Raises:
        ApiError: 400, ``wait`` is not a number in range.
    """
    wait_ms = _wait_ms(context)
    if wait_ms:
        awaited = context.node.history.wait(
            context.request, context.session, until, wait_ms
        )
        if awaited is not None:
            return awaited
    return Response(
        status=202,
        headers={
            "content-type": _TEXT,
            "retry-after": str(limits.RETRY_AFTER_S),
        },
        body=reason.encode(),
    )


def historical(
    handler: "Handler", *, tx_id: "Callable[[Context], TxId] | None" = None
) -> "Handler":
    """Run a handler with the state at the transaction that its caller names.

    The handler finds it as ``context.historical_state``.

    Args:
        handler: run once the state is there.
        tx_id: finds the transaction's id; from the header
            ``x-ms-ccf-transaction-id`` if not said.
    """
    extract = tx_id or tx_id_from_header

    @wraps(handler)
    def answer(context: "Context") -> "Answer":
        wanted = extract(context)
        require_committed(context, wanted)
        _require_own_epoch(context, wanted)
        history = context.node.history
        handle = (historical, wanted.seqno)
        try:
            state = history.state_at(handle, wanted.seqno)
        except HistoryFailed as error:
            raise ApiError(
                500,
                ErrorCode.TransactionPendingOrUnknown,
                f"Historical transaction {wanted} failed with error: {error}",
            ) from error
        if state is None:
            return not_yet(
                context,
                f"Historical transaction {wanted} is not currently available.",
                lambda: history.is_settled(handle),
            )
        context.historical_state = state
        return handler(context)

    return answer


def describe_historical(operation: Operation) -> Operation:
    """Describe what ``historical`` asks and answers beside the handler."""
    header = tx_id_parameter("header", TX_ID_HEADER)
    return replace(
        operation,
        parameters=(*operation.parameters, header),
        also={**NOT_YET, **operation.also},
        components={**schema_of(TxId).components, **operation.components},
    )


def tx_id_from_header(context: "Context") -> TxId:
    """Read which transaction is meant from the header.

    Raises:
        ApiError: 400, it is missing or is no transaction id.
    """
    text = context.request.headers.get(TX_ID_HEADER)
    if text is None:
        raise ApiError(
            400,
            ErrorCode.MissingRequiredHeader,
            f"Historical query is missing '{TX_ID_HEADER}' header.",
        )
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            f"The value '{text}' in header '{TX_ID_HEADER}' could not be converted to "
            "a valid Tx ID.",
        ) from error


def require_committed(context: "Context", tx_id: TxId) -> None:
    """Refuse a transaction that is not committed.

    Raises:
        ApiError: 404 ``TransactionPendingOrUnknown`` or ``TransactionInvalid``.
    """
    status = context.node.tx_status(tx_id)
    if status is TxStatus.COMMITTED:
        return
    reason = (
        f"Only committed transactions can be queried. Transaction {tx_id} is {status}"
    )
    if status is TxStatus.INVALID:
        raise ApiError(404, ErrorCode.TransactionInvalid, reason)
    raise ApiError(
        404,
        ErrorCode.TransactionPendingOrUnknown,
        reason,
        headers={"cache-control": "no-cache"},
    )


def _require_own_epoch(context: "Context", tx_id: TxId) -> None:
    """Refuse what an earlier service wrote while this one still recovers it.

    The ledger secrets of that time are not known yet.
    """
    info = service.INFO.of(context.tx).get()
    if info is None or info.status is ServiceStatus.OPEN:
        return
    created = info.current_service_create_txid
    if created is not None and tx_id.view < created.view:
        raise ApiError(
            404,
            ErrorCode.TransactionInvalid,
            f"Historical transaction {tx_id} is not signed by the current service "
            "identity key and cannot be retrieved until recovery is complete.",
        )


def _wait_ms(context: "Context") -> int:
    text = context.query.get(WAIT_PARAMETER) if context.request.query else None
    if text is None:
        return 0
    wait_ms = context.query.integer_or_none(
        WAIT_PARAMETER, maximum=limits.HISTORY_WAIT_MS_MAX
    )
    if wait_ms is None:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"Query parameter '{WAIT_PARAMETER}' must be a number of milliseconds up "
            f"to {limits.HISTORY_WAIT_MS_MAX}.",
        )
    return wait_ms
