"""Receipts of recent transactions: which signature proves what."""

from ccfpy.base.ids import NodeId, TxId
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.node.replication.verification import RecentProofs, SignedRoot


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
