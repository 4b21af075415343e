"""Receipts that a page brings, or that a node gives, verified here."""

import base64
import binascii

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.client import receipt_forms
from ccfpy.client.explained import explain
from ccfpy.client.receipts import fetch_proof
from ccfpy.client.sending import Client
from ccfpy.console.answers import ReceiptPage
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.hashing import sha256

_JSON_BEGINS = "{"


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
        receipt = receipt_forms.parse(data)
    except CcfpyError as error:
        raise Malformed(f"this is no receipt: {error}") from error
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
        ServiceError: the node refuses.
        NotCommitted: the node has no receipt in time.
        Malformed: what it gives is no receipt.
    """
    data = await fetch_proof(client, txid)
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
            "this is no receipt: paste JSON, or COSE as base64 or hex"
        ) from error


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
