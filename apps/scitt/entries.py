"""Statements: registered, proved and listed."""

from dataclasses import dataclass, field
from typing import Final

from apps.scitt.callers import CALLERS, check_claims
from apps.scitt.dialect import (
    CBOR,
    RECEIPT,
    STATEMENT,
    is_scrapi,
    location,
    media_type,
)
from apps.scitt.limits import REGISTRATION_MS_MAX, SEQNOS_PER_PAGE
from apps.scitt.problems import CONTENT_TYPE, Problem, internal
from apps.scitt.receipts import (
    NotYet,
    parse_tx_id,
    receipt_of,
    registration,
    transparent_statement,
)
from apps.scitt.registration import check_statement
from apps.scitt.service import ENTRY, app, entries_by_seqno
from ccfpy.app import (
    JSON_NAME,
    ApiError,
    Context,
    ErrorCode,
    Forwarding,
    Response,
    Seqno,
    TxId,
    TxStatus,
    bytes_reply,
    empty_reply,
    encode_cbor,
    sha256,
)

TX_ID_HEADER: Final = "x-ms-ccf-transaction-id"
WAIT: Final = "waitForCommit"
_SEQNO_DIGITS_MAX: Final = 20
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Transactions that registered statements, and where more are found."""

    transaction_ids: list[str] = field(metadata={JSON_NAME: "transactionIds"})
    next_link: str | None = field(default=None, metadata={JSON_NAME: "nextLink"})


# Register


def _registered(ctx: Context, response: Response, tx_id: TxId) -> None:
    """Name the transaction, where its receipt will be."""
    text = str(tx_id)
    response.headers[TX_ID_HEADER] = text
    if is_scrapi(ctx):
        response.headers |= location(ctx, f"/entries/{text}")
    else:
        response.headers |= location(ctx, f"/operations/{text}")
        response.body = encode_cbor({"OperationId": text, "Status": "running"})


def _at_commit(ctx: Context, tx_id: TxId, status: TxStatus) -> Response:
    """Answer with the receipt, or say what became of the transaction."""
    state = ctx.historical_state
    if status is TxStatus.INVALID:
        raise Problem(
            503,
            "InternalError",
            f"Transaction {tx_id} was lost with a primary: register once more",
        )
    if state is None:
        raise Problem(
            503, "TransactionPendingOrUnknown", f"Transaction {tx_id} is not final yet"
        )
    response = bytes_reply(
        receipt_of(state), status=201, content_type=media_type(ctx, RECEIPT)
    )
    response.headers |= location(ctx, f"/entries/{tx_id}")
    return response


@app.post(
    "/entries",
    auth=CALLERS,
    on_local_commit=_registered,
    execution_ms_max=REGISTRATION_MS_MAX,
    takes=bytes,
    answers=bytes,
    also={201: RECEIPT, 202: CBOR, 303: None, 400: CONTENT_TYPE},
)
def register(ctx: Context) -> Response:
    """Register a signed statement (COSE_Sign1), if members' policy lets it.

    The answer leads to the receipt; with ``waitForCommit=true`` it is the receipt.
    """
    check_claims(ctx)
    wants_receipt = _flag(ctx, WAIT)
    statement = check_statement(ctx).registered
    ENTRY.of(ctx.tx).put(statement)
    ctx.claims_digest = sha256(statement)
    if wants_receipt:
        ctx.answer_at_commit = _at_commit
    ctx.apply_writes = True
    if is_scrapi(ctx):
        return empty_reply(303)
    return bytes_reply(b"", status=202, content_type=CBOR)


def _flag(ctx: Context, name: str) -> bool:
    text = ctx.query.get(name)
    if text is None:
        return False
    if text not in _BOOLEANS:
        raise ApiError(
            400,
            "QueryParameterError",
            f"Invalid value for query parameter '{name}': {text[:64]}",
        )
    return _BOOLEANS[text]


# Prove


@app.get(
    "/entries/{txid}",
    auth=CALLERS,
    forwarding=Forwarding.NEVER,
    answers=bytes,
    also={302: None, 400: CONTENT_TYPE, 404: CONTENT_TYPE, 503: CONTENT_TYPE},
)
def read_receipt(ctx: Context, txid: str) -> Response:
    """Read the receipt of a registration; as long as there is none, ask again."""
    check_claims(ctx)
    tx_id = parse_tx_id(txid)
    try:
        state = registration(ctx, tx_id)
    except NotYet:
        if is_scrapi(ctx):
            return empty_reply(302, location(ctx, f"/entries/{tx_id}"))
        raise
    return bytes_reply(receipt_of(state), content_type=media_type(ctx, RECEIPT))


@app.get(
    "/entries/{txid}/statement",
    auth=CALLERS,
    forwarding=Forwarding.NEVER,
    answers=bytes,
    also={400: CONTENT_TYPE, 404: CONTENT_TYPE, 503: CONTENT_TYPE},
)
def read_statement(ctx: Context, txid: str) -> Response:
    """Read a registered statement together with its receipt."""
    check_claims(ctx)
    state = registration(ctx, parse_tx_id(txid))
    return bytes_reply(
        transparent_statement(state), content_type=media_type(ctx, STATEMENT)
    )


# List


@app.get("/entries/txIds", auth=CALLERS, forwarding=Forwarding.NEVER, answers=Page)
def list_registrations(ctx: Context) -> Page:
    """List the transactions from one seqno to another that registered statements."""
    check_claims(ctx)
    committed = ctx.node.committed_tx_id()
    first = _seqno(ctx, "from", 1)
    last = _seqno(ctx, "to", 0 if committed is None else committed.seqno)
    if last < first:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            f"Invalid range: Starts at {first} but ends at {last}",
        )
    if committed is None or last > committed.seqno:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            f"Only committed transactions can be queried, not that at {last}",
        )
    end = min(last, first + SEQNOS_PER_PAGE)
    seqnos = entries_by_seqno.of(ctx.node).write_txs_in_range(None, first, end)
    if seqnos is None:
        raise ApiError(
            503,
            "IndexingInProgressRetryLater",
            "The index has not come so far yet, retry later",
        )
    following = f"/entries/txIds?from={end + 1}&to={last}" if end < last else None
    return Page(
        transaction_ids=[_name(ctx, seqno) for seqno in seqnos], next_link=following
    )


def _seqno(ctx: Context, name: str, default: Seqno) -> Seqno:
    text = ctx.query.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdecimal() and len(text) <= _SEQNO_DIGITS_MAX:
        return int(text)
    raise ApiError(
        400,
        "QueryParameterError",
        f"Invalid value for query parameter '{name}': {text[:64]}",
    )


def _name(ctx: Context, seqno: Seqno) -> str:
    view = ctx.node.view_of(seqno)
    if view is None:
        raise internal(f"the view of {seqno} is unknown")
    return str(TxId(view, seqno))
