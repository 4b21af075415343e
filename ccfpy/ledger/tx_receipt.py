"""Everything that proves one committed transaction, before it takes one of its forms.

A transaction's leaf, its way to a signed root and that root's two signatures are found
once; what people are given is written from them: JSON in two versions, a COSE receipt,
or the CBOR proof alone. A node that has an earlier identity of its service to account
for adds the endorsements of it (``src/node/tx_receipt_impl.h``).

The forms in which a proof is handed out.

COSE receipts: the service's own signature over a root, with a proof put into it.

The COSE_Sign1 of a signature transaction is taken as it is; its unprotected header,
which no signature covers, gains the Merkle proof of one transaction
(``cddl/ccf-receipt.cddl``, ``cddl/ccf-tree-alg.cddl``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import JsonObject
from ccfpy.crypto import cbor, cose
from ccfpy.kv.changes import WriteSet
from ccfpy.ledger import record
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree, PathStep
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, single_value

PROOFS = 396
"""Label of the verifiable data structure's proofs (COSE Receipts)."""
INCLUSION = -1
PROOF_LEAF = 1
PROOF_PATH = 2


def write_proof(leaf: RevealedLeaf, path: Iterable[PathStep]) -> bytes:
    """Write a leaf and its way to the root, as CCF's tree algorithm has it in CBOR."""
    assert leaf.claims_digest is not None, "a CBOR proof withholds nothing"
    parts = [leaf.write_set_digest, leaf.commit_evidence, leaf.claims_digest]
    steps = [[step.is_left, step.digest] for step in path]
    return cbor.encode({PROOF_LEAF: parts, PROOF_PATH: steps})


def attach_proof(signature: CoseSignature, proof: bytes) -> bytes:
    """Write the receipt of a signature over the root that a proof leads to."""
    return cose.attach(signature.data, proof, label=PROOFS, sublabel=INCLUSION)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureTransaction:
    """What a signature transaction says, of which receipts are made.

    Attributes:
        by_node: the node's signature; its root covers every leaf before its seqno.
        by_service: the service's; the oldest ledgers have none.
    """

    by_node: NodeSignature
    by_service: CoseSignature | None = None

    @classmethod
    def of(cls, write_set: WriteSet) -> Self:
        """Read a signature transaction.

        Raises:
            Malformed: it is none, or its records have not their form.
        """
        value = single_value(write_set, SIGNATURES)
        if value is None:
            raise Malformed("not a signature transaction")
        by_service = single_value(write_set, COSE_SIGNATURES)
        return cls(
            by_node=NodeSignature.parse(value),
            by_service=None if by_service is None else CoseSignature.parse(by_service),
        )

    @property
    def txid(self) -> TxId:
        """The signature transaction's own id."""
        return self.by_node.txid


@dataclass(frozen=True, slots=True, kw_only=True)
class TxReceipt:
    """The proof of one committed transaction.

    Attributes:
        txid: the transaction.
        leaf: what its leaf is made of; the leaf's digest alone where there is no
            commit evidence; the signed root where the transaction is the signature.
        path: the siblings from the leaf to the root; empty for a signature.
        signed: the first signature that is not before the transaction.
        service_endorsements: what the receipt's JSON is to carry, as PEM.
        cose_endorsements: COSE endorsements from today's service, newest first, to the
            signing service; nothing if today's service signed, or if there is no such
            chain.
    """

    txid: TxId
    leaf: RevealedLeaf | bytes
    path: tuple[PathStep, ...]
    signed: SignatureTransaction
    service_endorsements: tuple[str, ...] = ()
    cose_endorsements: tuple[bytes, ...] | None = None

    @classmethod
    def of(
        cls,
        transaction: Transaction,
        signed: SignatureTransaction,
        tree: MerkleTree,
        *,
        commit_evidence: bytes | None,
    ) -> Self:
        """Prove a transaction that ``signed`` covers, or is.

        Args:
            transaction: the transaction, whose bytes are trusted.
            signed: the first signature transaction that is not before it.
            tree: holds at least the leaves from the transaction up to the signature.
            commit_evidence: its evidence; nothing if it has none.
        """
        txid = transaction.txid
        if txid.seqno == signed.txid.seqno:
            return cls.of_signature(signed)
        components = transaction.components
        leaf: RevealedLeaf | bytes = components.leaf
        if commit_evidence is not None:
            leaf = RevealedLeaf(
                write_set_digest=components.write_set_digest,
                commit_evidence=commit_evidence.decode(),
                claims_digest=components.claims_digest,
            )
        path = tree.path(txid.seqno, signed.txid.seqno)
        return cls(txid=txid, leaf=leaf, path=path, signed=signed)

    @classmethod
    def of_signature(cls, signed: SignatureTransaction) -> Self:
        """Prove a signature transaction, by the root that it signed."""
        return cls(txid=signed.txid, leaf=signed.by_node.root, path=(), signed=signed)

    @property
    def json_receipt(self) -> Receipt:
        """The receipt that JSON is written from."""
        by_node = self.signed.by_node
        return Receipt(
            leaf=self.leaf,
            proof=self.path,
            signature=by_node.signature,
            node=by_node.node,
            certificate=by_node.certificate or "",
            service_endorsements=self.service_endorsements,
        )

    def describe_v1(self) -> JsonObject:
        """Write the JSON that ``GET /receipt`` answers."""
        return self.json_receipt.to_json()

    def describe_v2(self) -> JsonObject:
        """Write the JSON that says whether the transaction is a signature."""
        return self.json_receipt.to_json_v2()

    def cbor_proof(self) -> bytes | None:
        """Write the CBOR proof; nothing for signatures and where components lack."""
        leaf = self.leaf
        if not isinstance(leaf, RevealedLeaf) or leaf.claims_digest is None:
            return None
        return write_proof(leaf, self.path)

    def cose_signature(self) -> bytes | None:
        """Return the service's signature over the root, if there is one."""
        by_service = self.signed.by_service
        return None if by_service is None else by_service.data

    def cose_receipt(self) -> bytes | None:
        """Write the COSE receipt; nothing where proof or service's signature lacks."""
        proof, by_service = self.cbor_proof(), self.signed.by_service
        if proof is None or by_service is None:
            return None
        return attach_proof(by_service, proof)


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
