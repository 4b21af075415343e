"""The forms in which a proof is handed out."""

from collections.abc import Sequence
from enum import StrEnum

from ccfpy.base import json
from ccfpy.ledger import record
from ccfpy.ledger.tx_receipt import TxReceipt


class ReceiptForm(StrEnum):
    """What may be had of a transaction's proof."""

    V1 = "v1"
    """The receipt as JSON."""
    V2 = "v2"
    """The same, which says too whether the transaction is a signature."""
    COSE = "cose"
    """The COSE receipt."""
    PROOF = "proof"
    """The CBOR proof that is in the COSE receipt."""
    SIGNATURE = "signature"
    """The COSE signature that the COSE receipt was made of."""
    ENDORSEMENTS = "endorsements"
    """The chain from the service of today to the one that signed."""


CONTENT_TYPES = {
    ReceiptForm.V1: "application/json",
    ReceiptForm.V2: "application/json",
    ReceiptForm.COSE: "application/cose",
    ReceiptForm.PROOF: "application/cbor",
    ReceiptForm.SIGNATURE: "application/cose",
    ReceiptForm.ENDORSEMENTS: "application/json",
}


def write(proof: TxReceipt, form: ReceiptForm) -> bytes | None:
    """Write a proof in a form; ``None`` if there is none of that form.

    A signature has no COSE receipt, and neither have entries from before COSE
    signatures. Entries that today's service signed have no endorsements.
    """
    match form:
        case ReceiptForm.V1:
            return json.dumps(proof.describe_v1())
        case ReceiptForm.V2:
            return json.dumps(proof.describe_v2())
        case ReceiptForm.COSE:
            return proof.cose_receipt()
        case ReceiptForm.PROOF:
            return proof.cbor_proof()
        case ReceiptForm.SIGNATURE:
            return proof.cose_signature()
        case ReceiptForm.ENDORSEMENTS:
            chain = proof.cose_endorsements
            return None if chain is None else json.dumps(endorsements_json(chain))


def endorsements_json(chain: Sequence[bytes]) -> json.JsonObject:
    """Write a chain as applications hand it out, newest first.

    That is an object whose ``endorsements`` are base64
    (``samples/apps/logging/logging_schema.h``).
    """
    return {"endorsements": [record.as_base64(each) for each in chain]}
