"""A ledger's end with a store, a tree and signatures, to test what stands on it."""

from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.kv.store import Committed, Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.entry import NO_CLAIMS
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import Receipt, RevealedLeaf
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import NodeSignature
from ccfpy.ledger.tables import SIGNATURES, SINGLE_KEY
from ccfpy.node.outbox import Outbox
from ccfpy.node.snapshots.snapshotter import Snapshotter
from ccfpy.service.tables import nodes, service
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import ServiceInfo
from tests.unit.ledger.made import FIRST, ISSUED_AT, Identity
from tests.unit.ledger.sealed import SealedEntry, seal

VIEW = 2


class LedgerOfOne:
    """Orders transactions as a primary does; commits when it is told to.

    Attributes:
        claims: of each entry, by seqno.
    """

    def __init__(
        self,
        *,
        tx_count: int = 10,
        identity: Identity = FIRST,
        store: Store | None = None,
    ) -> None:
        self.identity = identity
        self.store = store or Store()
        self.tree = MerkleTree()
        self.secrets = LedgerSecrets([(1, LedgerSecret(raw=bytes(32)))])
        self.outbox = Outbox()
        self.is_primary = True
        self.is_sealed = False
        self.committed: Seqno = 0
        self.entries: dict[Seqno, tuple[SealedEntry, bytes]] = {}
        self.signatures: dict[Seqno, NodeSignature] = {}
        self.ended_chunks: list[Seqno] = []
        self.snapshotter = Snapshotter(
            tx_count=tx_count,
            ledger=self,
            primary=self,
            view_starts=lambda: (1, 1),
            outbox=self.outbox,
        )
        self.snapshotter.watch(self.store)

    def create(self) -> None:
        """Write what a service's first transaction does."""
        tx = self.begin(read_only=False)
        pem = self.identity.certificate.pem
        service.INFO.of(tx).put(ServiceInfo(cert=pem, status=ServiceStatus.OPEN))
        nodes.INFO.of(tx).put(self.identity.node, node_info(NodeStatus.TRUSTED))
        self.commit(tx, None)

    def begin(self, *, read_only: bool) -> Tx:
        return self.store.begin(read_only=read_only)

    def commit(self, tx: Tx, claims_digest: bytes | None) -> TxId | None:
        assert self.is_primary
        committed = self.store.commit(tx)
        return None if committed is None else self._append(committed, claims_digest)

    def put(self, name: str = "notes", **values: str) -> Seqno:
        tx = self.begin(read_only=False)
        for key, value in values.items():
            tx.raw(name).put(key.encode(), value.encode())
        tx_id = self.commit(tx, None)
        assert tx_id is not None
        return tx_id.seqno

    def sign(self) -> Seqno:
        tx_id = TxId(VIEW, self.store.version + 1)
        if self.snapshotter.note_signature(tx_id.seqno):
            self.ended_chunks.append(tx_id.seqno)
        stored_from = max(self.signatures, default=0)
        tables = self.identity.signer.sign(
            tx_id, self.tree, issued_at=ISSUED_AT, stored_from=stored_from
        )
        tx = self.store.begin()
        for name, writes in tables.items():
            tx.raw(name).put(SINGLE_KEY, writes[SINGLE_KEY] or b"")
        committed = self.store.commit(tx)
        assert committed is not None
        self._append(committed, None)
        self.signatures[tx_id.seqno] = NodeSignature.parse(
            tables[SIGNATURES][SINGLE_KEY] or b""
        )
        return tx_id.seqno

    def commit_to(self, seqno: Seqno) -> None:
        self.committed = seqno
        self.snapshotter.on_commit(seqno)
        self.store.compact(seqno)

    def sign_and_commit(self) -> Seqno:
        seqno = self.sign()
        self.commit_to(seqno)
        return seqno

    def rollback(self, to: Seqno) -> None:
        self.store.rollback(to)
        self.tree.retract(to)
        self.snapshotter.on_rollback(to)
        for of_entries in (self.entries, self.signatures):
            for seqno in [seqno for seqno in of_entries if seqno > to]:
                del of_entries[seqno]

    def settled_tree(self) -> MerkleTree:
        return self.tree

    def receipt(self, seqno: Seqno, *, committed: Seqno) -> Receipt | None:
        signed = next((s for s in sorted(self.signatures) if s > seqno), None)
        if signed is None or signed > committed or seqno not in self.entries:
            return None
        sealed, claims = self.entries[seqno]
        signature = self.signatures[signed]
        return Receipt(
            leaf=RevealedLeaf(
                write_set_digest=sealed.write_set_digest,
                commit_evidence=sealed.commit_evidence.decode(),
                claims_digest=claims,
            ),
            proof=self.tree.path(seqno, signed),
            signature=signature.signature,
            node=signature.node,
            certificate=signature.certificate or "",
        )

    def _append(self, committed: Committed, claims_digest: bytes | None) -> TxId:
        tx_id = TxId(VIEW, committed.version)
        claims = claims_digest or NO_CLAIMS
        sealed = seal(
            self.secrets.at(tx_id.seqno),
            tx_id,
            committed.write_set,
            claims_digest=claims,
        )
        self.tree.append(sealed.leaf)
        self.entries[tx_id.seqno] = sealed, claims
        return tx_id


def node_info(status: NodeStatus, *, address: str = "127.0.0.1:8000") -> NodeInfo:
    """Describe a node, as a service's tables do."""
    interface = NetInterface(bind_address=address, published_address=address)
    return NodeInfo(
        node_to_node_interface=interface,
        rpc_interfaces={"primary_rpc_interface": interface},
        quote_info=QuoteInfo(
            format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
        ),
        encryption_pub_key="",
        status=status,
    )
