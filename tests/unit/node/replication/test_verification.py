"""A backup checks signatures, and keeps what receipts of recent transactions need."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, TxId
from ccfpy.client import receipts
from ccfpy.client.cose_receipt import CoseReceipt
from ccfpy.client.receipts import AnyReceipt
from ccfpy.crypto.certs import Certificate
from ccfpy.kv.changes import Writes
from ccfpy.kv.store import Store
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY
from ccfpy.ledger.tx_receipt import ReceiptForm
from ccfpy.node.replication.verification import (
    RecentProofs,
    SignedRoot,
    check_signature,
)
from ccfpy.service.tables import nodes
from ccfpy.testing.node import InProcessNode, Person
from tests.unit.node.recovered import wait, write
from tests.unit.node.replication.test_ledger_tail import (
    CERTIFICATE,
    SERVICE,
    SIGNER,
    Ledger,
)


@pytest.fixture
def store() -> Store:
    ledger = Ledger()
    ledger.put_credentials()
    return ledger.store


TREE = MerkleTree([bytes(32), b"\x01" * 32])
SIGNED = SIGNER.sign(TxId(2, 2), TREE, issued_at=1)


def test_a_signature_over_this_nodes_root_is_taken(store: Store) -> None:
    signature = check_signature(SIGNED, TxId(2, 2), TREE, store)
    assert signature.node == SIGNER.node


def test_one_without_a_signature_of_the_service_is_taken(store: Store) -> None:
    oldest = {name: w for name, w in SIGNED.items() if name != COSE_SIGNATURES}
    assert check_signature(oldest, TxId(2, 2), TREE, store).root == TREE.root()


def changed(**changes: object) -> Mapping[str, Writes]:
    signature = NodeSignature.parse(SIGNED[SIGNATURES][SINGLE_KEY] or b"")
    value = replace(signature, **changes).serialise()  # type: ignore[arg-type]  # as named
    return {**SIGNED, SIGNATURES: {SINGLE_KEY: value}}


@pytest.mark.parametrize(
    ("writes", "words"),
    [
        (changed(txid=TxId(3, 2)), "signs as 3.2"),
        (changed(root=b"\x02" * 32), "another root"),
        (changed(node=NodeId("cd" * 32)), "no certificate is known"),
        (changed(signature=b"\x30\x00"), "signature"),
        (
            {**SIGNED, COSE_SIGNATURES: Ledger.cose_of_another_service(TREE)},
            "service key",
        ),
    ],
)
def test_anything_else_is_not(
    store: Store, writes: Mapping[str, Writes], words: str
) -> None:
    with pytest.raises(VerificationFailed, match=words):
        check_signature(writes, TxId(2, 2), TREE, store)


@pytest.mark.parametrize("table", [SIGNATURES, COSE_SIGNATURES])
def test_a_signature_that_removes_its_own_value_is_malformed(
    store: Store, table: str
) -> None:
    with pytest.raises(Malformed, match="without a value"):
        check_signature({**SIGNED, table: {SINGLE_KEY: None}}, TxId(2, 2), TREE, store)


def test_nobody_is_believed_before_a_service_is_known() -> None:
    with pytest.raises(VerificationFailed, match="no certificate is known"):
        check_signature(SIGNED, TxId(2, 2), TREE, Store())


@pytest.mark.slow
def test_a_renewed_certificate_is_held_to_the_key_it_certifies(store: Store) -> None:
    check_signature(SIGNED, TxId(2, 2), TREE, store)
    tx = store.begin()
    nodes.ENDORSED_CERTIFICATES.of(tx).put(SIGNER.node, SERVICE.certificate.pem)
    store.commit(tx)
    with pytest.raises(VerificationFailed, match="signature"):
        check_signature(SIGNED, TxId(2, 2), TREE, store)


def test_more_signers_than_are_kept_ready_are_all_known(store: Store) -> None:
    for number in range(limits.SIGNERS_CACHED_MAX + 1):
        tx = store.begin()
        text = f"{CERTIFICATE.pem}# {number}\n"
        nodes.ENDORSED_CERTIFICATES.of(tx).put(SIGNER.node, text)
        store.commit(tx)
        check_signature(SIGNED, TxId(2, 2), TREE, store)


def reveal(tx_id: TxId, digest: bytes) -> bytes | None:
    assert digest == b"e" * 32
    return None if tx_id.seqno == UNKNOWN else b"ce:%b:00" % str(tx_id).encode()


UNKNOWN = 5


def test_the_first_signature_after_an_entry_proves_it() -> None:
    proofs, tree = RecentProofs(), MerkleTree()
    for seqno in range(1, 7):
        is_signature = seqno % 3 == 0
        root = tree.root()
        tree.append(bytes([seqno]) * 32)
        proofs.add(2, b"w" * 32, b"e" * 32, bytes(32))
        if is_signature:
            proofs.signed(
                SignedRoot(
                    seqno=seqno,
                    root=root,
                    signature=bytes([seqno]),
                    certificate="PEM",
                    node=NodeId("n"),
                )
            )
    for seqno, signature in ((1, 3), (2, 3), (3, 3), (4, 6), (6, 6)):
        receipt = proofs.receipt(seqno, tree, committed=6, reveal=reveal)
        assert receipt is not None
        assert receipt.signature == bytes([signature])
    assert proofs.receipt(4, tree, committed=5, reveal=reveal) is None
    assert proofs.receipt(7, tree, committed=6, reveal=reveal) is None
    assert proofs.receipt(UNKNOWN, tree, committed=6, reveal=reveal) is None


def test_an_entry_of_an_older_type_has_no_evidence_to_reveal() -> None:
    proofs, tree = RecentProofs(), MerkleTree()
    proofs.add(2, b"w" * 32, None, None)
    proofs.add(2, b"s" * 32, None, None)
    signed = SignedRoot(
        seqno=2, root=bytes(32), signature=b"", certificate="PEM", node=NodeId("n")
    )
    proofs.signed(signed)
    assert proofs.receipt(1, tree, committed=2, reveal=reveal) is None


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
