"""COSE receipts, read and verified (`ccfpy.ledger.tx_receipt` writes them).

The root that the proof leads to is the detached payload of the service's signature, so
one signature carries the whole argument and no certificate is needed but the service's
key.

The signature may be changed into its other form, ``(r, n - s)``, which proves the same
transaction (`ccfpy.ledger.receipt`). No other byte can be changed.

A receipt that an earlier identity of the service signed verifies by a chain of
endorsements from the service of today (`ccfpy.ledger.identity_endorsement`), which is
followed link by link; then the transaction and its signature must lie in the part of
the ledger during which that identity ruled.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.crypto import cbor
from ccfpy.crypto.ec import PublicKey
from ccfpy.crypto.hashing import sha256, sha256_hex
from ccfpy.ledger.entry import LeafComponents
from ccfpy.ledger.identity_endorsement import (
    ENDORSEMENTS_MAX,
    CoseEndorsement,
    Epoch,
    join,
)
from ccfpy.ledger.merkle import DIGEST_BYTES, PathStep, climb
from ccfpy.ledger.receipt import (
    PROOF_STEPS_MAX,
    ReceiptRefused,
    ReceiptStep,
    RevealedLeaf,
    StepTaken,
    through_endorsements,
)
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tx_receipt import (
    INCLUSION,
    PROOF_LEAF,
    PROOF_PATH,
    PROOFS,
    attach_proof,
    write_proof,
)

_STEPS = tuple(ReceiptStep)
_LEAF_PARTS = 3
_STEP_PARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class InclusionProof:
    """A leaf and its way to the root, as CCF's tree algorithm has it in CBOR.

    Attributes:
        leaf: the leaf's components, the claims digest always among them.
        path: the siblings from the leaf to the root.
    """

    leaf: RevealedLeaf
    path: tuple[PathStep, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof.

        Raises:
            Malformed: it has not a proof's form.
        """
        fields = cbor.decode(data)
        if not isinstance(fields, Mapping) or fields.keys() != {PROOF_LEAF, PROOF_PATH}:
            raise Malformed("an inclusion proof is a map of leaf and path")
        return cls(
            leaf=_leaf(fields[PROOF_LEAF]), path=tuple(_path(fields[PROOF_PATH]))
        )

    def serialise(self) -> bytes:
        """Write the proof."""
        return write_proof(self.leaf, self.path)

    def root(self) -> bytes:
        """Compute the root that the proof leads to."""
        return climb(self.leaf_digest, self.path)

    @property
    def leaf_digest(self) -> bytes:
        """The digest that the leaf's components make."""
        evidence = sha256(self.leaf.commit_evidence.encode())
        components = LeafComponents(
            self.leaf.write_set_digest, evidence, self.leaf.claims_digest
        )
        return components.leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class CoseReceipt:
    """A receipt with the service's signature.

    Attributes:
        signature: the signature over the root.
        proof: how one transaction leads to that root.
    """

    signature: CoseSignature
    proof: InclusionProof

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a receipt.

        Raises:
            Malformed: it is not a root's signature with one inclusion proof and nothing
                else, or not in the form that ``serialise`` writes.
        """
        signature = CoseSignature.from_cose(data)
        proofs = signature.message.unprotected.get(PROOFS)
        if not isinstance(proofs, Mapping):
            raise Malformed("a COSE receipt without proofs")
        inclusion = proofs.get(INCLUSION)
        if not isinstance(inclusion, list | tuple) or len(inclusion) != 1:
            raise Malformed("expected one inclusion proof in a COSE receipt")
        if not isinstance(inclusion[0], bytes):
            raise Malformed("an inclusion proof is wrapped in bytes")
        receipt = cls(signature=signature, proof=InclusionProof.parse(inclusion[0]))
        if receipt.serialise() != data:
            raise Malformed("a COSE receipt that is not in its one form")
        return receipt

    def serialise(self) -> bytes:
        """Write the receipt."""
        return attach_proof(self.signature, self.proof.serialise())

    def steps(
        self,
        service: PublicKey,
        *,
        claims_digest: bytes | None = None,
        endorsements: Sequence[bytes] = (),
    ) -> Iterator[StepTaken]:
        """Verify step by step, giving each step as it holds.

        Raises:
            VerificationFailed: the step after the last one given does not hold.
            Malformed: the commit evidence or an endorsement has not its form.
        """
        leaf = self.proof.leaf
        evidence = sha256_hex(leaf.commit_evidence.encode())
        yield StepTaken(
            ReceiptStep.EVIDENCE, f"transaction {leaf.txid}, digest {evidence}"
        )
        if claims_digest not in (None, leaf.claims_digest):
            raise VerificationFailed("the receipt is for other claims")
        yield StepTaken(ReceiptStep.LEAF, self.proof.leaf_digest.hex())
        root = self.proof.root()
        yield StepTaken(
            ReceiptStep.ROOT, f"{root.hex()} over {len(self.proof.path)} siblings"
        )
        key = service
        if endorsements:
            key = PublicKey.from_der(
                CoseEndorsement.parse(endorsements[-1]).endorsed_key
            )
        self.signature.verify(key, root)
        yield StepTaken(
            ReceiptStep.SIGNATURE, f"by the service key {self.signature.key_id}"
        )
        if endorsements:
            epoch = self._ruled(endorsements, service)
            yield StepTaken(
                ReceiptStep.ENDORSEMENT,
                f"by the service key {sha256_hex(service.der)}, for {epoch.begin} to "
                f"{epoch.end}{through_endorsements(len(endorsements))}",
            )

    def _ruled(self, endorsements: Sequence[bytes], service: PublicKey) -> Epoch:
        """Return the signing key's epoch, which must hold the signed transaction."""
        *_, last = links(endorsements, service)
        for txid in (self.proof.leaf.txid, self.signature.txid):
            if not covers(last.epoch, txid):
                raise VerificationFailed(
                    f"{txid} is not in the epoch of the key that signed, from "
                    f"{last.epoch.begin} to {last.epoch.end}"
                )
        return last.epoch

    def verify(
        self,
        service: PublicKey,
        *,
        claims_digest: bytes | None = None,
        endorsements: Sequence[bytes] = (),
    ) -> tuple[StepTaken, ...]:
        """Verify against the service's public key; give what each step computed.

        Args:
            service: the key of the service of today, from a source that is trusted.
            claims_digest: what the application claimed; if given it must be the one in
                the receipt.
            endorsements: if an earlier identity signed, the chain that leads to it,
                newest first. Without it there is no endorsement step: the service
                itself signed.

        Raises:
            ReceiptRefused: a step does not hold.
        """
        taken: list[StepTaken] = []
        try:
            for step in self.steps(
                service, claims_digest=claims_digest, endorsements=endorsements
            ):
                taken += (step,)
        except CcfpyError as error:
            raise ReceiptRefused(_STEPS[len(taken)], str(error), taken) from error
        return tuple(taken)


