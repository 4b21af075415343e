"""The one place where transactions become ledger entries, in order.

On a primary, ``append`` takes a transaction through the KV. ``settle`` encrypts the
write sets of one step, adds their leaves to the tree and passes the entries to the
host. ``sign`` ends a run of entries with a signature. On a backup, ``apply`` does the
same with entries from the primary. Consensus decides what happens to entries later:
``commit_to`` and ``rollback`` follow it.

`RecentLedger` keeps the newest entries as they were written, so that questions about
recent transactions need no read of the host. It keeps the seqnos of signatures longer
than entries, because the first signature after a transaction proves it.

`facts_of` returns what an entry means to consensus. ``nodes.info`` records membership,
so consensus learns from the entries that it orders which nodes join and which leave
(``src/node/hooks.h``).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from ccfpy.base import limits
from ccfpy.base.errors import LimitExceeded
from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.base.vocabulary import NodeStatus
from ccfpy.boundary.effects import CommitLedger, TruncateLedger
from ccfpy.consensus.ready import EntryFacts
from ccfpy.crypto.hashing import sha256
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import serialise_maps
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.entry import NO_CLAIMS, Transaction
from ccfpy.ledger.frame import EntryFlags
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.receipt import Receipt
from ccfpy.ledger.sealing import (
    Opened,
    Unsealed,
    UnsealedEntry,
    check_place,
    open_run,
    opened_of,
    seal_all,
    unseal,
)
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets, commit_evidence
from ccfpy.ledger.signature import NodeSignature, Signer, is_signature
from ccfpy.ledger.tables import SIGNATURES, SINGLE_KEY
from ccfpy.node.outbox import Outbox
from ccfpy.node.replication.verification import (
    RecentProofs,
    SignedRoot,
    check_signature,
)
from ccfpy.service.tables.nodes import INFO

if TYPE_CHECKING:
    from ccfpy.base.ids import NodeId


_NO_FLAGS: Final = EntryFlags.NONE
"""The flags of almost every entry; a constant, because enum lookups are slow."""


class EntryTooLarge(LimitExceeded):
    """An entry is too large for the host and peers; the node must stop.

    Its write set is already in the KV, so the ledger without it would differ.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryLimits:
    """Bounds from the node's configuration.

    Attributes:
        chunk_bytes: a signature after this many bytes ends the ledger chunk.
        entry_bytes_max: the largest entry.
    """

    chunk_bytes: int
    entry_bytes_max: int


Appended: TypeAlias = tuple[int, WriteSet]
"""The size of an ordered transaction's entry, in bytes, and its write set."""


