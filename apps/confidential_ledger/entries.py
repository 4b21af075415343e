"""Entries: appended, read by their transactions, and the last of each collection."""

from dataclasses import dataclass, field

from apps.confidential_ledger.app import app
from apps.confidential_ledger.asked import (
    DEFAULT_COLLECTION,
    Collection,
    Transaction,
    parse_collection,
    parse_tags,
)
from apps.confidential_ledger.callers import Contributor, Reader
from apps.confidential_ledger.claims import SECRET_KEY_BYTES, claims_digest
from apps.confidential_ledger.past import LOADING, READY, require_known, state_of
from apps.confidential_ledger.tables import ENTRIES, TAGGED, Entry
from ccfpy.app import (
    JSON_NAME,
    ApiError,
    Context,
    ErrorCode,
    Forwarding,
    HistoricalState,
    JsonObject,
    TxId,
    TxStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is to be appended."""

    contents: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """The collection to which an entry was appended."""

    collection_id: str = field(metadata={JSON_NAME: "collectionId"})


def describe_entry(collection: str, contents: str, tx_id: TxId | str) -> JsonObject:
    """Write an entry as clients read it."""
    return {
        "contents": contents,
        "collectionId": collection,
        "transactionId": str(tx_id),
    }


def entry_in(
    state: HistoricalState, collection: str | None
) -> tuple[str, Entry] | None:
    """Return the entry that a transaction appended, and its collection.

    Args:
        state: what the transaction wrote.
        collection: the only one to look at, if not all.
    """
    entries = ENTRIES.of(state.tx)
    for name in entries.keys() if collection is None else [collection]:
        entry = entries.get(name)
        if entry is not None:
            return name, entry
    return None


@app.post("/transactions")
def append(
    ctx: Context,
    _: Contributor,
    collection: Collection,
    body: NewEntry,
    tags: str | None = None,
) -> Appended:
    """Append an entry to a collection; its first entry makes a collection."""
    _append(ctx, collection, body.contents, tags)
    return Appended(collection_id=collection)


def append_asked(ctx: Context, contents: str) -> str:
    """Append an entry as the query of a request asks, and return its collection.

    Raises:
        ApiError: 400, the query does not fit, or ``contents`` holds half a character.
    """
    if not contents.isascii() and any(
        "\ud800" <= each <= "\udfff" for each in contents
    ):
        raise ApiError(400, ErrorCode.InvalidInput, "'contents' is no whole text.")
    collection = collection_asked(ctx)
    _append(ctx, collection, contents, ctx.query.get("tags"))
    return collection


def collection_asked(ctx: Context) -> str:
    """Return the collection that the query of a request names, or the default one.

    Raises:
        ApiError: 400, the query does not fit.
    """
    asked = ctx.query.get("collectionId")
    return DEFAULT_COLLECTION if asked is None else parse_collection(asked)


def _append(ctx: Context, collection: str, contents: str, tags: str | None) -> None:
    key = ctx.node.entropy.random_bytes(SECRET_KEY_BYTES)
    entry = Entry(contents=contents, secret_key=key)
    ENTRIES.of(ctx.tx).put(collection, entry)
    for tag in [] if tags is None else parse_tags(tags):
        TAGGED.of(ctx.tx).insert([collection, tag])
    ctx.claims_digest = claims_digest(collection, entry)


@app.get("/transactions/current")
def read_current(ctx: Context, _: Reader, collection: Collection) -> JsonObject:
    """Read the last entry of a collection."""
    entries = ENTRIES.of(ctx.tx)
    entry = entries.get(collection)
    seqno = entries.version_of_previous_write(collection)
    if entry is None or seqno is None:
        raise ApiError(404, ErrorCode.ResourceNotFound, "The collection has no entry.")
    tx_id = f"{ctx.node.view_of(seqno)}.{seqno}"
    return describe_entry(collection, entry.contents, tx_id)


@app.get("/transactions/{transaction_id}", forwarding=Forwarding.NEVER)
def read(
    ctx: Context,
    _: Reader,
    transaction: Transaction,
    collectionId: str | None = None,  # noqa: N803 - the parameter's name is Azure's
) -> JsonObject:
    """Read the entry of a transaction, of any collection if none is named."""
    wanted = None if collectionId is None else parse_collection(collectionId)
    state = state_of(ctx, transaction)
    if state is None:
        return {"state": LOADING}
    found = entry_in(state, wanted)
    if found is None:
        raise ApiError(
            404,
            ErrorCode.ResourceNotFound,
            f"The transaction {transaction} appended no such entry.",
        )
    collection, entry = found
    described = describe_entry(collection, entry.contents, transaction)
    return {"state": READY, "entry": described}


@app.get("/transactions/{transaction_id}/status", forwarding=Forwarding.NEVER)
def read_status(ctx: Context, _: Reader, transaction: Transaction) -> JsonObject:
    """Read whether a transaction can no longer be lost."""
    is_committed = require_known(ctx, transaction) is TxStatus.COMMITTED
    state = "Committed" if is_committed else "Pending"
    return {"state": state, "transactionId": str(transaction)}
