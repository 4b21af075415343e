"""Receipts of recent transactions: which signature proves what."""

from ccfpy.base.ids import NodeId
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.node.proofs import RecentProofs, SignedRoot


def test_the_first_signature_after_an_entry_proves_it() -> None:
    proofs, tree = RecentProofs(), MerkleTree()
    for seqno in range(1, 7):
        is_signature = seqno % 3 == 0
        root = tree.root()
        tree.append(bytes([seqno]) * 32)
        proofs.add(b"w" * 32, b"ce:2.1:00", bytes(32))
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
        receipt = proofs.receipt(seqno, tree, committed=6)
        assert receipt is not None
        assert receipt.signature == bytes([signature])
    assert proofs.receipt(4, tree, committed=5) is None
    assert proofs.receipt(7, tree, committed=6) is None
