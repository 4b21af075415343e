"""What records were: at one transaction, over a range, and as they were committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from apps.logging.indexes import CommittedRecords, committed_records, seqnos_by_id
from apps.logging.records import PRIVATE, PUBLIC, Message, app, records_of
from ccfpy.app import (
    U64,
    Answer,
    ApiError,
    Context,
    ErrorCode,
    Forwarding,
    HistoricalState,
    Json,
    JsonObject,
    Map,
    Mode,
    RequestHandle,
    Response,
    Seqno,
    TxId,
    TxStatus,
    bytes_reply,
    empty_reply,
    json_reply,
    not_yet,
    text_reply,
)

SEQNOS_PER_PAGE = 10_000
NOT_YET: Mapping[int, str | None] = {202: "text/plain"}
"""What ``not_yet`` answers."""
REFUSED: Mapping[int, str | None] = {412: "text/plain"}
"""What is answered where the index is not as the caller thinks."""
SEQNO_DIGITS_MAX = 20
PATH_OF_RANGE = "/log/public/historical/range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A message, and the receipt of the transaction that wrote it."""

    msg: str
    receipt: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The COSE signature over the root that a transaction is under."""

    cose_signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsements:
    """What leads from today's service to the one that signed, newest first."""

    endorsements: list[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message as one transaction wrote it."""

    id: U64
    msg: str
    seqno: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Messages in the order of their transactions, and where more are found."""

    entries: list[Entry]
    next_link: str | None = field(default=None, metadata={"json_name": "@nextLink"})


# One transaction


@app.get("/log/private/historical", mode=Mode.HISTORICAL)
def read_past(
    _: Context,
    state: HistoricalState,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    scope: str | None = None,
) -> Message | None:
    """Read a message as a transaction wrote it; 204 if it did not."""
    message = records_of(PRIVATE, scope).of(state.tx).get(id)
    return None if message is None else Message(msg=message)


@app.get("/log/private/historical_receipt", mode=Mode.HISTORICAL)
def read_past_with_receipt(
    _: Context,
    state: HistoricalState,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    scope: str | None = None,
) -> Proved | None:
    """Read a message as a transaction wrote it, with the receipt."""
    message = records_of(PRIVATE, scope).of(state.tx).get(id)
    if message is None:
        return None
    return Proved(msg=message, receipt=state.receipt.describe_v1())


@app.get("/log/public/historical_receipt", mode=Mode.HISTORICAL)
def read_public_past_with_receipt(
    _: Context,
    state: HistoricalState,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    scope: str | None = None,
) -> Proved | None:
    """Read a public message as a transaction wrote it, with the receipt.

    The receipt withholds the claims digest: a verifier computes the digest from the
    message, and so proves the message too.
    """
    message = records_of(PUBLIC, scope).of(state.tx).get(id)
    if message is None:
        return None
    receipt = state.receipt.json_receipt.withhold_claims()
    return Proved(msg=message, receipt=receipt.to_json())


def _unavailable(what: str) -> ApiError:
    return ApiError(
        404, ErrorCode.ResourceNotFound, f"No {what} available for this transaction"
    )


@app.get("/log/public/cbor_merkle_proof", mode=Mode.HISTORICAL)
def merkle_proof(_: Context, state: HistoricalState) -> Response:
    """Prove that a transaction is under its signed root, in CBOR."""
    proof = state.receipt.cbor_proof()
    if proof is None:
        raise _unavailable("merkle proof")
    return bytes_reply(proof, content_type="application/cbor")


@app.get("/log/public/cose_signature", mode=Mode.HISTORICAL)
def cose_signature(_: Context, state: HistoricalState) -> Signature:
    """Read the service's signature over the root that a transaction is under."""
    signature = state.receipt.cose_signature()
    if signature is None:
        raise _unavailable("COSE signature")
    return Signature(cose_signature=signature)


@app.get("/log/public/cose_receipt", mode=Mode.HISTORICAL)
def cose_receipt(_: Context, state: HistoricalState) -> Response:
    """Read the receipt of a transaction as COSE."""
    if state.receipt.cose_signature() is None:
        raise _unavailable("COSE signature")
    receipt = state.receipt.cose_receipt()
    if receipt is None:
        raise _unavailable("merkle proof")
    return bytes_reply(receipt, content_type="application/cose")


@app.get("/log/public/cose_endorsements", mode=Mode.HISTORICAL)
def cose_endorsements(_: Context, state: HistoricalState) -> Endorsements:
    """Read the endorsements from today's service to a transaction's signer."""
    chain = state.receipt.cose_endorsements
    if chain is None:
        raise _unavailable("COSE endorsements")
    return Endorsements(endorsements=list(chain))


@app.get(
    "/log/private/historical/handle",
    forwarding=Forwarding.NEVER,
    answers=Json,
    also=NOT_YET,
)
def receipt_by_handle(ctx: Context, handle: U64, seqno: U64) -> Answer:
    """Read the receipt of a transaction, under a handle of the caller's choice."""
    if _status_at(ctx, seqno) is not TxStatus.COMMITTED:
        raise ApiError(
            400,
            ErrorCode.InvalidHeaderValue,
            "Requested historical TxID is not committed",
        )
    history = ctx.node.history
    key = ("handle", handle)
    state = history.state_at(key, seqno)
    if state is None:
        return not_yet(ctx, "Pending", lambda: history.is_settled(key))
    return json_reply(state.receipt.describe_v1())


# Many transactions


@app.get(PATH_OF_RANGE, forwarding=Forwarding.NEVER, answers=Page, also=NOT_YET)
def read_range(
    ctx: Context,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    from_seqno: U64 = 1,
    to_seqno: U64 | None = None,
) -> Json | Answer:
    """List what a public message was, transaction by transaction."""
    table = records_of(PUBLIC, None)
    last = _end_of_range(ctx, table, id) if to_seqno is None else to_seqno
    if last < from_seqno:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            f"Invalid range: Starts at {from_seqno} but ends at {last}",
        )
    _require_committed(ctx, last)
    index = seqnos_by_id.of(ctx.node)
    by_id = index.strategy
    if by_id.indexed_up_to.seqno < last:
        index.extend_to(last)
        return not_yet(
            ctx,
            f"Still constructing index for public records on key {id} - indexed to "
            f"{by_id.indexed_up_to.seqno}/{last}",
            lambda: by_id.indexed_up_to.seqno >= last,
        )
    page_end = min(last, from_seqno + SEQNOS_PER_PAGE)
    seqnos = by_id.write_txs_in_range(id, from_seqno, page_end)
    if seqnos is None:
        return not_yet(
            ctx,
            f"Still constructing index for public records at {id}",
            lambda: by_id.write_txs_in_range(id, from_seqno, page_end) is not None,
        )
    handle = (table.name, id, from_seqno, page_end)
    entries = _entries(ctx, table, id, seqnos, handle)
    if entries is None:
        history = ctx.node.history
        return not_yet(
            ctx,
            f"Historical transactions from {from_seqno} to {page_end} are not yet "
            "available, fetching now",
            lambda: history.is_settled(handle),
        )
    page: JsonObject = {"entries": entries}
    link = _next_page(ctx, id, page_end + 1, last)
    if link is not None:
        page["@nextLink"] = link
    return page


