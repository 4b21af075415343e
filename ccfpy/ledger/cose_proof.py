"""COSE receipts: the service's own signature over a root, with a proof put into it.

The COSE_Sign1 of a signature transaction is taken as it is; its unprotected header,
which no signature covers, gains the Merkle proof of one transaction
(``cddl/ccf-receipt.cddl``, ``cddl/ccf-tree-alg.cddl``).
"""

from collections.abc import Iterable

from ccfpy.crypto import cbor, cose
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.ledger.signature import CoseSignature

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
