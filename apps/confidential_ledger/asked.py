"""What a request names: a transaction, a collection, tags."""

from typing import Annotated, TypeAlias

from apps.confidential_ledger.limits import (
    COLLECTION_CHARS_MAX,
    TAG_CHARS_MAX,
    TAGS_MAX,
)
from ccfpy.app import ApiError, Context, ErrorCode, Malformed, Provided, TxId

DEFAULT_COLLECTION = "subledger:0"
INVALID_TRANSACTION_ID = "InvalidTransactionId"
"""The code after which clients ask no more."""


def parse_transaction_id(text: str) -> TxId:
    """Read a transaction's id.

    Raises:
        ApiError: 400, the text is none.
    """
    try:
        return TxId.parse(text)
    except Malformed as error:
        raise ApiError(
            400,
            INVALID_TRANSACTION_ID,
            "A transaction's id is a view and a seqno with a dot between, as in 2.15.",
        ) from error


def parse_collection(text: str) -> str:
    """Return the id of a collection.

    Raises:
        ApiError: 400, the id is empty, too long, or has characters without a form.
    """
    if not text or len(text) > COLLECTION_CHARS_MAX or not text.isprintable():
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"A collection's id has 1 to {COLLECTION_CHARS_MAX} printable characters.",
        )
    return text


def parse_tag(text: str) -> str:
    """Return a tag.

    Raises:
        ApiError: 400, the tag is empty, too long, or has characters without a form.
    """
    if not text or len(text) > TAG_CHARS_MAX or not text.isprintable() or "," in text:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"A tag has 1 to {TAG_CHARS_MAX} printable characters and no comma.",
        )
    return text


def parse_tags(text: str) -> list[str]:
    """Return the tags in a text with commas between, each once.

    Raises:
        ApiError: 400, there are too many, or one is no tag.
    """
    parts = text.split(",", TAGS_MAX)
    if len(parts) > TAGS_MAX:
        raise ApiError(
            400,
            ErrorCode.InvalidQueryParameterValue,
            f"An entry has {TAGS_MAX} tags at most.",
        )
    return sorted({parse_tag(part) for part in parts})


def _transaction(_: Context, transaction_id: str) -> TxId:
    """Return the transaction that the path names."""
    return parse_transaction_id(transaction_id)


def _collection(
    _: Context,
    collectionId: str | None = None,  # noqa: N803 - the parameter's name is Azure's
) -> str:
    """Return the collection that the query names, or the default one."""
    return (
        DEFAULT_COLLECTION if collectionId is None else parse_collection(collectionId)
    )


Transaction: TypeAlias = Annotated[TxId, Provided(_transaction)]
Collection: TypeAlias = Annotated[str, Provided(_collection)]