def _next_page(ctx: Context, id_: int, first: Seqno, last: Seqno) -> str | None:
    """Begin to fetch the next page, and link to it unless there is nothing on it."""
    if first > last:
        return None
    end = min(last, first + SEQNOS_PER_PAGE)
    seqnos = seqnos_by_id.of(ctx.node).strategy.write_txs_in_range(id_, first, end)
    if seqnos == []:
        return None
    if seqnos is not None:
        # A client that follows the link finds the page fetched, or on its way.
        ctx.node.history.states_for((PUBLIC, id_, first, end), seqnos)
    return f"/app{PATH_OF_RANGE}?from_seqno={first}&to_seqno={last}&id={id_}"


def _end_of_range(ctx: Context, table: Map[int, str], id_: int) -> Seqno:
    """Return where a message was written last, or else all that is committed."""
    written = table.of(ctx.tx).version_of_previous_write(id_)
    if written is not None:
        return written
    committed = ctx.node.committed_tx_id()
    return 0 if committed is None else committed.seqno


@app.get(
    "/log/private/historical/sparse",
    forwarding=Forwarding.NEVER,
    answers=Page,
    also=NOT_YET,
)
def read_sparse(
    ctx: Context,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
    seqnos: str,
    scope: str | None = None,
) -> Json | Answer:
    """List what a message was at any transactions that wrote it."""
    wanted = sorted({_seqno(text) for text in seqnos.split(",")})
    _require_committed(ctx, wanted[-1])
    table = records_of(PRIVATE, scope)
    history = ctx.node.history
    handle = (table.name, id, *wanted)
    entries = _entries(ctx, table, id, wanted, handle)
    if entries is None:
        return not_yet(
            ctx,
            "Historical transactions are not yet available, fetching now",
            lambda: history.is_settled(handle),
        )
    return {"entries": entries}


