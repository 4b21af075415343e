"""Receipts that CCF signed are accepted, and refused with any byte changed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError
from ccfpy.client import receipts
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.receipt import Receipt, ReceiptRefused, ReceiptStep, RevealedLeaf
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tx_receipt import ReceiptForm, SignatureTransaction, TxReceipt, write
from tests.vectors.recording import Recording
from tests.vectors.test_recorded_ledgers import node_certificates

FOLDER = Path(__file__).parent / "receipts"
FILES = sorted(
    path.name for path in chain(FOLDER.glob("*.json"), FOLDER.glob("*.cose"))
)
STEPS = list(ReceiptStep)


def service_of(name: str) -> Certificate:
    return Certificate.from_pem((FOLDER / name).with_suffix(".pem").read_bytes())


def accept(data: bytes, service: Certificate) -> int:
    return len(receipts.verify(receipts.parse(data), service))


@pytest.mark.parametrize("name", FILES)
def test_a_receipt_of_ccfs_verifies_and_is_of_its_transaction(name: str) -> None:
    data, service = (FOLDER / name).read_bytes(), service_of(name)
    assert accept(data, service) == (4 if name.endswith(".cose") else 5)
    txid = receipts.transaction(receipts.parse(data))
    assert txid is not None
    assert txid.seqno == int(Path(name).stem.split("-")[1])


@pytest.mark.parametrize("name", FILES)
def test_no_other_service_vouches_for_it(name: str) -> None:
    data, own = (FOLDER / name).read_bytes(), service_of(name)
    others = {service_of(other) for other in FILES} - {own}
    assert others
    for other in others:
        with pytest.raises(ReceiptRefused) as refused:
            accept(data, other)
        last = (
            ReceiptStep.SIGNATURE if name.endswith(".cose") else ReceiptStep.ENDORSEMENT
        )
        assert refused.value.step is last


def test_ccf_writes_the_receipts_that_are_written_here() -> None:
    for name in FILES:
        data = (FOLDER / name).read_bytes()
        receipt = receipts.parse(data)
        if isinstance(receipt, CoseReceipt):
            assert receipt.serialise() == data
        else:
            assert Receipt.from_json(receipt.to_json_v2()) == receipt


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
@given(st.data())
def test_no_change_of_one_byte_is_accepted(name: str, data: st.DataObject) -> None:
    changed = bytearray((FOLDER / name).read_bytes())
    at = data.draw(st.integers(0, len(changed) - 1))
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CcfpyError):
        accept(bytes(changed), service_of(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cose_flipflop-43.json", "cose_flipflop-15.cose"])
def test_a_change_is_refused_at_every_place(name: str) -> None:
    data, service = (FOLDER / name).read_bytes(), service_of(name)
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        with pytest.raises(CcfpyError):
            accept(changed, service)


@pytest.mark.parametrize("name", FILES)
def test_a_shorter_or_longer_receipt_is_refused(name: str) -> None:
    data, service = (FOLDER / name).read_bytes(), service_of(name)
    for changed in (data[:-1], data[1:], data + b"\0", data + data):
        with pytest.raises(CcfpyError):
            accept(changed, service)


def proofs(recording: Recording, secrets: LedgerSecrets) -> Iterator[TxReceipt]:
    """Prove every signed transaction of a ledger."""
    tree = recording.tree()
    later: SignatureTransaction | None = None
    for transaction in reversed(recording.transactions):
        write_set = transaction.domain.write_set
        if is_signature(write_set):
            later = SignatureTransaction.of(write_set)
        if later is not None:
            yield TxReceipt.of(
                transaction,
                later,
                tree,
                commit_evidence=transaction.commit_evidence(secrets),
            )


@pytest.mark.slow
def test_every_transaction_of_a_ledger_is_proved_in_every_form(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    in_json = in_cose = 0
    for proof in proofs(recording, secrets):
        if proof.signed.by_node.certificate is None:
            continue
        service = recording.service_at(proof.signed.txid.seqno)
        for form in (ReceiptForm.V1, ReceiptForm.V2):
            data = write(proof, form)
            assert data is not None
            assert accept(data, service) == len(STEPS)
            in_json += 1
        data = write(proof, ReceiptForm.COSE)
        if data is not None:
            assert accept(data, service) == len(STEPS) - 1
            in_cose += 1
    assert in_json
    assert bool(in_cose) is (recording.name == "cose_flipflop_service")


def test_what_ccf_1_signed_does_not_say_who_did(
    recording: Recording, secrets: LedgerSecrets
) -> None:
    kinds = set()
    for proof in proofs(recording, secrets):
        signed = proof.signed.by_node
        if signed.certificate is not None:
            continue
        service = recording.service_at(signed.txid.seqno)
        with pytest.raises(ReceiptRefused) as refused:
            proof.json_receipt.verify(service)
        assert refused.value.step is ReceiptStep.SIGNATURE
        certificate = node_certificates(recording, signed.txid.seqno)[signed.node]
        known = replace(proof.json_receipt, certificate=certificate.pem)
        assert len(known.verify(service)) == len(STEPS)
        kinds.add((isinstance(proof.leaf, RevealedLeaf), bool(proof.path)))
    if recording.name == "cose_flipflop_service":
        assert not kinds
    else:
        assert kinds == {(False, True), (False, False)}, "bare leaves and signatures"