class LedgerTail:
    """The node's end of the ledger.

    Attributes:
        store: the state after all entries of the ledger.
        secrets: the ledger secrets that encrypt private parts.
        is_sealed: whether the private state is unknown, and with it some secrets. Then
            only the public parts of entries are applied, and private parts are checked
            only if their secret is known.
    """

    def __init__(
        self,
        *,
        store: Store,
        secrets: LedgerSecrets,
        bounds: EntryLimits,
        outbox: Outbox,
    ) -> None:
        self.store = store
        self.secrets = secrets
        self.is_sealed = False
        self._tree = MerkleTree()
        self._recent = RecentLedger()
        self._bounds = bounds
        self._outbox = outbox
        self._proofs = RecentProofs()
        self._unsealed: list[Unsealed] = []
        self._secret: LedgerSecret | None = None
        self._chunk_bytes = 0
        self._chunk_is_forced = False
        self._chunk_begins = False
        self._signed_seqno: Seqno = 0
        self._after_commit: list[Callable[[], None]] = []
        outbox.settle_by(self.settle)

    def settled_tree(self) -> MerkleTree:
        """Settle, and return the tree over all entries.

        The leaves before the window of receipts are flushed.
        """
        self.settle()
        return self._tree

    def settled_recent(self) -> "RecentLedger":
        """Settle, and return the newest entries."""
        self.settle()
        return self._recent

    @property
    def last_seqno(self) -> Seqno:
        """The seqno of the last entry."""
        return self.store.version

    def begin_after(self, tree: MerkleTree) -> None:
        """Continue after a snapshot; the store already has its state."""
        assert len(tree) == self.store.version + 1, (len(tree), self.store.version)
        self._tree = tree
        self._proofs = RecentProofs(self.store.version + 1)
        self._recent.begin_after(self.store.version)
        self._signed_seqno = self.store.version

    def begin(self, *, read_only: bool) -> Tx:
        """Open a transaction on the latest state; drop ``after_commit`` actions."""
        if self._after_commit:
            self._after_commit.clear()
        return Tx(self.store, read_only=read_only, at=None)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call ``act`` if, and only if, the open transaction is ordered."""
        self._after_commit.append(act)

    def rekey(self, raw: bytes, *, at: Seqno) -> None:
        """Encrypt with a new ledger secret from the entry after ``at`` on.

        A joiner may have been handed it already.
        """
        if at + 1 not in self.secrets:
            self.secrets.add(at + 1, LedgerSecret(raw=raw, previous_stored=at))

    def force_chunk(self) -> None:
        """End the ledger chunk at the next signature."""
        self._chunk_is_forced = True

    def begin_chunk(self) -> None:
        """Begin a ledger chunk with the next transaction."""
        self._chunk_begins = True

    # The primary's side

    def append(
        self, tx: Tx, view: View, claims_digest: bytes | None = None
    ) -> Appended | None:
        """Order a transaction in ``view``; give nothing if it wrote nothing.

        Its seqno is ``last_seqno`` then.

        Raises:
            Conflict: what it read has changed.
            EntryTooLarge: its entry is over the bound.
            Malformed: it writes what no node can act upon.
            VerificationFailed: it writes what no node may act upon.
        """
        write_set = self.store.end(tx)
        if write_set is None:
            return None
        flags = _NO_FLAGS
        if self._chunk_begins:
            self._chunk_begins = False
            flags = EntryFlags.CLOSE_CHUNK_BEFORE
        size = self._append(view, write_set, claims_digest or NO_CLAIMS, flags)
        if self._after_commit:
            for act in self._after_commit:
                act()
            self._after_commit.clear()
        return size, write_set

    def sign(self, signer: Signer, view: View, *, issued_at: int) -> int:
        """Append a signature over all entries before it; return its entry's size.

        Args:
            signer: signs with the node's and the service's keys.
            view: this primary's view.
            issued_at: Unix time in seconds, claimed by the COSE signature.
        """
        tx_id = TxId(view, self.last_seqno + 1)
        tables = signer.sign(
            tx_id,
            self.settled_tree(),
            issued_at=issued_at,
            stored_from=self._signed_seqno,
        )
        tx = self.store.begin()
        for name, writes in tables.items():
            tx.raw(name).put(SINGLE_KEY, writes[SINGLE_KEY] or b"")
        write_set = self.store.end(tx, tx_id.seqno)
        assert write_set is not None, "a signature always writes"
        size = self._append(view, write_set, NO_CLAIMS, self._chunk_flags())
        self._seal(is_committable=True)
        self._signed(NodeSignature.parse(tables[SIGNATURES][SINGLE_KEY] or b""))
        return size

    def _chunk_flags(self) -> EntryFlags:
        """Return the flags that say whether the chunk ends with this signature.

        The size of the signature itself does not count.
        """
        is_due = self._chunk_bytes >= self._bounds.chunk_bytes or self._chunk_is_forced
        self._chunk_is_forced = False
        return EntryFlags.CLOSE_CHUNK_AFTER if is_due else _NO_FLAGS

    def _append(
        self, view: View, write_set: WriteSet, claims: bytes, flags: EntryFlags
    ) -> int:
        """Queue a write set for ``settle``; return the size of its entry."""
        seqno = self.store.version
        secret = self.secrets.at(seqno)
        if secret is not self._secret:
            self.settle()
            self._secret = secret
        cut = 0 if flags is _NO_FLAGS else int(flags)
        unsealed = Unsealed(view, seqno, serialise_maps(write_set), claims, cut)
        size = unsealed.entry_bytes
        if size > self._bounds.entry_bytes_max:
            raise EntryTooLarge(
                f"the entry at seqno {seqno} has {size} bytes, more than "
                f"{self._bounds.entry_bytes_max} (memory.max_msg_size)"
            )
        self._unsealed.append(unsealed)
        return size

    def settle(self) -> None:
        """Encrypt all ordered transactions that are not entries yet, in one batch.

        This happens as late as possible: before entries are read, or at the end of the
        step.
        """
        if self._unsealed:
            self._seal(is_committable=False)

    def _seal(self, *, is_committable: bool) -> None:
        unsealed, self._unsealed = self._unsealed, []
        assert self._secret is not None, "it was set with the first of them"
        sealed = seal_all(self._secret, unsealed)
        for at, (data, leaf, digest, evidence) in enumerate(sealed):
            each = unsealed[at]
            self._tree.append(leaf)
            self._proofs.add(each.view, digest, evidence, each.claims_digest)
            flags = EntryFlags(each.flags) if each.flags else _NO_FLAGS
            self._write(each.seqno, data, flags, is_committable)

    # A service that is recovered

    def hide_private_state(self) -> None:
        """Apply only the public parts of entries, until the private state is back."""
        self.is_sealed = True

    def restore_private_state(self, source: Store) -> None:
        """Replace the private maps by those of ``source``; apply entries whole."""
        self.store.swap_private_maps(source)
        self.is_sealed = False

    # A backup's side

    def apply(
        self, entries: list[bytes], view: View, taken: list[EntryFacts | None]
    ) -> None:
        """Apply the next entries, which a primary sealed in ``view``.

        Args:
            entries: the next entries.
            view: the view of all entries.
            taken: receives the facts for consensus of each entry that was applied.

        Raises:
            Malformed: one is no entry, or not the next one of that view.
            VerificationFailed: one does not decrypt, writes a record that no node may
                act upon, or is a signature over another root or by another signer. That
                entry and the ones after it have changed nothing.
        """
        self.settle()
        at = 0
        while at < len(entries):
            run: list[Opened] = []
            if not self.is_sealed:
                rest = entries[at:] if at else entries
                run = open_run(rest, view, self.store.version + 1, self.secrets)
            for opened in run:
                self._take(entries[at], view, opened, is_committable=False)
                taken.append(None)
                at += 1
            if at < len(entries):
                taken.append(self._apply_any(entries[at], view))
                at += 1

    def _apply_any(self, data: bytes, view: View) -> EntryFacts | None:
        """Apply the next entry, whatever it changes."""
        tx_id = TxId(view, self.store.version + 1)
        if self.is_sealed:
            unsealed = self._open_public(data, tx_id)
        else:
            unsealed = unseal(data, tx_id, self.secrets)
        writes = unsealed.write_set
        is_committable = is_signature(writes)
        signature: NodeSignature | None = None
        if is_committable:
            signature = check_signature(writes, tx_id, self._tree, self.store)
        facts = facts_of(writes, len(data), is_committable=is_committable)
        self._take(data, view, opened_of(unsealed), is_committable=is_committable)
        if signature is not None:
            self._signed(signature)
        return facts

    def _take(
        self, data: bytes, view: View, opened: Opened, *, is_committable: bool
    ) -> None:
        flags, writes, leaf, digest, evidence, claims = opened
        seqno = self.store.version + 1
        self.store.apply(seqno, writes)
        self._tree.append(leaf)
        self._proofs.add(view, digest, evidence, claims)
        self._write(seqno, data, flags, is_committable)

    def _open_public(self, data: bytes, tx_id: TxId) -> UnsealedEntry:
        """Return an entry's public writes; check the private ones if possible.

        Raises:
            VerificationFailed: the entry does not decrypt.
            Malformed: it is another entry, or has no valid private domain.
        """
        transaction = Transaction.parse(data)
        check_place(transaction, tx_id)
        if self.secrets.reach(tx_id.seqno):
            transaction.private_writes(self.secrets)
        return UnsealedEntry(
            transaction.entry.flags,
            transaction.domain.write_set,
            transaction.components,
        )

    def _write(
        self, seqno: Seqno, data: bytes, flags: EntryFlags, is_committable: bool
    ) -> None:
        self._recent.append(data)
        if flags is _NO_FLAGS:
            self._chunk_bytes += len(data)
            self._outbox.entry(seqno, data, is_committable)
            return
        closes = EntryFlags.CLOSE_CHUNK_AFTER in flags
        self._chunk_bytes = 0 if closes else len(data)
        if EntryFlags.CLOSE_CHUNK_BEFORE in flags:
            self._outbox.begin_chunk()
        self._outbox.entry(seqno, data, is_committable)
        if closes:
            self._outbox.end_chunk()

    def _signed(self, signature: NodeSignature) -> None:
        self._signed_seqno = signature.txid.seqno
        self._recent.signed(signature.txid.seqno)
        self._proofs.signed(
            SignedRoot(
                seqno=signature.txid.seqno,
                root=signature.root,
                signature=signature.signature,
                certificate=signature.certificate or "",
                node=signature.node,
            )
        )

    # Decisions of consensus

    def commit_to(self, seqno: Seqno) -> None:
        """Note that everything up to ``seqno`` is final; report it."""
        self._outbox.put(CommitLedger(seqno=seqno))
        self._proofs.trim(self.settled_tree())
        self.store.compact(seqno)

    def rollback(self, to: Seqno, *, signed: Seqno) -> None:
        """Drop every entry after ``to``.

        The bytes of the open chunk are not recounted. At worst the chunk ends a little
        early, and the flags of the entry say where it ends.

        Args:
            to: the last entry that stays, not below the commit.
            signed: the last signature that stays.
        """
        self.settle()
        self.store.rollback(to)
        self._tree.retract(to)
        self._proofs.rollback(to)
        self._recent.rollback(to)
        # A secret applies from the entry after its own record. The secrets that a
        # recovery brought back apply to final entries.
        self.secrets.rollback(to + 1)
        self._signed_seqno = signed
        self._outbox.put(TruncateLedger(seqno=to))

    # Questions

    def root_at(self, seqno: Seqno) -> bytes:
        """Return the Merkle root over the leaves up to and including ``seqno``."""
        return self.settled_tree().root(seqno + 1)

    def receipt(self, seqno: Seqno, *, committed: Seqno) -> Receipt | None:
        """Return the receipt of a committed transaction that is still in memory."""
        return self._proofs.receipt(
            seqno, self.settled_tree(), committed=committed, reveal=self._reveal
        )

    def _reveal(self, tx_id: TxId, digest: bytes) -> bytes | None:
        if not self.secrets.reach(tx_id.seqno):
            return None
        key = self.secrets.at(tx_id.seqno).nonce_key
        evidence = commit_evidence(key, tx_id)
        return evidence if sha256(evidence) == digest else None


_KEPT_WHEN_TRIMMED = 3, 4
"""The fraction of the entries that is kept when trimming, so that it is rare."""


class RecentLedger:
    """The newest entries, within a bound of memory, and the seqnos of signatures.

    Attributes:
        signatures_since: the seqno from which all signatures are known.
    """

    def __init__(self) -> None:
        self.signatures_since: Seqno = 1
        self._signatures = array("Q")
        self._first: Seqno = 1
        self._entries: list[bytes] = []
        self._bytes = 0

    def begin_after(self, seqno: Seqno) -> None:
        """Continue after ``seqno``; nothing before it is known."""
        assert not self._entries, "it begins once"
        self._first = self.signatures_since = seqno + 1

    def append(self, data: bytes) -> None:
        """Append the next entry."""
        self._entries.append(data)
        self._bytes += len(data)
        if self._bytes > limits.RECENT_ENTRIES_BYTES_MAX:
            self._trim()

    def signed(self, seqno: Seqno) -> None:
        """Note that the entry at ``seqno`` is a signature."""
        self._signatures.append(seqno)
        if len(self._signatures) > limits.SIGNATURES_KNOWN_MAX:
            half = limits.SIGNATURES_KNOWN_MAX // 2
            self.signatures_since = self._signatures[half - 1] + 1
            del self._signatures[:half]

    def rollback(self, to: Seqno) -> None:
        """Drop the entries and signatures after ``to``."""
        dropped = self._entries[max(to + 1 - self._first, 0) :]
        del self._entries[len(self._entries) - len(dropped) :]
        self._bytes -= sum(map(len, dropped))
        self._first = min(self._first, to + 1)
        del self._signatures[bisect_right(self._signatures, to) :]
        self.signatures_since = min(self.signatures_since, to + 1)

    def get(self, seqno: Seqno) -> bytes | None:
        """Return an entry, if it is still in memory."""
        at = seqno - self._first
        return self._entries[at] if 0 <= at < len(self._entries) else None

    def signature_from(self, seqno: Seqno) -> Seqno | None:
        """Return the first signature at or after ``seqno``, if it is known."""
        if seqno < self.signatures_since:
            return None
        at = bisect_left(self._signatures, seqno)
        return self._signatures[at] if at < len(self._signatures) else None

    def _trim(self) -> None:
        part, whole = _KEPT_WHEN_TRIMMED
        kept_max = limits.RECENT_ENTRIES_BYTES_MAX * part // whole
        count = 0
        while self._bytes > kept_max:
            self._bytes -= len(self._entries[count])
            count += 1
        del self._entries[:count]
        self._first += count


_INFO_NAME: Final = INFO.name


def facts_of(
    write_set: "WriteSet", size: int, *, is_committable: bool = False
) -> EntryFacts | None:
    """Return the facts for consensus of an entry of ``size`` bytes.

    There are none unless the entry is a signature or changes a node's record. A pending
    node does not count yet; a node whose record is removed was retired before.

    Raises:
        Malformed: a node's record cannot be read.
    """
    if _INFO_NAME not in write_set:
        return EntryFacts(size=size, is_committable=True) if is_committable else None
    trusted: set[NodeId] = set()
    retired: set[NodeId] = set()
    retired_committed: set[NodeId] = set()
    for node, info in INFO.decode_writes(write_set[_INFO_NAME]).items():
        if info is None:
            continue
        if info.status is NodeStatus.TRUSTED:
            trusted.add(node)
        elif info.status is NodeStatus.RETIRED:
            (retired_committed if info.retired_committed else retired).add(node)
    return EntryFacts(
        size=size,
        is_committable=is_committable,
        trusted=frozenset(trusted),
        retired=frozenset(retired),
        retired_committed=frozenset(retired_committed),
    )