def _seqno(text: str) -> Seqno:
    is_number = text.isascii() and text.isdecimal() and len(text) <= SEQNO_DIGITS_MAX
    if not is_number or int(text) == 0:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"Unable to parse '{text}' as a seqno",
        )
    return int(text)


def _entries(
    ctx: Context,
    table: Map[int, str],
    id_: int,
    seqnos: list[Seqno],
    handle: RequestHandle,
) -> list[Json] | None:
    """List a message at transactions, without those that removed or did not write it.

    Nothing while they are on their way.
    """
    if not seqnos:
        return []
    states = ctx.node.history.states_for(handle, seqnos)
    if states is None:
        return None
    key, decode = table.key_codec.encode(id_), table.value_codec.decode
    entries: list[Json] = []
    for state in states:
        value = state.writes.get(table.name, {}).get(key)
        if value is not None:
            seqno = state.txid.seqno
            entries.append({"id": id_, "msg": decode(value), "seqno": seqno})
    return entries


def _status_at(ctx: Context, seqno: Seqno) -> TxStatus | None:
    """Return what is known of a seqno; nothing past the ledger's end."""
    view = ctx.node.view_of(seqno)
    return None if view is None else ctx.node.tx_status(TxId(view, seqno))


def _require_committed(ctx: Context, seqno: Seqno) -> None:
    status = _status_at(ctx, seqno)
    if status is not TxStatus.COMMITTED:
        raise ApiError(
            400,
            ErrorCode.InvalidInput,
            "Only committed transactions can be queried. Transaction at seqno "
            f"{seqno} is {status or 'not found'}",
        )


# What is committed


@app.post(
    "/log/private/install_committed_index",
    auth=[],
    mode=Mode.COMMAND,
    also=REFUSED,
)
def install_committed(ctx: Context) -> Response:
    """Begin to keep private messages as they are committed from now on."""
    if committed_records.is_installed(ctx.node):
        return text_reply("Already installed", status=412)
    committed = ctx.node.committed_tx_id() or TxId(0, 0)
    committed_records.install(ctx.node, CommittedRecords(committed))
    return empty_reply(200)


@app.post(
    "/log/private/uninstall_committed_index",
    auth=[],
    mode=Mode.COMMAND,
    also=REFUSED,
)
def uninstall_committed(ctx: Context) -> Response:
    """Forget them."""
    if not committed_records.is_installed(ctx.node):
        return text_reply("Not currently installed", status=412)
    committed_records.uninstall(ctx.node)
    return empty_reply(200)


@app.get("/log/private/committed", auth=[], also=REFUSED)
def read_committed(
    ctx: Context,
    id: U64,  # noqa: A002 - the parameter's name is CCF's
) -> Message | Response:
    """Read a message as it was committed, since that is kept."""
    if not committed_records.is_installed(ctx.node):
        return text_reply("Not currently installed", status=412)
    records = committed_records.of(ctx.node)
    message = records.messages.get(id)
    if message is not None:
        return Message(msg=message)
    error: Json = {
        "code": ErrorCode.ResourceNotFound,
        "current_txid": str(records.txid),
        "message": f"No such record: {id}.",
    }
    return json_reply({"error": error}, status=400)
