"""A proof written into the service's signature, in the standard's form."""

import pytest

from ccfpy.crypto import cbor, cose
from ccfpy.ledger.entry import NO_CLAIMS, Transaction
from ccfpy.ledger.receipt import RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SINGLE_KEY
from ccfpy.ledger.tx_receipt import attach_proof, write_proof
from tests.unit.ledger.made import small_ledger

LEDGER = small_ledger()
SIGNED = Transaction.parse(LEDGER.entries[4].data).domain.write_set
SIGNATURE = CoseSignature.parse(SIGNED[COSE_SIGNATURES][SINGLE_KEY] or b"")
JSON_RECEIPT = LEDGER.receipt(4)
assert isinstance(JSON_RECEIPT.leaf, RevealedLeaf)
LEAF = JSON_RECEIPT.leaf


def test_it_has_the_standards_form() -> None:
    path = JSON_RECEIPT.proof
    message = cose.parse(attach_proof(SIGNATURE, write_proof(LEAF, path)))
    assert message.protected_bytes == SIGNATURE.message.protected_bytes
    assert message.signature == SIGNATURE.message.signature
    assert message.payload is None
    (proof,) = message.unprotected[396][-1]
    fields = cbor.decode(proof)
    assert list(fields) == [1, 2]
    write_set, evidence, claims = fields[1]
    assert (write_set, evidence) == (LEAF.write_set_digest, LEAF.commit_evidence)
    assert claims == NO_CLAIMS
    assert [tuple(step) for step in fields[2]] == [tuple(s) for s in path]


def test_a_proof_withholds_no_claims() -> None:
    withheld = RevealedLeaf(
        write_set_digest=LEAF.write_set_digest,
        commit_evidence=LEAF.commit_evidence,
        claims_digest=None,
    )
    with pytest.raises(AssertionError, match="withholds nothing"):
        write_proof(withheld, ())
