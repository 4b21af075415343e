"""COSE receipts: a proof inside the service's signature."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof
from ccfpy.crypto import cbor, cose
from ccfpy.ledger.entry import NO_CLAIMS, Transaction
from ccfpy.ledger.identity_endorsement import Epoch, IdentityEndorsement
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SINGLE_KEY
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, small_ledger

LEDGER = small_ledger()
SIGNED = Transaction.parse(LEDGER.entries[4].data).domain.write_set
SIGNATURE = CoseSignature.parse(SIGNED[COSE_SIGNATURES][SINGLE_KEY] or b"")
JSON_RECEIPT = LEDGER.receipt(4)
assert isinstance(JSON_RECEIPT.leaf, RevealedLeaf)
LEAF = JSON_RECEIPT.leaf
RECEIPT = CoseReceipt(
    signature=SIGNATURE, proof=InclusionProof(leaf=LEAF, path=JSON_RECEIPT.proof)
)
KEY = FIRST.key.public_key


def with_proof(proof: object) -> bytes:
    return cose.set_unprotected(SIGNATURE.data, {396: proof})


def test_a_receipt_verifies_with_the_services_key_alone() -> None:
    read = CoseReceipt.parse(RECEIPT.serialise())
    assert read.proof == RECEIPT.proof
    assert read.proof.root() == LEDGER.tree.root(5)
    taken = read.verify(KEY)
    assert [each.step for each in taken] == list(ReceiptStep)[:4]
    assert read.verify(KEY, claims_digest=NO_CLAIMS) == taken
    assert read.serialise() == RECEIPT.serialise()


def changed(**fields: object) -> CoseReceipt:
    proof = replace(RECEIPT.proof, **fields)  # type: ignore[arg-type] # fields by name
    return replace(RECEIPT, proof=proof)


STEP = RECEIPT.proof.path[0]
REFUSED = {
    "evidence": (
        changed(leaf=replace(LEAF, commit_evidence="none")),
        ReceiptStep.EVIDENCE,
    ),
    "write set": (
        changed(leaf=replace(LEAF, write_set_digest=bytes(32))),
        ReceiptStep.SIGNATURE,
    ),
    "claims": (
        changed(leaf=replace(LEAF, claims_digest=b"c" * 32)),
        ReceiptStep.SIGNATURE,
    ),
    "side": (
        changed(
            path=(PathStep(not STEP.is_left, STEP.digest), *RECEIPT.proof.path[1:])
        ),
        ReceiptStep.SIGNATURE,
    ),
    "length": (changed(path=()), ReceiptStep.SIGNATURE),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_first_step_that_fails_is_named(what: str) -> None:
    receipt, step = REFUSED[what]
    with pytest.raises(ReceiptRefused) as refused:
        receipt.verify(KEY)
    assert refused.value.step is step


def test_other_claims_and_another_service_are_refused() -> None:
    with pytest.raises(ReceiptRefused) as refused:
        RECEIPT.verify(KEY, claims_digest=b"c" * 32)
    assert refused.value.step is ReceiptStep.LEAF
    with pytest.raises(ReceiptRefused) as refused:
        RECEIPT.verify(SECOND.key.public_key)
    assert refused.value.step is ReceiptStep.SIGNATURE


DIGEST = bytes(32)
GOOD_LEAF = [DIGEST, "ce:2.4:00", DIGEST]
BAD_PROOFS = {
    "no map": [],
    "no path": {1: GOOD_LEAF},
    "another part": {1: GOOD_LEAF, 2: [], 3: 0},
    "a short leaf": {1: [DIGEST, "e"], 2: []},
    "a leaf that is no array": {1: 1, 2: []},
    "evidence in bytes": {1: [DIGEST, b"e", DIGEST], 2: []},
    "a short digest": {1: [b"d", "e", DIGEST], 2: []},
    "claims that are text": {1: [DIGEST, "e", "c"], 2: []},
    "a path that is no array": {1: GOOD_LEAF, 2: 1},
    "a short step": {1: GOOD_LEAF, 2: [[True]]},
    "a step that is no array": {1: GOOD_LEAF, 2: [1]},
    "a side that is a number": {1: GOOD_LEAF, 2: [[1, DIGEST]]},
    "a long path": {1: GOOD_LEAF, 2: [[True, DIGEST]] * 65},
}


@pytest.mark.parametrize("what", BAD_PROOFS)
def test_what_is_no_proof_is_malformed(what: str) -> None:
    with pytest.raises(Malformed):
        InclusionProof.parse(cbor.encode(BAD_PROOFS[what]))


@pytest.mark.parametrize(
    "proofs", [None, [], {}, {-1: []}, {-1: [1]}, {-1: [b"", b""]}], ids=str
)
def test_a_signature_without_one_proof_is_no_receipt(proofs: object) -> None:
    with pytest.raises(Malformed):
        CoseReceipt.parse(with_proof(proofs))


EARLIER = IdentityEndorsement.make(
    SECOND.key,
    KEY.der,
    Epoch(begin=TxId(2, 1), end=TxId(3, 9), last_root=bytes(32)),
    issued_at=ISSUED_AT,
).data


def test_a_receipt_of_an_earlier_service_verifies_by_endorsements() -> None:
    *_, signature, endorsement = RECEIPT.verify(
        SECOND.key.public_key, endorsements=[EARLIER]
    )
    assert signature.computed == f"by the service key {SIGNATURE.key_id}"
    assert endorsement.step is ReceiptStep.ENDORSEMENT
    assert "for 2.1 to 3.9, through 1 endorsement" in endorsement.computed


def endorsed(begin: TxId, end: TxId) -> bytes:
    epoch = Epoch(begin=begin, end=end, last_root=bytes(32))
    return IdentityEndorsement.make(
        SECOND.key, KEY.der, epoch, issued_at=ISSUED_AT
    ).data


CHAINS_REFUSED = {
    "no endorsement": (b"none", ReceiptStep.SIGNATURE),
    "of another key": (
        IdentityEndorsement.make(
            SECOND.key,
            SECOND.key.public_key.der,
            Epoch(begin=TxId(2, 1)),
            issued_at=ISSUED_AT,
        ).data,
        ReceiptStep.SIGNATURE,
    ),
    "by a stranger": (
        IdentityEndorsement.make(
            FIRST.key,
            KEY.der,
            Epoch(begin=TxId(2, 1), end=TxId(3, 9), last_root=bytes(32)),
            issued_at=ISSUED_AT,
        ).data,
        ReceiptStep.ENDORSEMENT,
    ),
    "of an epoch that begins later": (
        endorsed(TxId(2, 5), TxId(3, 9)),
        ReceiptStep.ENDORSEMENT,
    ),
    "of an epoch that ends before the signature": (
        endorsed(TxId(2, 1), TxId(2, 4)),
        ReceiptStep.ENDORSEMENT,
    ),
}


@pytest.mark.parametrize("what", CHAINS_REFUSED)
def test_a_chain_that_does_not_lead_to_it_is_refused(what: str) -> None:
    chain, step = CHAINS_REFUSED[what]
    with pytest.raises(ReceiptRefused) as refused:
        RECEIPT.verify(SECOND.key.public_key, endorsements=[chain])
    assert refused.value.step is step
    assert len(refused.value.taken) == list(ReceiptStep).index(step)


@pytest.mark.parametrize(
    "header",
    [
        {396: {-1: [RECEIPT.proof.serialise()]}, 5: b"iv"},
        {396: {-1: [RECEIPT.proof.serialise()], -2: []}},
    ],
    ids=["header", "proofs"],
)
def test_what_nobody_checks_must_not_be_there(header: cose.Header) -> None:
    with pytest.raises(Malformed, match="one form"):
        CoseReceipt.parse(cose.set_unprotected(SIGNATURE.data, header))


def test_no_byte_can_be_changed_unnoticed() -> None:
    data = RECEIPT.serialise()
    for at in range(len(data)):
        altered = bytearray(data)
        altered[at] ^= 1 << at % 8
        with pytest.raises(CcfpyError):
            CoseReceipt.parse(bytes(altered)).verify(KEY)


@given(st.data())
def test_no_change_of_one_byte_is_accepted(data: st.DataObject) -> None:
    altered = bytearray(RECEIPT.serialise())
    at = data.draw(st.integers(0, len(altered) - 1))
    altered[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CcfpyError):
        CoseReceipt.parse(bytes(altered)).verify(KEY)
