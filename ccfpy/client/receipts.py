"""Receipts, fetched from a service or brought by people, and believed once they verify.

JSON begins with a brace and a COSE receipt with its tag. A CBOR proof, which some
applications hand out alone, becomes a COSE receipt together with the service's
signature over the root that it leads to. A receipt's verification can be explained step
by step, for people who see one rarely.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.client.errors import NotCommitted, UnexpectedReply, Unreachable
from ccfpy.client.requests import TXID_HEADER, Client
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger import record
from ccfpy.ledger.identity_endorsement import ENDORSEMENTS_MAX
from ccfpy.ledger.receipt import (
    Receipt,
    ReceiptRefused,
    ReceiptStep,
    RevealedLeaf,
    StepTaken,
)
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tx_receipt import ReceiptForm

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
    return verify(
        receipt,
        Certificate.from_pem(service_certificate),
        txid=txid,
        claims_digest=claims_digest,
        endorsements=endorsements,
    )


MEANINGS = {
    ReceiptStep.EVIDENCE: "Only a node of the service could write this text, which "
    "names the transaction. Its digest:",
    ReceiptStep.LEAF: "What was written, that evidence and what the application "
    "claims, hashed together, are a leaf of the ledger's tree:",
    ReceiptStep.ROOT: "Hashed with its neighbours, step by step upwards, the leaf "
    "leads to the root of the tree, which stands for the whole ledger up to then:",
    ReceiptStep.SIGNATURE: "A node signed that root, or the service itself did:",
    ReceiptStep.ENDORSEMENT: "The service's certificate endorses the node that signed, "
    "so that the node's signature counts as the service's:",
}


class Holds(StrEnum):
    """What came of a step."""

    YES = "holds"
    NO = "does not hold"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedStep:
    """A step of a receipt's verification.

    Attributes:
        meaning: what the step shows if it holds.
        computed: what the step computed; empty if it did not hold.
    """

    step: ReceiptStep
    holds: Holds
    meaning: str
    computed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Whether a receipt proves a transaction, and how far its proof goes.

    Attributes:
        transaction: what the receipt proves; ``None`` if it proves nothing.
        steps: all of them: no step after the first that fails is shown as good.
        reason: why the receipt is refused; empty if it holds.
    """

    transaction: TxId | None
    steps: tuple[ExplainedStep, ...]
    reason: str

    @property
    def verdict(self) -> str:
        """The result in one sentence."""
        if self.transaction is None:
            return f"the receipt does not verify: {self.reason}; do not rely on it"
        return f"{self.transaction} is in the ledger of this service, unchanged."


def explain(
    receipt: AnyReceipt,
    service: Certificate,
    *,
    txid: TxId | None = None,
    claims_digest: bytes | None = None,
    endorsements: Sequence[bytes] = (),
) -> Explanation:
    """Verify a receipt that must prove a transaction, and explain each step.

    Args are those of ``receipt_forms.verify``.
    """
    try:
        taken = verify(
            receipt,
            service,
            txid=txid,
            claims_digest=claims_digest,
            endorsements=endorsements,
        )
    except ReceiptRefused as refusal:
        return _refused(refusal)
    proved = transaction(receipt)
    if proved is None:
        return _refused(ReceiptRefused(ReceiptStep.EVIDENCE, NAMES_NOTHING, taken))
    return Explanation(transaction=proved, steps=_steps(taken, None), reason="")


def _refused(refusal: ReceiptRefused) -> Explanation:
    return Explanation(
        transaction=None,
        steps=_steps(refusal.taken, refusal.step),
        reason=str(refusal),
    )


def _steps(
    taken: Sequence[StepTaken], failed: ReceiptStep | None
) -> tuple[ExplainedStep, ...]:
    computed = {each.step: each.computed for each in taken}
    steps = []
    for step, meaning in MEANINGS.items():
        if step in computed:
            holds = Holds.YES
        else:
            holds = Holds.NO if step is failed else Holds.NOT_REACHED
        steps.append(
            ExplainedStep(
                step=step,
                holds=holds,
                meaning=meaning,
                computed=computed.get(step, ""),
            )
        )
    return tuple(steps)
