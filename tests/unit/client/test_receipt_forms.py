"""Every form that a proof is handed out in, read back and verified."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.client.receipts import (
    MEANINGS,
    NAMES_NOTHING,
    AnyReceipt,
    Explanation,
    Holds,
    explain,
    parse,
    parse_endorsements,
    transaction,
    verify,
)
from ccfpy.crypto import cbor, cose
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import der_signature, other_form, raw_signature
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.entry import NO_CLAIMS, LeafComponents, Transaction
from ccfpy.ledger.identity_endorsement import (
    ENDORSEMENTS_MAX,
    Epoch,
    IdentityEndorsement,
)
from ccfpy.ledger.merkle import climb
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, ReceiptStep, RevealedLeaf
from ccfpy.ledger.tx_receipt import (
    ReceiptForm,
    SignatureTransaction,
    TxReceipt,
    endorsements_json,
    write,
)
from tests.attacks import attack
from tests.unit.client.conftest import RECEIPT_TXID
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, small_ledger

LEDGER = small_ledger()
SIGNED = SignatureTransaction.of(
    Transaction.parse(LEDGER.entries[4].data).domain.write_set
)
PROOF = TxReceipt.of(
    Transaction.parse(LEDGER.entries[3].data),
    SIGNED,
    LEDGER.tree,
    commit_evidence=LEDGER.entries[3].commit_evidence,
)
TXID = TxId(2, 4)
ENDORSEMENT = IdentityEndorsement.make(
    SECOND.key,
    FIRST.key.public_key.der,
    Epoch(begin=TxId(2, 1), end=TxId(2, 10), last_root=bytes(32)),
    issued_at=ISSUED_AT,
).data


def written(form: ReceiptForm, proof: TxReceipt = PROOF) -> bytes:
    data = write(proof, form)
    assert data is not None
    return data


@pytest.mark.parametrize("form", [ReceiptForm.V1, ReceiptForm.V2, ReceiptForm.COSE])
def test_what_is_written_is_told_apart_and_verifies(form: ReceiptForm) -> None:
    receipt = parse(written(form))
    assert isinstance(receipt, CoseReceipt) is (form is ReceiptForm.COSE)
    assert transaction(receipt) == TXID
    taken = verify(receipt, FIRST.certificate, txid=TXID, claims_digest=NO_CLAIMS)
    assert [each.step for each in taken] == list(ReceiptStep)[: len(taken)]


def test_a_proof_and_a_signature_are_a_cose_receipt() -> None:
    proof, signature = written(ReceiptForm.PROOF), written(ReceiptForm.SIGNATURE)
    receipt = parse(proof, cose_signature=signature)
    assert isinstance(receipt, CoseReceipt)
    assert receipt.serialise() == written(ReceiptForm.COSE)
    verify(receipt, FIRST.certificate)
    with pytest.raises(Malformed, match="without the COSE signature"):
        parse(proof)
    with pytest.raises(Malformed, match="something attached"):
        parse(proof, cose_signature=cose.attach(signature, b"x", label=5))


def test_a_signature_has_the_forms_that_need_no_leaf() -> None:
    proof = TxReceipt.of_signature(SIGNED)
    assert transaction(parse(written(ReceiptForm.V1, proof))) is None
    assert write(proof, ReceiptForm.COSE) is None
    assert write(proof, ReceiptForm.PROOF) is None
    assert write(proof, ReceiptForm.SIGNATURE) == written(ReceiptForm.SIGNATURE)
    # Nothing in it says which transaction it is of, so it proves none.
    receipt = parse(written(ReceiptForm.V2, proof))
    verify(receipt, FIRST.certificate)
    with pytest.raises(ReceiptRefused, match=r"names no transaction.*, not 2\.5"):
        verify(receipt, FIRST.certificate, txid=TxId(2, 5))


def inner_node(receipt: Receipt) -> Receipt:
    """Return the parent of a receipt's leaf as the leaf, with the rest of the proof."""
    assert isinstance(receipt.leaf, RevealedLeaf)
    components = LeafComponents(
        receipt.leaf.write_set_digest,
        sha256(receipt.leaf.commit_evidence.encode()),
        receipt.leaf.claims_digest,
    )
    parent = climb(components.leaf, receipt.proof[:1])
    return replace(receipt, leaf=parent, proof=receipt.proof[1:])


@attack("ledger: an inner node of the tree, given as a leaf")
def test_an_inner_node_given_as_a_leaf_proves_no_transaction() -> None:
    receipt = inner_node(PROOF.json_receipt)
    assert Receipt.parse(dumps(receipt.to_json())) == receipt
    verify(receipt, FIRST.certificate)
    assert transaction(receipt) is None
    with pytest.raises(ReceiptRefused, match=r"names no transaction.*, not 2\.4"):
        verify(receipt, FIRST.certificate, txid=TXID)


