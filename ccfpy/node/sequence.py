"""The one place where transactions become ledger entries, in order.

``commit`` takes a transaction through the KV, seals its write set, gives the leaf to
the tree and the entry to the host. ``sign`` ends a run of entries with a signature;
consensus says when that makes them final, and only then do global hooks run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import Seqno, TxId
from ccfpy.boundary.effects import CommitLedger, LedgerEntry
from ccfpy.consensus.solo import SoloConsensus
from ccfpy.consensus.status import TxStatus, status_of
from ccfpy.kv.store import Committed, Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.entry import NO_CLAIMS, seal
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from ccfpy.ledger.signature import NodeSignature, Signer
from ccfpy.ledger.tables import SIGNATURES, SINGLE_KEY
from ccfpy.node.outbox import Outbox
from ccfpy.node.proofs import RecentProofs, SignedRoot


class EntryTooLarge(LimitExceeded):
    """A transaction whose entry host and peers would not take; the node must stop.

    By then its write set is in the KV, and leaving it out of the ledger would make the
    two differ.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceLimits:
    """Bounds from the node's configuration.

    Attributes:
        chunk_bytes: a signature after this many bytes ends the ledger chunk.
        uncommitted_max: entries that may await commit; 0 for any number.
        entry_bytes_max: the largest entry.
    """

    chunk_bytes: int
    uncommitted_max: int
    entry_bytes_max: int


