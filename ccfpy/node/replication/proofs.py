"""What receipts of recent transactions need, kept in memory for a bounded while.

A receipt joins three things: what the leaf was made of, the path to a signed root, and
that root's signature. The first signature after a transaction proves it for ever.

Snapshots take the receipt of their evidence from here. People's come from the ledger's
past (`ccfpy.node.history`), which has no end.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ccfpy.base import limits
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.merkle import MerkleTree, PathStep
from ccfpy.ledger.receipt import Receipt, RevealedLeaf

Reveal: TypeAlias = Callable[[TxId, bytes], bytes | None]
"""Gives a transaction's commit evidence if it is known and has this digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRoot:
    """A signature transaction that receipts rest on.

    Attributes:
        seqno: its own; its root covers every leaf before it.
        certificate: the signing node's, as PEM.
    """

    seqno: Seqno
    root: bytes
    signature: bytes
    certificate: str
    node: NodeId


class RecentProofs:
    """The newest entries' leaf components and the signatures among them."""

    def __init__(self, first: Seqno = 1) -> None:
        self._first = first
        self._leaves: list[tuple[View, bytes, bytes | None, bytes | None]] = []
        self._roots: list[SignedRoot] = []
        self._signed_seqnos: list[Seqno] = []

    def add(
        self,
        view: View,
        write_set_digest: bytes,
        evidence_digest: bytes | None,
        claims_digest: bytes | None,
    ) -> None:
        """Remember what the next entry's leaf is made of."""
        self._leaves.append((view, write_set_digest, evidence_digest, claims_digest))

    def signed(self, root: SignedRoot) -> None:
        """Remember that the entry just added is a signature."""
        self._roots.append(root)
        self._signed_seqnos.append(root.seqno)

    def trim(self, tree: MerkleTree) -> None:
        """Forget what is beyond the window, and flush the tree that far."""
        excess = len(self._leaves) - limits.RECEIPT_WINDOW_TX
        if excess <= 0:
            return
        del self._leaves[:excess]
        self._first += excess
        stale = bisect_left(self._signed_seqnos, self._first)
        del self._roots[:stale], self._signed_seqnos[:stale]
        tree.flush(self._first)

    def rollback(self, to: Seqno) -> None:
        """Forget what follows ``to``, which is not before the window."""
        del self._leaves[max(to + 1 - self._first, 0) :]
        stays = bisect_right(self._signed_seqnos, to)
        del self._roots[stays:], self._signed_seqnos[stays:]

    def receipt(
        self, seqno: Seqno, tree: MerkleTree, *, committed: Seqno, reveal: Reveal
    ) -> Receipt | None:
        """Prove the entry at ``seqno``.

        ``None`` if it is too old, not committed, or its evidence is not known: that of
        an entry under a secret which this node has not. It is worked out only here:
        few transactions are ever proved.
        """
        at = bisect_left(self._signed_seqnos, seqno)
        if seqno < self._first or at == len(self._roots):
            return None
        signed = self._roots[at]
        if signed.seqno > committed:
            return None
        if signed.seqno == seqno:
            return _receipt(signed, leaf=signed.root, proof=())
        view, write_set_digest, digest, claims = self._leaves[seqno - self._first]
        evidence = None if digest is None else reveal(TxId(view, seqno), digest)
        if evidence is None:
            return None
        leaf = RevealedLeaf(
            write_set_digest=write_set_digest,
            commit_evidence=evidence.decode(),
            claims_digest=claims or NO_CLAIMS,
        )
        return _receipt(signed, leaf=leaf, proof=tree.path(seqno, signed.seqno))


def _receipt(
    signed: SignedRoot, *, leaf: RevealedLeaf | bytes, proof: tuple[PathStep, ...]
) -> Receipt:
    return Receipt(
        leaf=leaf,
        proof=proof,
        signature=signed.signature,
        node=signed.node,
        certificate=signed.certificate,
    )
