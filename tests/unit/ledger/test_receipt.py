"""Receipts: built, written, read and verified step by step."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.base.json import dumps
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.merkle import PathStep
from ccfpy.ledger.receipt import (
    PROOF_STEPS_MAX,
    Receipt,
    ReceiptRefused,
    ReceiptStep,
    RevealedLeaf,
)
from tests.damage import with_a_bit_changed
from tests.unit.ledger.made import FIRST, SECOND, MadeLedger, small_ledger

CLAIMS = sha256(b"what the application claims")


def claiming_ledger() -> MadeLedger:
    ledger = small_ledger()
    ledger.put({"public:log": {b"1": b"claim"}}, claims=CLAIMS)
    ledger.say("five")
    ledger.sign()
    return ledger


LEDGER = claiming_ledger()
RECEIPT = LEDGER.receipt(4)
CLAIMING = LEDGER.receipt(11, CLAIMS)


@pytest.mark.parametrize("seqno", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12])
def test_every_transaction_has_a_receipt_that_verifies(seqno: int) -> None:
    receipt = LEDGER.receipt(seqno)
    taken = receipt.verify(FIRST.certificate)
    assert [each.step for each in taken] == list(ReceiptStep)
    assert isinstance(receipt.leaf, RevealedLeaf)
    assert receipt.leaf.txid == TxId(2, seqno)


def test_each_step_says_what_it_computed() -> None:
    evidence, leaf, root, signature, endorsement = (
        each.computed for each in RECEIPT.verify(FIRST.certificate)
    )
    assert evidence.startswith("transaction 2.4, digest ")
    assert leaf == LEDGER.entries[3].leaf.hex()
    assert root == f"{LEDGER.tree.root(5).hex()} over {len(RECEIPT.proof)} siblings"
    assert signature == f"by node {FIRST.node}"
    assert endorsement == f"by the service {FIRST.certificate.digest_hex}"


def test_both_json_versions_read_back() -> None:
    for receipt in (RECEIPT, CLAIMING, CLAIMING.withhold_claims()):
        assert Receipt.from_json(receipt.to_json()) == receipt
        assert Receipt.parse(json.dumps(receipt.to_json())) == receipt
        assert Receipt.from_json(receipt.to_json_v2()) == receipt


def test_version_one_has_ccfs_fields() -> None:
    fields = RECEIPT.to_json()
    assert sorted(fields) == [
        "cert",
        "leaf_components",
        "node_id",
        "proof",
        "signature",
    ]
    components = fields["leaf_components"]
    assert isinstance(components, dict)
    assert sorted(components) == [
        "claims_digest",
        "commit_evidence",
        "write_set_digest",
    ]
    proof = fields["proof"]
    assert isinstance(proof, list)
    assert all(isinstance(step, dict) for step in proof)


def test_version_two_says_that_it_is_no_signature() -> None:
    fields = RECEIPT.to_json_v2()
    assert fields["is_signature_transaction"] is False
    assert fields["service_endorsements"] == []


def signature_receipt() -> Receipt:
    signed = LEDGER.signatures[0]
    assert signed.certificate is not None
    return Receipt(
        leaf=signed.root,
        proof=(),
        signature=signed.signature,
        node=signed.node,
        certificate=signed.certificate,
    )


def test_a_signatures_receipt_is_the_root_it_signed() -> None:
    receipt = signature_receipt()
    fields = receipt.to_json()
    assert fields["leaf"] == LEDGER.signatures[0].root.hex()
    assert fields["proof"] == []
    assert receipt.to_json_v2()["is_signature_transaction"] is True
    assert Receipt.from_json(fields) == receipt
    assert len(receipt.verify(FIRST.certificate)) == len(ReceiptStep)
    with pytest.raises(ReceiptRefused, match="bare leaf binds no claims") as refused:
        receipt.verify(FIRST.certificate, claims_digest=CLAIMS)
    assert refused.value.step is ReceiptStep.LEAF


def test_claims_are_bound_and_may_be_withheld() -> None:
    CLAIMING.verify(FIRST.certificate)
    CLAIMING.verify(FIRST.certificate, claims_digest=CLAIMS)
    withheld = CLAIMING.withhold_claims()
    assert "claims_digest" not in json.dumps(withheld.to_json())
    withheld.verify(FIRST.certificate, claims_digest=CLAIMS)
    assert withheld.root(claims_digest=CLAIMS) == CLAIMING.root()
    assert (CLAIMING.is_withholding_claims, withheld.is_withholding_claims) == (
        False,
        True,
    )
    with pytest.raises(ReceiptRefused, match="must be given") as refused:
        withheld.verify(FIRST.certificate)
    assert refused.value.step is ReceiptStep.SIGNATURE
    with pytest.raises(ReceiptRefused, match="for other claims") as refused:
        CLAIMING.verify(FIRST.certificate, claims_digest=sha256(b"other"))
    assert refused.value.step is ReceiptStep.LEAF


def leaf(**changes: object) -> RevealedLeaf:
    assert isinstance(RECEIPT.leaf, RevealedLeaf)
    return replace(RECEIPT.leaf, **changes)  # type: ignore[arg-type] # fields by name


def evidence() -> str:
    assert isinstance(RECEIPT.leaf, RevealedLeaf)
    return RECEIPT.leaf.commit_evidence


FIRST_STEP = RECEIPT.proof[0]
REFUSED = {
    "evidence of another form": (
        replace(RECEIPT, leaf=leaf(commit_evidence="no evidence")),
        ReceiptStep.EVIDENCE,
    ),
    "evidence of no transaction": (
        replace(RECEIPT, leaf=leaf(commit_evidence="ce:0.0:00")),
        ReceiptStep.EVIDENCE,
    ),
    "evidence of another transaction": (
        replace(RECEIPT, leaf=leaf(commit_evidence=evidence().replace("2.4", "2.5"))),
        ReceiptStep.SIGNATURE,
    ),
    "another write set": (
        replace(RECEIPT, leaf=leaf(write_set_digest=bytes(32))),
        ReceiptStep.SIGNATURE,
    ),
    "another sibling": (
        replace(
            RECEIPT,
            proof=(
                PathStep(FIRST_STEP.is_left, with_a_bit_changed(FIRST_STEP.digest)),
                *RECEIPT.proof[1:],
            ),
        ),
        ReceiptStep.SIGNATURE,
    ),
    "a sibling on the other side": (
        replace(
            RECEIPT,
            proof=(
                PathStep(not FIRST_STEP.is_left, FIRST_STEP.digest),
                *RECEIPT.proof[1:],
            ),
        ),
        ReceiptStep.SIGNATURE,
    ),
    "a step less": (replace(RECEIPT, proof=RECEIPT.proof[1:]), ReceiptStep.SIGNATURE),
    "a proof of another transaction": (
        replace(RECEIPT, proof=LEDGER.receipt(3).proof),
        ReceiptStep.SIGNATURE,
    ),
    "another signature": (
        replace(RECEIPT, signature=CLAIMING.signature),
        ReceiptStep.SIGNATURE,
    ),
    "another node's name": (
        replace(RECEIPT, node=NodeId("0" * 64)),
        ReceiptStep.SIGNATURE,
    ),
    "another node's certificate": (
        replace(RECEIPT, certificate=SECOND.node_certificate.pem),
        ReceiptStep.SIGNATURE,
    ),
    "no certificate": (replace(RECEIPT, certificate=""), ReceiptStep.SIGNATURE),
    "what is no certificate": (
        replace(RECEIPT, certificate="none"),
        ReceiptStep.SIGNATURE,
    ),
    "an endorsement that does not belong": (
        replace(RECEIPT, service_endorsements=(SECOND.certificate.pem,)),
        ReceiptStep.ENDORSEMENT,
    ),
    "an endorsement that is none": (
        replace(RECEIPT, service_endorsements=("none",)),
        ReceiptStep.ENDORSEMENT,
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_first_step_that_fails_is_named(what: str) -> None:
    receipt, step = REFUSED[what]
    with pytest.raises(ReceiptRefused) as refused:
        receipt.verify(FIRST.certificate)
    assert refused.value.step is step
    order = list(ReceiptStep)
    assert [each.step for each in refused.value.taken] == order[: order.index(step)]
    assert str(refused.value).startswith(f"{step} step: ")


def test_another_service_does_not_vouch_for_it() -> None:
    with pytest.raises(ReceiptRefused) as refused:
        RECEIPT.verify(SECOND.certificate)
    assert refused.value.step is ReceiptStep.ENDORSEMENT


def test_the_services_own_certificate_may_stand_among_the_endorsements() -> None:
    receipt = replace(RECEIPT, service_endorsements=(FIRST.certificate.pem,))
    assert Receipt.from_json(receipt.to_json()) == receipt
    *_, last = receipt.verify(FIRST.certificate)
    assert "through 1 endorsement" in last.computed


BAD_FIELDS: dict[str, object] = {
    "signature": "!",
    "node_id": 1,
    "cert": None,
    "proof": {},
    "leaf_components": [],
    "service_endorsements": "pem",
}


@pytest.mark.parametrize("name", BAD_FIELDS)
def test_a_wrong_field_is_malformed(name: str) -> None:
    fields = {**RECEIPT.to_json(), name: BAD_FIELDS[name]}
    with pytest.raises(Malformed):
        Receipt.parse(json.dumps(fields))


@pytest.mark.parametrize(
    "step",
    [
        None,
        {},
        {"left": "00", "right": "00"},
        {"up": "0" * 64},
        {"left": 1},
        {"left": "00"},
        {"left": "zz" * 32},
        {"left": " 0" * 32},
    ],
    ids=str,
)
def test_a_wrong_step_is_malformed(step: object) -> None:
    with pytest.raises(Malformed):
        Receipt.parse(json.dumps({**RECEIPT.to_json(), "proof": [step]}))


def test_both_or_neither_leaf_is_malformed() -> None:
    fields = RECEIPT.to_json()
    with pytest.raises(Malformed, match="either"):
        Receipt.parse(json.dumps({**fields, "leaf": "0" * 64}))
    del fields["leaf_components"]
    with pytest.raises(Malformed, match="either"):
        Receipt.parse(json.dumps(fields))


def test_a_proof_is_bounded() -> None:
    step = {"left": "0" * 64}
    fields = {**RECEIPT.to_json(), "proof": [step] * PROOF_STEPS_MAX}
    assert len(Receipt.parse(json.dumps(fields)).proof) == PROOF_STEPS_MAX
    fields["proof"] = [step] * (PROOF_STEPS_MAX + 1)
    with pytest.raises(Malformed, match="at most 64"):
        Receipt.parse(json.dumps(fields))


def test_endorsements_are_texts() -> None:
    with pytest.raises(Malformed, match="list of certificates"):
        Receipt.parse(json.dumps({**RECEIPT.to_json(), "service_endorsements": [1]}))


def recoded(receipt: Receipt, **fields: object) -> str:
    return json.dumps({**receipt.to_json(), **fields})


def leaf_with(**fields: object) -> dict[str, object]:
    components = RECEIPT.to_json()["leaf_components"]
    assert isinstance(components, dict)
    return {**components, **fields}


SIGNATURE_TEXT = str(RECEIPT.to_json()["signature"])
ANOTHER_FORM: dict[str, dict[str, object]] = {
    "a field that nobody checks": {"note": "hello"},
    "a part of the leaf that nobody checks": {"leaf_components": leaf_with(note="x")},
    "a claims digest of nothing": {"leaf_components": leaf_with(claims_digest=None)},
    "hex in capitals": {
        "leaf_components": leaf_with(
            write_set_digest=leaf().write_set_digest.hex().upper()
        )
    },
    "a claim to be a signature": {"is_signature_transaction": True},
    "something that is nothing": {"": None},
}


@pytest.mark.parametrize("what", ANOTHER_FORM)
def test_a_receipt_in_another_form_is_malformed(what: str) -> None:
    with pytest.raises(Malformed, match="one form"):
        Receipt.parse(recoded(RECEIPT, **ANOTHER_FORM[what]))


def test_the_spare_bits_of_base64_must_be_zero() -> None:
    # Of one to three bytes in four letters, the last letter's low bits say nothing.
    changes = 0
    for signature in (SIGNATURE_TEXT, str(CLAIMING.to_json()["signature"])):
        if not signature.endswith("="):
            continue
        body = signature.rstrip("=")
        letter = chr(ord(body[-1]) + 1)
        with pytest.raises(Malformed):
            Receipt.parse(
                recoded(RECEIPT, signature=body[:-1] + letter + signature[len(body) :])
            )
        changes += 1
    assert changes, "no signature here has spare bits"


@pytest.mark.parametrize(
    "pem",
    [
        FIRST.node_certificate.pem.strip(),
        FIRST.node_certificate.pem.replace("\n", "\r\n"),
        "note\n" + FIRST.node_certificate.pem,
    ],
    ids=["no end of line", "other ends of lines", "a line before it"],
)
def test_a_certificate_in_another_form_is_refused(pem: str) -> None:
    with pytest.raises(ReceiptRefused, match="one form") as refused:
        replace(RECEIPT, certificate=pem).verify(FIRST.certificate)
    assert refused.value.step is ReceiptStep.SIGNATURE


def changed_at(text: bytes, at: int, by: int) -> bytes:
    return text[:at] + bytes([text[at] ^ by]) + text[at + 1 :]


@pytest.mark.slow
def test_no_fourth_byte_can_be_changed_unnoticed() -> None:
    receipt = replace(CLAIMING, service_endorsements=(FIRST.certificate.pem,))
    receipt.verify(FIRST.certificate)
    text = dumps(receipt.to_json_v2())
    for at in range(0, len(text), 4):
        with pytest.raises(CcfpyError):
            Receipt.parse(changed_at(text, at, 1 << at % 8)).verify(FIRST.certificate)


@given(st.sampled_from([RECEIPT, CLAIMING, signature_receipt()]), st.data())
def test_no_change_of_one_byte_is_accepted(
    receipt: Receipt, data: st.DataObject
) -> None:
    text = dumps(receipt.to_json())
    at = data.draw(st.integers(0, len(text) - 1))
    by = data.draw(st.integers(1, 255))
    with pytest.raises(CcfpyError):
        Receipt.parse(changed_at(text, at, by)).verify(FIRST.certificate)
