"""Receipts that a page brings, or that a node gives, verified here."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.client import receipts
from ccfpy.client.errors import NotCommitted, ServiceError
from ccfpy.client.receipts import explain, fetch_proof
from ccfpy.client.requests import Client
from ccfpy.console.ledger_answers import ReceiptPage
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256
from ccfpy.http.errors import ErrorCode

_JSON_BEGINS = "{"
_NOT_YET: Final = (
    "The service has no receipt of transaction {txid} yet. Ask again in a few seconds."
)
_ABSENT: Final[Mapping[str, str]] = {
    ErrorCode.TransactionPendingOrUnknown: "There is no transaction {txid} in this "
    "ledger, or it is not committed yet.",
    ErrorCode.TransactionInvalid: "There is no transaction {txid} in this ledger, and "
    "there never will be: another one has its place.",
}
"""A service's refusals, in words."""
_TAKEN: Final = (
    "Write a transaction's number, such as 2.15, or paste a receipt: JSON, or COSE as "
    "base64 or hex."
)


class NoReceipt(CcfpyError):
    """The service has no receipt of a transaction."""


def explained(
    data: bytes,
    *,
    certificate: str,
    txid: TxId | None = None,
    claims: str | None = None,
) -> ReceiptPage:
    """Verify a receipt.

    Args:
        data: the receipt, JSON or COSE.
        certificate: the service's, as PEM text.
        txid: the transaction that the receipt must prove, if one was asked for.
        claims: what the app claimed, before it was hashed, if that is known.

    Raises:
        Malformed: the bytes are no receipt.
    """
    try:
        receipt = receipts.parse(data)
    except CcfpyError as error:
        raise Malformed(f"this is no receipt: {error}. {_TAKEN}") from error
    told = explain(
        receipt,
        Certificate.from_pem(certificate),
        txid=txid,
        claims_digest=None if claims is None else sha256(claims.encode()),
    )
    return ReceiptPage(
        verdict=told.verdict,
        transaction=None if told.transaction is None else str(told.transaction),
        steps=told.steps,
        text=_text(data),
    )


async def fetched(client: Client, txid: TxId) -> ReceiptPage:
    """Ask a node for a transaction's receipt, and verify it.

    Raises:
        NoReceipt: the ledger has no such transaction, or not yet.
        ServiceError: the node refuses for another reason.
        Malformed: what the node gives is no receipt.
    """
    try:
        data = await fetch_proof(client, txid)
    except ServiceError as error:
        words = _ABSENT.get(error.code)
        if words is None:
            raise
        raise NoReceipt(words.format(txid=txid)) from error
    except NotCommitted as error:
        raise NoReceipt(_NOT_YET.format(txid=txid)) from error
    return explained(data, certificate=client.service_certificate, txid=txid)


def receipt_bytes(text: str) -> bytes:
    """Return the bytes of a receipt that was pasted: JSON, or COSE as base64 or hex.

    Raises:
        Malformed: the text is neither.
    """
    if text.lstrip().startswith(_JSON_BEGINS):
        return text.encode()
    dense = "".join(text.split())
    try:
        return bytes.fromhex(dense)
    except ValueError:
        pass
    try:
        return base64.b64decode(dense, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(
            f"this is no receipt, and no number of a transaction. {_TAKEN}"
        ) from error


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
