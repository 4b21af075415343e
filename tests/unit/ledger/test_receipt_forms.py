"""Every form that a proof is handed out in, read back and verified."""

from dataclasses import replace

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import dumps
from ccfpy.crypto import cose
from ccfpy.ledger.cose_receipt import CoseReceipt
from ccfpy.ledger.endorsements import ENDORSEMENTS_MAX
from ccfpy.ledger.entry import NO_CLAIMS, Transaction
from ccfpy.ledger.identity import Epoch, IdentityEndorsement
from ccfpy.ledger.receipt import ReceiptRefused, Step
from ccfpy.ledger.receipt_forms import (
    CONTENT_TYPES,
    Form,
    endorsements_json,
    parse,
    parse_endorsements,
    transaction,
    verify,
    write,
)
from ccfpy.ledger.tx_receipt import SignedRoot, TxReceipt
from tests.unit.ledger.made import FIRST, ISSUED_AT, SECOND, small_ledger

LEDGER = small_ledger()
SIGNED = SignedRoot.of(Transaction.parse(LEDGER.entries[4].data).domain.write_set)
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


def written(form: Form, proof: TxReceipt = PROOF) -> bytes:
    data = write(proof, form)
    assert data is not None
    return data


@pytest.mark.parametrize("form", [Form.V1, Form.V2, Form.COSE])
def test_what_is_written_is_told_apart_and_verifies(form: Form) -> None:
    receipt = parse(written(form))
    assert isinstance(receipt, CoseReceipt) is (form is Form.COSE)
    assert transaction(receipt) == TXID
    taken = verify(receipt, FIRST.certificate, txid=TXID, claims_digest=NO_CLAIMS)
    assert [each.step for each in taken] == list(Step)[: len(taken)]


def test_every_form_has_its_content_type() -> None:
    assert CONTENT_TYPES.keys() == set(Form)


def test_a_proof_and_a_signature_are_a_cose_receipt() -> None:
    proof, signature = written(Form.PROOF), written(Form.SIGNATURE)
    receipt = parse(proof, cose_signature=signature)
    assert isinstance(receipt, CoseReceipt)
    assert receipt.serialise() == written(Form.COSE)
    verify(receipt, FIRST.certificate)
    with pytest.raises(Malformed, match="without the COSE signature"):
        parse(proof)
    with pytest.raises(Malformed, match="something attached"):
        parse(proof, cose_signature=cose.attach(signature, b"x", label=5))


def test_a_signature_has_the_forms_that_need_no_leaf() -> None:
    proof = TxReceipt.of_signature(SIGNED)
    assert transaction(parse(written(Form.V1, proof))) is None
    assert write(proof, Form.COSE) is None
    assert write(proof, Form.PROOF) is None
    assert write(proof, Form.SIGNATURE) == written(Form.SIGNATURE)
    # Nothing in it says which transaction it is of, so any may be meant.
    verify(parse(written(Form.V2, proof)), FIRST.certificate, txid=TxId(2, 5))


def test_endorsements_are_written_as_applications_do_and_used() -> None:
    assert write(PROOF, Form.ENDORSEMENTS) is None
    endorsed = replace(PROOF, cose_endorsements=(ENDORSEMENT,))
    chain = parse_endorsements(written(Form.ENDORSEMENTS, endorsed))
    assert chain == (ENDORSEMENT,)
    receipt = parse(written(Form.COSE, endorsed))
    assert len(verify(receipt, SECOND.certificate, endorsements=chain)) == len(Step)
    with pytest.raises(ReceiptRefused) as refused:
        verify(receipt, SECOND.certificate)
    assert refused.value.step is Step.SIGNATURE


def test_json_takes_no_endorsements_from_elsewhere() -> None:
    with pytest.raises(ReceiptRefused, match="carries its own") as refused:
        verify(parse(written(Form.V1)), FIRST.certificate, endorsements=[ENDORSEMENT])
    assert refused.value.step is Step.ENDORSEMENT


@pytest.mark.parametrize("form", [Form.V1, Form.COSE])
def test_another_transaction_than_expected_is_refused(form: Form) -> None:
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
