"""Receipts that people bring, told apart and verified.

JSON begins with a brace and a COSE receipt with its tag. A CBOR proof, which some
applications hand out alone, becomes a COSE receipt together with the service's
signature over the root that it leads to.
"""

from collections.abc import Sequence
from typing import TypeAlias

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger import record
from ccfpy.ledger.endorsement_chain import ENDORSEMENTS_MAX
from ccfpy.ledger.receipt import (
    Receipt,
    ReceiptRefused,
    ReceiptStep,
    RevealedLeaf,
    StepTaken,
)
from ccfpy.ledger.signature import CoseSignature

AnyReceipt: TypeAlias = Receipt | CoseReceipt

NAMES_NOTHING = "it names no transaction: it proves that a digest was signed"
"""Of a receipt that shows a digest in place of a leaf: the digest may be a signed root,
a leaf, or any node of the tree between them."""

_JSON_BEGINS = b"{"
_SIGN1_BEGINS = b"\xd2"


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