@attack("ledger: a receipt with the other form of a signature")
def test_the_other_form_of_a_signature_proves_the_same() -> None:
    """CCF's nodes write either form, so neither can be refused."""
    plain, in_cose = parse(written(ReceiptForm.V1)), parse(written(ReceiptForm.COSE))
    assert isinstance(plain, Receipt)
    assert isinstance(in_cose, CoseReceipt)
    curve = FIRST.key.public_key.curve
    raw = other_form(curve, raw_signature(curve, plain.signature))
    others: tuple[AnyReceipt, ...] = (
        replace(plain, signature=der_signature(curve, raw)),
        *map(CoseReceipt.parse, forms_of(written(ReceiptForm.COSE))),
    )
    for other in others:
        verify(other, FIRST.certificate, txid=TXID, claims_digest=NO_CLAIMS)
        assert transaction(other) == TXID
        with pytest.raises(ReceiptRefused):
            verify(other, FIRST.certificate, txid=TxId(2, 5))


def forms_of(receipt: bytes) -> list[bytes]:
    """Write a COSE receipt with each form of its signature."""
    message = cose.parse(receipt)
    return [
        cbor.encode(
            cbor.Tag(
                cose.SIGN1_TAG,
                [message.protected_bytes, dict(message.unprotected), None, form],
            )
        )
        for form in message.signature_forms
    ]


def test_endorsements_are_written_as_applications_do_and_used() -> None:
    assert write(PROOF, ReceiptForm.ENDORSEMENTS) is None
    endorsed = replace(PROOF, cose_endorsements=(ENDORSEMENT,))
    chain = parse_endorsements(written(ReceiptForm.ENDORSEMENTS, endorsed))
    assert chain == (ENDORSEMENT,)
    receipt = parse(written(ReceiptForm.COSE, endorsed))
    assert len(verify(receipt, SECOND.certificate, endorsements=chain)) == len(
        ReceiptStep
    )
    with pytest.raises(ReceiptRefused) as refused:
        verify(receipt, SECOND.certificate)
    assert refused.value.step is ReceiptStep.SIGNATURE


def test_json_takes_no_endorsements_from_elsewhere() -> None:
    with pytest.raises(ReceiptRefused, match="carries its own") as refused:
        verify(
            parse(written(ReceiptForm.V1)),
            FIRST.certificate,
            endorsements=[ENDORSEMENT],
        )
    assert refused.value.step is ReceiptStep.ENDORSEMENT


@pytest.mark.parametrize("form", [ReceiptForm.V1, ReceiptForm.COSE])
def test_another_transaction_than_expected_is_refused(form: ReceiptForm) -> None:
    with pytest.raises(ReceiptRefused, match=r"proves transaction 2\.4, not 2\.5"):
        verify(parse(written(form)), FIRST.certificate, txid=TxId(2, 5))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"\xa0", b"\xd2", b"{", b"\xd2\x80", b"-----BEGIN"]
)
def test_what_is_neither_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(data)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"endorsements": "x"},
        {"endorsements": [1]},
        {"endorsements": ["!"]},
        {"endorsements": [""] * (ENDORSEMENTS_MAX + 1)},
    ],
    ids=["none", "text", "number", "letters", "too many"],
)
def test_what_is_no_list_of_endorsements_is_malformed(fields: object) -> None:
    with pytest.raises(Malformed):
        parse_endorsements(dumps(fields))
    most = endorsements_json([b""] * ENDORSEMENTS_MAX)
    assert len(parse_endorsements(dumps(most))) == ENDORSEMENTS_MAX


def _held(explained: Explanation) -> list[Holds]:
    return [told.holds for told in explained.steps]


def test_a_receipt_that_holds_says_what_it_proves(
    receipt: Receipt, service_pem: str
) -> None:
    explained = explain(receipt, Certificate.from_pem(service_pem))
    assert explained.transaction == RECEIPT_TXID
    assert _held(explained) == [Holds.YES] * 5
    assert all(told.computed for told in explained.steps)
    assert explained.verdict.startswith(f"{RECEIPT_TXID} is in the ledger")


def test_steps_after_one_that_fails_are_not_reached(
    receipt: Receipt, service_pem: str
) -> None:
    broken = replace(receipt, signature=b"\x30" + receipt.signature[1:-1])
    explained = explain(broken, Certificate.from_pem(service_pem))
    assert explained.transaction is None
    yes, no, later = Holds.YES, Holds.NO, Holds.NOT_REACHED
    assert _held(explained) == [yes, yes, yes, no, later]
    assert explained.steps[3].computed == ""
    assert "do not rely on it" in explained.verdict


def test_another_transaction_is_not_the_one_that_was_asked_for(
    receipt: Receipt, service_pem: str
) -> None:
    service = Certificate.from_pem(service_pem)
    explained = explain(receipt, service, txid=TxId(2, 16))
    assert explained.transaction is None
    assert _held(explained)[0] is Holds.NO
    assert "2.15, not 2.16" in explained.reason


def test_a_digest_in_place_of_a_leaf_proves_no_transaction(
    receipt: Receipt, service_pem: str
) -> None:
    hidden = replace(receipt, leaf=receipt.root())
    explained = explain(hidden, Certificate.from_pem(service_pem))
    assert explained.transaction is None
    assert NAMES_NOTHING in explained.reason


@pytest.mark.parametrize("step", list(ReceiptStep))
def test_each_step_has_its_meaning(step: ReceiptStep) -> None:
    assert MEANINGS[step].endswith(":")
    assert list(MEANINGS) == list(ReceiptStep)
