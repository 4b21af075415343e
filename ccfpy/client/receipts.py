"""Fetching a receipt from a service, and believing it only once it verifies."""

import asyncio
import time

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.connection import Connection
from ccfpy.client.errors import NotCommitted, UnexpectedReply
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, RevealedLeaf, Step, StepTaken

RECEIPT_TIMEOUT_S = 10.0
RECEIPT_POLL_S = 0.05
_ACCEPTED = 202


async def fetch_receipt(
    connection: Connection, txid: TxId, *, timeout_s: float = RECEIPT_TIMEOUT_S
) -> Receipt:
    """Ask for the receipt of a committed transaction until the service has it.

    Raises:
        ServiceError: the service refuses.
        NotCommitted: the service does not have it in time.
        UnexpectedReply: what it gives is no receipt.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        reply = await connection.get(f"/node/receipt?transaction_id={txid}")
        if reply.status != _ACCEPTED:
            break
        if time.monotonic() + RECEIPT_POLL_S > deadline:
            raise NotCommitted(
                txid, f"has no receipt after {timeout_s:g} s", is_final=False
            )
        await asyncio.sleep(RECEIPT_POLL_S)
    try:
        return Receipt.from_json(reply.object())
    except Malformed as error:
        raise UnexpectedReply(f"not a receipt: {error}") from error


def verify_receipt(
    receipt: Receipt,
    *,
    service_certificate: str,
    txid: TxId | None = None,
    claims_digest: bytes | None = None,
) -> tuple[StepTaken, ...]:
    """Check a receipt offline; give what each step computed.

    Args:
        receipt: what was received.
        service_certificate: as PEM, from a source that is trusted.
        txid: the transaction that it must be for.
        claims_digest: what the application is known to have claimed.

    Raises:
        ReceiptRefused: a step does not hold, or it is for another transaction.
        Malformed: the service's certificate is none.
    """
    service = Certificate.from_pem(service_certificate)
    steps = receipt.verify(service, claims_digest=claims_digest)
    # A signature's receipt reveals no evidence: nothing in it names the transaction.
    if txid is not None and isinstance(receipt.leaf, RevealedLeaf):
        proved = receipt.leaf.txid
        if proved != txid:
            raise ReceiptRefused(
                Step.EVIDENCE, f"it proves transaction {proved}, not {txid}", ()
            )
    return steps
