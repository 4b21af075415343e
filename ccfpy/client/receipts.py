"""Fetching a receipt from a service, and believing it only once it verifies."""

import asyncio
import time
from collections.abc import Sequence

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client import receipt_forms
from ccfpy.client.errors import NotCommitted, UnexpectedReply, Unreachable
from ccfpy.client.receipt_forms import AnyReceipt
from ccfpy.client.reply import TXID_HEADER
from ccfpy.client.sending import Client
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, StepTaken
from ccfpy.ledger.receipt_forms import ReceiptForm

RECEIPT_TIMEOUT_S = 10.0
RECEIPT_POLL_S = 0.05
RECEIPT_PATH = "/node/receipt"
_ACCEPTED = 202


async def fetch_proof(
    client: Client,
    txid: TxId,
    *,
    path: str = RECEIPT_PATH,
    form: ReceiptForm | None = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> bytes:
    """Ask for the proof of a committed transaction until the service has it.

    Args:
        client: of the service.
        txid: the transaction.
        path: the endpoint to ask. The request names the transaction in a query
            parameter, for the framework's endpoints, and in the header
            ``x-ms-ccf-transaction-id``, for endpoints of applications.
        form: in which to ask for it, of the framework's endpoints.
        timeout_s: how long to keep asking.

    Raises:
        ServiceError: the service refuses.
        NotCommitted: the service does not have it in time.
    """
    query = f"transaction_id={txid}" + ("" if form is None else f"&form={form}")
    target = f"{path}{'&' if '?' in path else '?'}{query}"
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            reply = await client.request(
                "GET",
                target,
                headers={TXID_HEADER: str(txid)},
                timeout_s=deadline - time.monotonic(),
            )
        except Unreachable as error:
            # A timer may be a little early: what counts is time for another question.
            if time.monotonic() + RECEIPT_POLL_S <= deadline:
                raise
            raise _no_receipt(txid, timeout_s) from error
        if reply.raise_for_error().status != _ACCEPTED:
            return reply.body
        if time.monotonic() + RECEIPT_POLL_S > deadline:
            raise _no_receipt(txid, timeout_s)
        await asyncio.sleep(RECEIPT_POLL_S)


def _no_receipt(txid: TxId, timeout_s: float) -> NotCommitted:
    return NotCommitted(txid, f"has no receipt after {timeout_s:g} s", is_final=False)


async def fetch_receipt(
    client: Client, txid: TxId, *, timeout_s: float = RECEIPT_TIMEOUT_S
) -> Receipt:
    """Ask for the JSON receipt of a committed transaction.

    Raises:
        ServiceError: the service refuses.
        NotCommitted: the service does not have it in time.
        UnexpectedReply: what it gives is no receipt.
    """
    body = await fetch_proof(client, txid, timeout_s=timeout_s)
    try:
        return Receipt.parse(body)
    except Malformed as error:
        raise UnexpectedReply(f"not a receipt: {error}") from error


async def fetch_verified(
    client: Client,
    txid: TxId,
    *,
    claims_digest: bytes | None = None,
    timeout_s: float = RECEIPT_TIMEOUT_S,
) -> Receipt:
    """Fetch a receipt and verify it; see ``Connection.verified_receipt``."""
    receipt = await fetch_receipt(client, txid, timeout_s=timeout_s)
    verify_receipt(
        receipt,
        service_certificate=client.service_certificate,
        txid=txid,
        claims_digest=claims_digest,
    )
    return receipt


def verify_receipt(
    receipt: AnyReceipt,
    *,
    service_certificate: str,
    txid: TxId | None = None,
    claims_digest: bytes | None = None,
    endorsements: Sequence[bytes] = (),
) -> tuple[StepTaken, ...]:
    """Check a receipt offline; give what each step computed.

    Args:
        receipt: what was received.
        service_certificate: as PEM, from a source that is trusted.
        txid: the transaction that it must prove. A signature's receipt proves none.
        claims_digest: what the application is known to have claimed.
        endorsements: for a COSE receipt that an earlier identity of the service signed.

    Raises:
        ReceiptRefused: a step does not hold, or it is for another transaction.
        Malformed: the service's certificate is none.
    """
    return receipt_forms.verify(
        receipt,
        Certificate.from_pem(service_certificate),
        txid=txid,
        claims_digest=claims_digest,
        endorsements=endorsements,
    )