class Sequence:
    """The node's end of the ledger.

    Attributes:
        store: the state that the ledger's entries add up to.
        tree: the digests of all entries; those before the receipts' window are gone.
        unsigned: entries since the last signature.
    """

    def __init__(
        self,
        *,
        store: Store,
        consensus: SoloConsensus,
        secrets: LedgerSecrets,
        bounds: SequenceLimits,
        outbox: Outbox,
    ) -> None:
        self.store = store
        self.consensus = consensus
        self.secrets = secrets
        self.tree = MerkleTree()
        self.unsigned = 0
        self._bounds = bounds
        self._outbox = outbox
        self._proofs = RecentProofs()
        self._chunk_bytes = 0
        self._chunk_is_forced = False
        self._signed_seqno: Seqno = 0
        self._after_commit: list[Callable[[], None]] = []

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state; what an older one put off is void."""
        self._after_commit.clear()
        return self.store.begin(read_only=read_only)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Do something if, and only if, the transaction under way is committed."""
        self._after_commit.append(act)

    def rekey(self, raw: bytes, *, at: Seqno) -> None:
        """Encrypt with a new ledger secret from the entry after ``at`` on."""
        self.secrets.add(at + 1, LedgerSecret(raw=raw, previous_stored=at))

    def commit(self, tx: Tx, claims_digest: bytes | None = None) -> TxId | None:
        """Order a transaction; name it, or the state it read, or nothing if neither.

        Raises:
            Conflict: what it read has changed.
            EntryTooLarge: its entry is over the bound.
        """
        read_version = tx.read_version
        committed = self.store.commit(tx)
        consensus = self.consensus
        if committed is None:
            if read_version is None:
                return None
            return TxId(consensus.history.view_of(read_version), read_version)
        tx_id = TxId(consensus.view, committed.version)
        claims = claims_digest or NO_CLAIMS
        self._append(tx_id, committed, claims, EntryFlags.NONE, is_committable=False)
        consensus.append(tx_id.seqno, is_committable=False)
        self.unsigned += 1
        for act in self._after_commit:
            act()
        self._after_commit.clear()
        return tx_id

    def force_chunk(self) -> None:
        """End the ledger chunk at the next signature."""
        self._chunk_is_forced = True

    def sign(self, signer: Signer, *, issued_at: int) -> None:
        """Append a signature over everything before it, and act on what it commits.

        Args:
            signer: the node's and the service's keys.
            issued_at: Unix time in seconds, claimed by the COSE signature.
        """
        consensus = self.consensus
        tx_id = TxId(consensus.view, consensus.last_seqno + 1)
        tables = signer.sign(
            tx_id, self.tree, issued_at=issued_at, stored_from=self._signed_seqno
        )
        tx = self.store.begin()
        for name, writes in tables.items():
            tx.raw(name).put(SINGLE_KEY, writes[SINGLE_KEY] or b"")
        committed = self.store.commit(tx, expected=tx_id.seqno)
        assert committed is not None, "a signature always writes"
        signature = NodeSignature.parse(tables[SIGNATURES][SINGLE_KEY] or b"")
        flags = self._chunk_flags()
        self._append(tx_id, committed, NO_CLAIMS, flags, is_committable=True)
        self._proofs.signed(
            SignedRoot(
                seqno=tx_id.seqno,
                root=signature.root,
                signature=signature.signature,
                certificate=signer.node_certificate,
                node=signer.node,
            )
        )
        self.unsigned = 0
        self._signed_seqno = tx_id.seqno
        if consensus.append(tx_id.seqno, is_committable=True):
            self._advance(consensus.commit_seqno)

    def _chunk_flags(self) -> EntryFlags:
        """Decide whether the chunk ends with this signature.

        Its own size counts roughly: what was written before it decides.
        """
        is_due = self._chunk_bytes >= self._bounds.chunk_bytes or self._chunk_is_forced
        if not is_due:
            return EntryFlags.NONE
        self._chunk_is_forced = False
        self._chunk_bytes = 0
        return EntryFlags.CLOSE_CHUNK_AFTER

    def _append(
        self,
        tx_id: TxId,
        committed: Committed,
        claims: bytes,
        flags: EntryFlags,
        *,
        is_committable: bool,
    ) -> None:
        sealed = seal(
            self.secrets.at(tx_id.seqno),
            tx_id,
            committed.write_set,
            claims_digest=claims,
            flags=flags,
        )
        data = sealed.data
        if len(data) > self._bounds.entry_bytes_max:
            raise EntryTooLarge(
                f"the entry at seqno {tx_id.seqno} has {len(data)} bytes, more than "
                f"{self._bounds.entry_bytes_max} (memory.max_msg_size)"
            )
        self.tree.append(sealed.leaf)
        self._proofs.add(sealed, claims)
        closes = flags is not EntryFlags.NONE
        if not closes:
            self._chunk_bytes += len(data)
        self._outbox.entry(
            tx_id.seqno,
            LedgerEntry(
                data=data, is_committable=is_committable, closes_chunk_after=closes
            ),
        )

    def _advance(self, seqno: Seqno) -> None:
        """Everything up to ``seqno`` is final: tell the host, then who waits for it."""
        self._outbox.put(CommitLedger(seqno=seqno))
        self._proofs.trim(self.tree)
        self.store.compact(seqno)

    def root_at(self, seqno: Seqno) -> bytes:
        """Give the Merkle root over the leaves up to and including ``seqno``."""
        return self.tree.root(seqno + 1)

    def tx_status(self, tx_id: TxId) -> TxStatus:
        """Tell what is known of a transaction."""
        consensus = self.consensus
        return status_of(
            tx_id,
            consensus.history,
            last=consensus.last_seqno,
            committed=consensus.commit_seqno,
        )

    def committed_tx_id(self) -> TxId | None:
        """Name the last committed transaction."""
        seqno = self.consensus.commit_seqno
        return TxId(self.consensus.history.view_of(seqno), seqno) if seqno else None

    def is_at_capacity(self) -> bool:
        """Tell whether as many entries await commit as may."""
        bound = self._bounds.uncommitted_max
        return bool(bound) and self.consensus.uncommitted > bound

    def receipt(self, seqno: Seqno) -> Receipt | None:
        """Prove a committed transaction that is still in memory."""
        return self._proofs.receipt(
            seqno, self.tree, committed=self.consensus.commit_seqno
        )
