"""What a backup checks of an entry before it becomes part of its state.

That an entry opens under the ledger secret shows that a trusted node sealed it. A
signature shows more: that its node holds the very same history
(``src/node/history.h``).
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import PublicKey
from ccfpy.ledger.signature import CoseSignature, NodeSignature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES, SINGLE_KEY
from ccfpy.service.tables import nodes, service

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId, TxId
    from ccfpy.kv.changes import WriteSet
    from ccfpy.kv.store import Store
    from ccfpy.ledger.merkle import MerkleTree


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
