"""The proof of a transaction, and each form of it for people."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto import cose
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.tables import COSE_SIGNATURES
from ccfpy.ledger.tx_receipt import SignatureTransaction, TxReceipt
from tests.unit.ledger.made import FIRST, small_ledger

LEDGER = small_ledger()
CLAIMS = sha256(b"what the application claims")
LEDGER.put({"public:log": {b"1": b"claim"}}, claims=CLAIMS)
LEDGER.sign()
TRANSACTIONS = [Transaction.parse(each.data) for each in LEDGER.entries]
SIGNATURES = (2, 5, 8, 10, 12)
KEY = FIRST.key.public_key


def prove(seqno: int) -> TxReceipt:
    entry = LEDGER.entries[seqno - 1]
    at = next(each for each in SIGNATURES if each >= seqno)
    signed = SignatureTransaction.of(TRANSACTIONS[at - 1].domain.write_set)
    return TxReceipt.of(
        TRANSACTIONS[seqno - 1],
        signed,
        LEDGER.tree,
        commit_evidence=entry.commit_evidence,
    )


@pytest.mark.parametrize("seqno", [1, 3, 4, 6, 7, 9, 11])
def test_every_form_of_a_transactions_proof_verifies(seqno: int) -> None:
    proof = prove(seqno)
    assert proof.txid == TxId(2, seqno)
    for fields in (proof.describe_v1(), proof.describe_v2()):
        Receipt.from_json(fields).verify(FIRST.certificate)
    receipt, cbor = proof.cose_receipt(), proof.cbor_proof()
    assert receipt is not None
    CoseReceipt.parse(receipt).verify(KEY)
    assert cbor is not None
    assert InclusionProof.parse(cbor) == CoseReceipt.parse(receipt).proof
    assert proof.cose_signature() == cose.set_unprotected(receipt, {})


def test_claims_are_in_every_form() -> None:
    proof = prove(11)
    leaf = proof.leaf
    assert isinstance(leaf, RevealedLeaf)
    assert leaf.claims_digest == CLAIMS
    proof.json_receipt.verify(FIRST.certificate, claims_digest=CLAIMS)
    CoseReceipt.parse(proof.cose_receipt() or b"").verify(KEY, claims_digest=CLAIMS)


@pytest.mark.parametrize("seqno", SIGNATURES)
def test_a_signature_is_proved_by_the_root_it_signed(seqno: int) -> None:
    proof = prove(seqno)
    assert proof.path == ()
    assert proof.leaf == LEDGER.tree.root(seqno)
    fields = proof.describe_v1()
    assert (fields["leaf"], fields["proof"]) == (LEDGER.tree.root(seqno).hex(), [])
    assert proof.describe_v2()["is_signature_transaction"] is True
    Receipt.from_json(fields).verify(FIRST.certificate)
    assert proof.cbor_proof() is None
    assert proof.cose_receipt() is None
    assert proof.cose_signature() is not None


def test_what_has_no_evidence_is_proved_by_its_leaf_alone() -> None:
    signed = SignatureTransaction.of(TRANSACTIONS[4].domain.write_set)
    proof = TxReceipt.of(TRANSACTIONS[3], signed, LEDGER.tree, commit_evidence=None)
    assert proof.leaf == LEDGER.entries[3].leaf
    assert proof.cbor_proof() is None
    assert proof.cose_receipt() is None
    Receipt.from_json(proof.describe_v1()).verify(FIRST.certificate)


def test_a_ledger_without_cose_signatures_gives_no_cose_receipts() -> None:
    tables = TRANSACTIONS[4].domain.write_set
    signed = SignatureTransaction.of(
        {k: v for k, v in tables.items() if k != COSE_SIGNATURES}
    )
    proof = TxReceipt.of(
        TRANSACTIONS[3],
        signed,
        LEDGER.tree,
        commit_evidence=LEDGER.entries[3].commit_evidence,
    )
    assert proof.cose_signature() is None
    assert proof.cose_receipt() is None
    assert proof.cbor_proof() is not None


def test_endorsements_are_added_to_what_is_handed_out() -> None:
    proof = prove(4)
    assert (proof.service_endorsements, proof.cose_endorsements) == ((), None)
    pem = FIRST.certificate.pem
    endorsed = replace(proof, service_endorsements=(pem,), cose_endorsements=(b"one",))
    assert endorsed.cose_endorsements == (b"one",)
    assert endorsed.describe_v1()["service_endorsements"] == [pem]
    assert endorsed.json_receipt.service_endorsements == (pem,)


def test_the_oldest_signatures_show_no_certificate() -> None:
    proof = prove(4)
    assert proof.describe_v1()["cert"] == FIRST.node_certificate.pem
    by_node = replace(proof.signed.by_node, certificate=None)
    oldest = replace(proof, signed=replace(proof.signed, by_node=by_node))
    assert oldest.describe_v1()["cert"] == ""


@pytest.mark.parametrize("seqno", [1, 4])
def test_what_is_no_signature_signs_nothing(seqno: int) -> None:
    with pytest.raises(Malformed, match="not a signature"):
        SignatureTransaction.of(TRANSACTIONS[seqno - 1].domain.write_set)
