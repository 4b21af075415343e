"""COSE receipts, and chains of endorsements that lead to an earlier service."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed, VerificationFailed
from ccfpy.base.ids import TxId
from ccfpy.client.cose_receipt import CoseReceipt, InclusionProof, covers, links
from ccfpy.crypto import cbor, cose
from ccfpy.ledger.entry import NO_CLAIMS, Transaction
from ccfpy.ledger.identity_endorsement import (
    ENDORSEMENTS_MAX,
    Epoch,
    IdentityEndorsement,
)
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import ReceiptRefused, ReceiptStep, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SINGLE_KEY
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, small_ledger
from tests.unit.ledger.test_endorsement_chain import (
    CHAIN,
    RECORDS,
    THIRD,
    chain_for,
    endorse,
)

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


FIRST_KEY, SECOND_KEY, THIRD_KEY = (
    each.key.public_key for each in (FIRST, SECOND, THIRD)
)


def test_following_a_chain_gives_each_key_and_when_it_ruled() -> None:
    second, first = links(CHAIN, THIRD_KEY)
    assert (second.endorsed.der, first.endorsed.der) == (SECOND_KEY.der, FIRST_KEY.der)
    assert covers(second.epoch, TxId(4, 21))
    assert covers(second.epoch, TxId(5, 30))
    assert covers(first.epoch, TxId(2, 20))
    assert list(links((), THIRD_KEY)) == []


@pytest.mark.parametrize(
    "txid", [TxId(4, 20), TxId(5, 31), TxId(3, 25), TxId(6, 25)], ids=str
)
def test_a_key_rules_nothing_outside_its_epoch(txid: TxId) -> None:
    assert not covers(RECORDS[40].epoch, txid)
    assert not covers(RECORDS[3].epoch, txid), "an epoch without end was not left"


BROKEN = {
    "the newest link is missing": CHAIN[1:],
    "links out of order": CHAIN[::-1],
    "an epoch that ends before it began": (
        endorse(THIRD, SECOND, (4, 21), (4, 20)).data,
    ),
    "an epoch that ends in an earlier view": (
        endorse(THIRD, SECOND, (4, 21), (3, 30)).data,
    ),
    "another's key without an end": (endorse(THIRD, SECOND, (4, 21), None).data,),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_chain_that_does_not_hold_is_refused(what: str) -> None:
    with pytest.raises(VerificationFailed, match="endorsement 1, of the epoch"):
        list(links(BROKEN[what], THIRD_KEY))


def test_the_link_that_fails_is_named() -> None:
    held = links((CHAIN[0], RECORDS[3].data), THIRD_KEY)
    next(held)
    with pytest.raises(
        VerificationFailed, match=r"endorsement 2, of the epoch from 2\.1"
    ):
        next(held)


@given(st.data())
def test_a_flipped_bit_never_leads_elsewhere(data: st.DataObject) -> None:
    chain = [bytearray(each) for each in CHAIN]
    link = chain[data.draw(st.integers(0, 1))]
    link[data.draw(st.integers(0, len(link) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with suppress(CcfpyError):
        *_, last = links([bytes(each) for each in chain], THIRD_KEY)
        assert last.endorsed.der == FIRST_KEY.der
        assert last.epoch == RECORDS[25].epoch


def test_a_service_opened_twice_endorses_itself_in_between() -> None:
    odd = endorse(SECOND, SECOND, (4, 21), (2, 20), 25)
    newest = endorse(THIRD, SECOND, (4, 21), (5, 30), 28)
    records = {3: RECORDS[3], 25: RECORDS[25], 28: odd, 40: newest}
    *_, last = links(chain_for(10, records) or (), THIRD_KEY)
    assert last.endorsed.der == FIRST_KEY.der


@pytest.mark.parametrize(
    "older",
    [
        endorse(THIRD, FIRST, (2, 1), (2, 20)),
        endorse(SECOND, FIRST, (2, 1), (2, 19)),
        endorse(SECOND, FIRST, (2, 1), (3, 20)),
    ],
    ids=["key", "seqno", "view"],
)
def test_a_link_that_does_not_lead_up_to_the_next_is_refused(
    older: IdentityEndorsement,
) -> None:
    with pytest.raises(VerificationFailed):
        list(links((RECORDS[40].data, older.data), THIRD_KEY))


def test_a_chain_has_a_bound() -> None:
    link = endorse(FIRST, FIRST, (2, 1), (0x7FFF_FFFF, 2**40), 7)
    with pytest.raises(Malformed, match="chain of 1001"):
        list(links((link.data,) * (ENDORSEMENTS_MAX + 1), FIRST_KEY))
