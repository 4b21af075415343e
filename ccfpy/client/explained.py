"""A receipt's verification explained step by step, for people who see one rarely."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ccfpy.base.ids import TxId
from ccfpy.client import receipt_forms
from ccfpy.client.receipt_forms import NAMES_NOTHING, AnyReceipt
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep, StepTaken

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
        taken = receipt_forms.verify(
            receipt,
            service,
            txid=txid,
            claims_digest=claims_digest,
            endorsements=endorsements,
        )
    except ReceiptRefused as refusal:
        return _refused(refusal)
    proved = receipt_forms.transaction(receipt)
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
