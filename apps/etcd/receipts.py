"""Receipts: the proof that a revision of a key is in the ledger."""

import base64
from typing import Final

from apps.etcd.claims import effects_of
from apps.etcd.fields import data, int64, message
from apps.etcd.gateway import GatewayError, JsonForm
from apps.etcd.json_form import to_json
from apps.etcd.limits import RECEIPT_WAIT_MS
from apps.etcd.messages import Event
from apps.etcd.refusals import Code, Refusal, Refused, refused
from apps.etcd.service import app
from apps.etcd.store import Store, event_of
from apps.etcd.tables import CHANGES, CLAIM_KEY, KEYS, revision_of, row_of
from ccfpy.app import (
    Answer,
    Context,
    Forwarding,
    HistoricalState,
    HistoryFailed,
    Json,
    JsonObject,
    Malformed,
    Mode,
    Seqno,
    TxId,
    TxStatus,
    json_reply,
)

_FORM: Final = JsonForm()


@message
class ReceiptRequest:
    """Asks for the receipt of a key's last write, or of the write of a revision."""

    key: bytes = data(1)
    revision: int = int64(2)


@app.post(
    "/v3/kv/receipt",
    mode=Mode.READ_ONLY,
    forwarding=Forwarding.NEVER,
    takes=JsonObject,
    answers=JsonObject,
    also=dict.fromkeys((400, 404, 503), "application/json"),
)
def read_receipt(ctx: Context) -> Answer:
    """Read the receipt of a write, with what the receipt claims of the key."""
    try:
        return _receipt(ctx, _FORM.read(ctx, ReceiptRequest))
    except Malformed as error:
        text = f"etcdserver: invalid request: {error}"
        raise GatewayError(Refused(Code.INVALID_ARGUMENT, text)) from error
    except Refused as refusal:
        raise GatewayError(refusal) from refusal


def _receipt(ctx: Context, request: ReceiptRequest) -> Answer:
    if not request.key:
        raise refused(Refusal.EMPTY_KEY)
    revision, seqno = _write_of(ctx, request)
    _require_committed(ctx, seqno)
    history = ctx.node.history
    handle = (read_receipt, seqno)
    try:
        state = history.state_at(handle, seqno)
    except HistoryFailed as error:
        text = "the transaction cannot be read from the ledger"
        raise Refused(Code.INTERNAL, text) from error
    if state is None:
        waiting = history.wait(
            *(ctx.request, ctx.session, lambda: history.is_settled(handle)),
            RECEIPT_WAIT_MS,
        )
        if waiting is None:
            text = "the transaction is being read from the ledger: ask again"
            raise Refused(Code.UNAVAILABLE, text)
        return waiting
    return json_reply(_describe(state, request.key, revision))


def _write_of(ctx: Context, request: ReceiptRequest) -> tuple[int, Seqno]:
    """Return the revision that is asked for, and the transaction that wrote it.

    Raises:
        Refused: the revision did not write the key, or is compacted.
    """
    store, changes = Store(ctx.tx), CHANGES.of(ctx.tx)
    revision = request.revision
    if not revision:
        now = store.get(request.key)
        revision = 0 if now is None else now.mod_revision
    else:
        store.check_revision(revision)
    for row, change in changes.range(row_of(revision), row_of(revision + 1)):
        if change.key == request.key:
            seqno = changes.version_of_previous_write(row)
            assert seqno is not None, "the transaction has just read the row"
            return revision, seqno
    # The last write of a key may be older than what a compaction has left.
    raise refused(
        Refusal.COMPACTED if 0 < revision < store.compacted else Refusal.KEY_NOT_FOUND
    )


def _require_committed(ctx: Context, seqno: Seqno) -> None:
    view = ctx.node.view_of(seqno)
    if view is None or ctx.node.tx_status(TxId(view, seqno)) is not TxStatus.COMMITTED:
        raise Refused(
            Code.UNAVAILABLE, "the transaction is not committed yet: ask again"
        )


def _describe(state: HistoricalState, key: bytes, revision: int) -> JsonObject:
    """Write the receipt, and what leads from the key to the receipt's claims digest.

    Raises:
        Refused: the transaction claims nothing of the revision.
    """
    events = _events_of(state, revision)
    secret = CLAIM_KEY.of(state.tx).get()
    if secret is None or not events:
        # The end of a lease is a revision before that of the call.
        raise Refused(Code.NOT_FOUND, "the revision was the end of a lease: no claim")
    effects = effects_of(events, secret)
    own = effects[key]
    (event,) = [each for each in events if each.kv is not None and each.kv.key == key][
        -1:
    ]
    digests: list[Json] = [_text(each.digest) for each in effects.values()]
    return {
        "event": to_json(event),
        "claim": {
            "effect": _text(own.content),
            "key": _text(own.key),
            "digests": digests,
        },
        "transaction": str(state.txid),
        "receipt": state.receipt.describe_v1(),
    }


def _events_of(state: HistoricalState, revision: int) -> list[Event]:
    """Return what a revision did, if it is the last of its transaction."""
    keys, rows = KEYS.of(state.tx), list(CHANGES.of(state.tx).range())
    if not rows or revision_of(rows[-1][0]) != revision:
        return []
    return [
        event_of(change.key, keys.get(change.key), None, revision)
        for row, change in rows
        if revision_of(row) == revision
    ]


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
