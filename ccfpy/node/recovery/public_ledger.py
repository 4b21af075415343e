"""The public state of a ledger that is recovered, built entry by entry.

No ledger secret is known, so nothing of an entry is taken on its own word: it counts
once a signature covers it, and that signature is by a node which the ledger itself had
introduced before. Until then it can be taken back.
"""

from ccfpy.base.errors import Malformed, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.consensus.history import ViewHistory
from ccfpy.kv.store import Store
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.trust import LedgerTrust
from ccfpy.node.snapshots.starting_point import StartingPoint

LEAVES_RETAINED = 1 << 17
"""Leaves kept behind the last signature: what later signatures store of the tree."""


class PublicLedger:
    """A ledger so far.

    Attributes:
        tree: the digests of the entries taken.
        evidence: the last signed digest of commit evidence, with the transaction that
            it is of; nothing if none was read.
    """

    def __init__(self, store: Store) -> None:
        self.tree = MerkleTree()
        self._store = store
        self._views = ViewHistory()
        self._trust = LedgerTrust()
        self.evidence: tuple[TxId, bytes] | None = None
        self._unsigned_evidence: tuple[TxId, bytes] | None = None
        self._signed: TxId | None = None
        self._signed_root: bytes | None = None

    @property
    def last_seqno(self) -> Seqno:
        """The last entry taken."""
        return self._store.version

    @property
    def starts(self) -> tuple[Seqno, ...]:
        """The first seqno of each view, from view 1."""
        return self._views.starts

    def start_from(self, point: StartingPoint) -> None:
        """Go on from a snapshot, whose state the store has.

        Raises:
            Malformed: its state does not say who may sign.
        """
        public = point.snapshot.public
        self.tree = point.tree()
        self._views = ViewHistory(point.starts)
        self._trust = LedgerTrust.resume(
            {
                name: {key: value for key, _, value in entries}
                for name, _, entries in public.maps
            }
        )
        self._signed, self._signed_root = point.last, point.signature.root

    def take(self, data: bytes) -> None:
        """Append the next entry.

        Nothing has changed in the store and the tree when this raises.

        Raises:
            Malformed: it is no entry, or not the next one.
            VerificationFailed: it breaks a rule, or is a signature that does not hold.
        """
        transaction = Transaction.parse(data)
        view, seqno = tx_id = transaction.txid
        if seqno != self.last_seqno + 1:
            raise Malformed(f"expected entry {self.last_seqno + 1}, found {tx_id}")
        if view < max(self._views.view_of(seqno), 1):
            raise VerificationFailed(f"entry {tx_id} is of an earlier view")
        writes = transaction.domain.write_set
        self._trust.apply(writes, last_root=self._signed_root)
        signs = is_signature(writes)
        root = self.tree.root() if signs else b""
        if signs:
            named = self._trust.verify_signature(writes, root)
            if any(name != str(tx_id) for name in named):
                raise VerificationFailed(f"the signature at {tx_id} says it is {named}")
        self._views.note(view, seqno)
        self._store.apply(seqno, writes)
        self.tree.append(transaction.leaf)
        digest = transaction.domain.commit_evidence_digest
        if digest is not None:
            self._unsigned_evidence = tx_id, digest
        if signs:
            self._signed, self._signed_root = tx_id, root
            self.evidence = self._unsigned_evidence
            self._store.compact(seqno)
            self.tree.flush(max(seqno - LEAVES_RETAINED, self.tree.first))

    def truncate(self) -> TxId | None:
        """Take back what follows the last signature; return its id, if there is one."""
        signed = self._signed
        if signed is not None:
            self._store.rollback(signed.seqno)
            self.tree.retract(signed.seqno)
            self._views.rollback(signed.seqno)
        return signed
