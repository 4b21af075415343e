"""Receipts as a node serves them: on every frontend, of the first and of signatures."""

import pytest

from ccfpy.base.ids import TxId
from ccfpy.client import receipts
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.client.receipts import AnyReceipt
from ccfpy.crypto.certs import Certificate
from ccfpy.ledger.tx_receipt import ReceiptForm
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.recovered import wait, write


def ask(node: InProcessNode, prefix: str, txid: TxId, form: str) -> bytes | None:
    """Ask for a receipt until it is there; nothing if there is none of that form."""
    path = f"/{prefix}/receipt?transaction_id={txid}&form={form}"
    reply = node.request("GET", path)
    for _ in range(100):
        if reply.status != 202:
            break
        node.advance(10)
        reply = node.request("GET", path)
    assert reply.status in (200, 404), reply.body
    return reply.body if reply.status == 200 else None


def verify(node: InProcessNode, receipt: AnyReceipt, txid: TxId) -> None:
    today = Certificate.from_pem(node.service_certificate)
    # A signature's receipt names no transaction, and so proves none.
    is_named = receipts.transaction(receipt) is not None
    receipts.verify(receipt, today, txid=txid if is_named else None)


@pytest.mark.parametrize("prefix", ["app", "gov", "node"])
@pytest.mark.parametrize("form", [ReceiptForm.V1, ReceiptForm.V2, ReceiptForm.COSE])
def test_every_frontend_proves_every_transaction(
    node: InProcessNode, alice: Person, prefix: str, form: ReceiptForm
) -> None:
    write(node, alice, a="a secret")
    wait(node)
    signatures = 0
    for seqno in range(1, node.host.commit + 1):
        txid = TxId(2, seqno)
        data = ask(node, prefix, txid, form)
        if data is None:
            signatures += 1
            assert form is ReceiptForm.COSE, "only signatures have no COSE receipt"
            assert ask(node, prefix, txid, ReceiptForm.SIGNATURE) is not None
            continue
        receipt = receipts.parse(data)
        verify(node, receipt, txid)
        assert receipts.transaction(receipt) in (txid, None)
    assert bool(signatures) is (form is ReceiptForm.COSE)


def test_a_proof_and_a_signature_are_handed_out_apart(
    node: InProcessNode, alice: Person
) -> None:
    write(node, alice, a="a secret")
    wait(node)
    txid = TxId(2, 1)
    proof, signature, whole = (
        ask(node, "node", txid, form)
        for form in (ReceiptForm.PROOF, ReceiptForm.SIGNATURE, ReceiptForm.COSE)
    )
    assert proof is not None
    assert whole is not None
    joined = receipts.parse(proof, cose_signature=signature)
    assert isinstance(joined, CoseReceipt)
    assert joined.serialise() == whole
    verify(node, joined, txid)


def test_what_is_not_committed_yet_has_no_receipt(
    node: InProcessNode, alice: Person
) -> None:
    wait(node)
    write(node, alice, a="a secret")
    txid = TxId(2, len(node.host.entries))
    assert ask(node, "node", txid, ReceiptForm.V1) is None
    wait(node)
    assert ask(node, "node", txid, ReceiptForm.V1) is not None
