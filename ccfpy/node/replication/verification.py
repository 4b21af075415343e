"""A backup's checks of an entry's signature, and the proofs of recent transactions.

An entry that decrypts under the ledger secret was encrypted by a trusted node. A
signature shows more: the node that signed has the very same history
(``src/node/history.h``).

A receipt consists of the parts of the leaf, the path to a signed root, and the root's
signature. The first signature after a transaction proves it for ever. `RecentProofs`
keeps these for a bounded number of entries. Snapshots take the receipt of their
evidence from there; clients' receipts come from `ccfpy.node.history`, which has no such
bound.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import NodeId, Seqno, TxId, View
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.merkle import MerkleTree, PathStep
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY
from ccfpy.service.tables import nodes, service

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet
    from ccfpy.kv.store import Store


def check_signature(
    writes: "WriteSet", tx_id: "TxId", tree: "MerkleTree", store: "Store"
) -> NodeSignature:
    """Check both signatures of a signature transaction over this node's own root.

    Raises:
        Malformed: it has not the form of one.
        VerificationFailed: another root, another transaction's, by a node that is not
            known, or a signature that does not hold.
    """
    signature = NodeSignature.parse(_value(writes, SIGNATURES))
    if signature.txid != tx_id:
        raise VerificationFailed(f"entry {tx_id} signs as {signature.txid}")
    root = tree.root()
    if signature.root != root:
        raise VerificationFailed(f"entry {tx_id} signs another root than this node's")
    signature.verify(_node_key(signature.node, store))
    if COSE_SIGNATURES in writes:
        by_service = CoseSignature.parse(_value(writes, COSE_SIGNATURES))
        by_service.verify(_service_key(store), root)
    return signature


def _value(writes: "WriteSet", table: str) -> bytes:
    value = writes.get(table, {}).get(SINGLE_KEY)
    if value is None:
        raise Malformed(f"a signature transaction without a value in {table}")
    return value


def _node_key(node: "NodeId", store: "Store") -> PublicKey:
    tx = store.begin(read_only=True)
    certificate = nodes.ENDORSED_CERTIFICATES.of(tx).get(node)
    if certificate is None:
        # Before CCF 2 a node's record had its certificate.
        info = nodes.INFO.of(tx).get(node)
        certificate = info.cert if info is not None else None
    if certificate is None:
        raise VerificationFailed(f"no certificate is known of node {node}")
    return _certified_key(certificate)


def _service_key(store: "Store") -> PublicKey:
    info = service.INFO.of(store.begin(read_only=True)).get()
    if info is None:
        raise VerificationFailed("no service is known yet")
    return _certified_key(info.cert)


@lru_cache(maxsize=limits.SIGNERS_CACHED_MAX)
def _certified_key(pem: str) -> PublicKey:
    """Read a certificate's key, which takes a third as long as a check with it."""
    return Certificate.from_pem(pem).public_key


Reveal: TypeAlias = Callable[[TxId, bytes], bytes | None]
"""Gives a transaction's commit evidence if it is known and has this digest."""

_LEAF: Final = struct.Struct("<Q32s32s32s")
"""A view, and the digests of a write set, of commit evidence and of claims."""
_pack_leaf: Final = _LEAF.pack
_LEAF_BYTES: Final = _LEAF.size
_NO_EVIDENCE: Final = bytes(32)


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
    """The newest entries' leaf components and the signatures among them.

    The components lie end to end: as objects they would be spread over memory, and to
    reach for that much costs a backup more than to write it.
    """

    def __init__(self, first: Seqno = 1) -> None:
        self._first = first
        self._leaves = bytearray()
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
        self._leaves += _pack_leaf(
            view,
            write_set_digest,
            evidence_digest or _NO_EVIDENCE,
            claims_digest or NO_CLAIMS,
        )

    def signed(self, root: SignedRoot) -> None:
        """Remember that the entry just added is a signature."""
        self._roots.append(root)
        self._signed_seqnos.append(root.seqno)

    def trim(self, tree: MerkleTree) -> None:
        """Forget what is beyond the window, and flush the tree that far."""
        excess = window_excess(len(self._leaves) // _LEAF_BYTES)
        if not excess:
            return
        del self._leaves[: excess * _LEAF_BYTES]
        self._first += excess
        stale = bisect_left(self._signed_seqnos, self._first)
        del self._roots[:stale], self._signed_seqnos[:stale]
        tree.flush(self._first)

    def rollback(self, to: Seqno) -> None:
        """Forget what follows ``to``, which is not before the window."""
        del self._leaves[max(to + 1 - self._first, 0) * _LEAF_BYTES :]
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
        view, write_set_digest, digest, claims = _LEAF.unpack_from(
            self._leaves, (seqno - self._first) * _LEAF_BYTES
        )
        has_evidence = digest != _NO_EVIDENCE
        evidence = reveal(TxId(view, seqno), digest) if has_evidence else None
        if evidence is None:
            return None
        leaf = RevealedLeaf(
            write_set_digest=write_set_digest,
            commit_evidence=evidence.decode(),
            claims_digest=claims,
        )
        return _receipt(signed, leaf=leaf, proof=tree.path(seqno, signed.seqno))


def window_excess(entries: int) -> int:
    """Return how many of ``entries`` to forget: what is beyond the window, or none yet.

    Up to half a window more is kept, because what stays is copied each time.
    """
    excess = entries - limits.RECEIPT_WINDOW_TX
    return excess if excess > limits.RECEIPT_WINDOW_TX // 2 else 0


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
