"""The forms in which a proof is handed out; and receipts that people bring, verified.

JSON begins with a brace and a COSE receipt with its tag. A CBOR proof, which some
applications hand out alone, becomes a COSE receipt together with the service's
signature over the root that it leads to.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger import record
from ccfpy.ledger.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.ledger.endorsements import ENDORSEMENTS_MAX
from ccfpy.ledger.receipt import (
    Receipt,
    ReceiptRefused,
    ReceiptStep,
    RevealedLeaf,
    StepTaken,
)
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tx_receipt import TxReceipt

AnyReceipt: TypeAlias = Receipt | CoseReceipt


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

NAMES_NOTHING = "it names no transaction: it proves that a digest was signed"
"""Of a receipt that shows a digest in place of a leaf: the digest may be a signed root,
a leaf, or any node of the tree between them."""

_JSON_BEGINS = b"{"
_SIGN1_BEGINS = b"\xd2"


def write(proof: TxReceipt, form: ReceiptForm) -> bytes | None:
    """Write a proof in a form; ``None`` if there is none of that form.

    A signature has no COSE receipt, nor has what was written before there were COSE
    signatures. There are no endorsements of what the service of today signed.
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


def parse(data: bytes, *, cose_signature: bytes | None = None) -> AnyReceipt:
    """Read a receipt of any form.

    Args:
        data: the receipt.
        cose_signature: the service's signature, where ``data`` is a CBOR proof alone.

    Raises:
        Malformed: it is none.
    """
    if cose_signature is not None:
        signature = CoseSignature.from_cose(cose_signature)
        if signature.message.unprotected:
            raise Malformed("a COSE signature that has something attached")
        return CoseReceipt(signature=signature, proof=InclusionProof.parse(data))
    if data.lstrip()[:1] == _JSON_BEGINS:
        return Receipt.parse(data)
    if data[:1] == _SIGN1_BEGINS:
        return CoseReceipt.parse(data)
    try:
        InclusionProof.parse(data)
    except Malformed as error:
        raise Malformed("neither JSON nor COSE") from error
    raise Malformed("a CBOR proof, which proves nothing without the COSE signature")


def parse_endorsements(data: bytes) -> tuple[bytes, ...]:
    """Read the JSON in which applications hand out a chain of COSE endorsements.

    That is an object whose ``endorsements`` are base64, newest first
    (``samples/apps/logging/logging_schema.h``).

    Raises:
        Malformed: it is something else.
    """
    values = json.loads_object(data).get("endorsements")
    if not isinstance(values, list) or len(values) > ENDORSEMENTS_MAX:
        raise Malformed("expected a list of 'endorsements'")
    chain = []
    for value in values:
        if not isinstance(value, str):
            raise Malformed("expected base64 in 'endorsements'")
        chain.append(record.parse_base64(value, "endorsements"))
    return tuple(chain)


def endorsements_json(chain: Sequence[bytes]) -> json.JsonObject:
    """Write a chain so that ``parse_endorsements`` reads it."""
    return {"endorsements": [record.as_base64(each) for each in chain]}


def transaction(receipt: AnyReceipt) -> TxId | None:
    """Name the transaction that a receipt is of, once it verifies.

    ``None`` if nothing in it says: a signature's receipt, or of an entry that has no
    evidence.

    Raises:
        Malformed: the evidence has not its form.
    """
    leaf = receipt.leaf if isinstance(receipt, Receipt) else receipt.proof.leaf
    return leaf.txid if isinstance(leaf, RevealedLeaf) else None


def verify(
    receipt: AnyReceipt,
    service: Certificate,
    *,
    txid: TxId | None = None,
    claims_digest: bytes | None = None,
    endorsements: Sequence[bytes] = (),
) -> tuple[StepTaken, ...]:
    """Verify a receipt; give what each step computed.

    Args:
        receipt: what was brought.
        service: the certificate of the service of today, from a trusted source.
        txid: the transaction that it must prove. A receipt that names none proves none,
            whatever its signature is worth.
        claims_digest: what the application claimed.
        endorsements: for a COSE receipt that an earlier identity of the service
            signed; JSON carries its own.

    Raises:
        ReceiptRefused: a step does not hold.
    """
    if isinstance(receipt, Receipt):
        if endorsements:
            raise ReceiptRefused(
                ReceiptStep.ENDORSEMENT,
                "a JSON receipt carries its own endorsements",
                (),
            )
        taken = receipt.verify(service, claims_digest=claims_digest)
    else:
        taken = receipt.verify(
            service.public_key,
            claims_digest=claims_digest,
            endorsements=endorsements,
        )
    proved = transaction(receipt)
    if txid is not None and proved is None:
        raise ReceiptRefused(ReceiptStep.EVIDENCE, f"{NAMES_NOTHING}, not {txid}", ())
    if txid is not None and proved != txid:
        raise ReceiptRefused(
            ReceiptStep.EVIDENCE, f"it proves transaction {proved}, not {txid}", ()
        )
    return taken