def _leaf(parts: object) -> RevealedLeaf:
    if not isinstance(parts, list | tuple) or len(parts) != _LEAF_PARTS:
        raise Malformed("the leaf of an inclusion proof has three parts")
    write_set, evidence, claims = parts
    if not isinstance(evidence, str):
        raise Malformed("commit evidence is text")
    return RevealedLeaf(
        write_set_digest=_digest(write_set),
        commit_evidence=evidence,
        claims_digest=_digest(claims),
    )


def _path(steps: object) -> Iterator[PathStep]:
    if not isinstance(steps, list | tuple) or len(steps) > PROOF_STEPS_MAX:
        raise Malformed(f"expected a path of at most {PROOF_STEPS_MAX} steps")
    for step in steps:
        if not isinstance(step, Sequence) or len(step) != _STEP_PARTS:
            raise Malformed("a step of an inclusion proof has two parts")
        is_left, digest = step
        if not isinstance(is_left, bool):
            raise Malformed("the first part of a proof's step says left or right")
        yield PathStep(is_left, _digest(digest))


def _digest(value: object) -> bytes:
    if not isinstance(value, bytes) or len(value) != DIGEST_BYTES:
        raise Malformed("expected a digest of 32 bytes in an inclusion proof")
    return value


class Link(NamedTuple):
    """A link that held."""

    endorsed: PublicKey
    epoch: Epoch


def links(chain: Sequence[bytes], service: PublicKey) -> Iterator[Link]:
    """Follow a chain from the service of today, giving each link as it holds.

    Raises:
        VerificationFailed: the link after the last one given does not hold.
        Malformed: it is no endorsement.
    """
    if len(chain) > ENDORSEMENTS_MAX:
        raise Malformed(f"a chain of {len(chain)} endorsements")
    trusted, newer = service, None
    for number, data in enumerate(chain, 1):
        endorsement = CoseEndorsement.parse(data)
        epoch = endorsement.epoch
        try:
            endorsement.verify(trusted)
            endorsed = PublicKey.from_der(endorsement.endorsed_key)
            if endorsed.der != trusted.der:
                _check_range(epoch)
            if newer is not None:
                join(newer, epoch)
        except VerificationFailed as error:
            raise VerificationFailed(
                f"endorsement {number}, of the epoch from {epoch.begin}: {error}"
            ) from error
        yield Link(endorsed, epoch)
        trusted, newer = endorsed, epoch


def covers(epoch: Epoch, txid: TxId) -> bool:
    """Return whether a transaction lies in an epoch that has ended."""
    begin, end = epoch.begin, epoch.end
    return (
        end is not None
        and begin.seqno <= txid.seqno <= end.seqno
        and begin.view <= txid.view <= end.view
    )


def _check_range(epoch: Epoch) -> None:
    if epoch.end is None or epoch.last_root is None:
        raise VerificationFailed("it says not where the epoch ended")
    if epoch.end.seqno < epoch.begin.seqno or epoch.end.view < epoch.begin.view:
        raise VerificationFailed(f"the epoch ended before it began, at {epoch.end}")
