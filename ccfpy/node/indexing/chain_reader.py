"""The committed ledger from its first transaction on, verified by as few signatures.

A reader of the whole ledger need not verify every signature. A signature's root covers
every leaf before it, so one signature proves all entries since the last verified
signature. Entries are held back until then. Each entry was also decrypted as the
transaction that this node's history has at its seqno.

A signature is accepted if this node's own tree has its root. It is also accepted if its
node and service signed the root, and today's service vouches for that service.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.endpoints.history import HistoryFailed
from ccfpy.ledger.merkle import MerkleTree
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tx_receipt import SignatureTransaction
from ccfpy.ledger.unseal import unseal

if TYPE_CHECKING:
    from ccfpy.kv.changes import WriteSet
    from ccfpy.node.history import StateCache


class ReadEntry(NamedTuple):
    """A transaction that was read."""

    txid: TxId
    writes: "WriteSet"


class ChainReader:
    """The progress of one reader of the whole ledger.

    Args:
        history: knows the secrets and identities of the past, and the host's ledger.
    """

    def __init__(self, history: "StateCache") -> None:
        self._history = history
        self._run = 0
        self._begin()

    def _begin(self) -> None:
        self._run += 1
        self._given: Seqno = 0
        self._tree = MerkleTree()
        self._proven: Seqno = 0
        self._ready: deque[ReadEntry] = deque()
        self._held: deque[ReadEntry] = deque()
        self._signature: ReadEntry | None = None
        self._is_asking = False
        self._lost: str | None = None

    def can_read(self, first: Seqno) -> bool:
        """Return whether reading can go on, or begin, with ``first``."""
        return first in (1, self._given + 1)

    def read(self, first: Seqno, committed: Seqno) -> Sequence[ReadEntry] | None:
        """Return some transactions from ``first`` on, or nothing while none is proven.

        Raises:
            HistoryFailed: they cannot be had, now or at all.
        """
        if first != self._given + 1:
            assert first == 1, "it was asked whether it can"
            self._begin()
        if self._lost is not None:
            raise HistoryFailed(self._lost)
        self._prove(committed)
        self._ask(committed)
        count = min(len(self._ready), limits.INDEX_ENTRIES_PER_READ)
        if not count:
            return None
        entries = [self._ready.popleft() for _ in range(count)]
        self._given = entries[-1].txid.seqno
        self._tree.flush(self._given)
        return entries

    def stop(self) -> None:
        """Stop for now; reading can continue after the last returned transaction."""
        self._history.secrets.release(self)
        self._history.identities.release(self)
        if self._ready or self._held or self._is_asking or self._lost is not None:
            self._run += 1
            self._ready.clear()
            self._held.clear()
            self._tree.retract(self._given)
            self._proven = self._given
            self._signature, self._lost, self._is_asking = None, None, False

    # Called by the parts that find secrets and identities

    def advance(self) -> None:
        """Go on with the next step: something is known that was not."""

    def lost(self, reason: str) -> None:
        """Drop what was read."""
        self._lost = reason

    # Inside

    def _ask(self, committed: Seqno) -> None:
        """Ask for what follows, unless enough waits to be proven or given."""
        first = len(self._tree)
        if self._is_asking or first > committed:
            return
        if len(self._ready) >= limits.INDEX_ENTRIES_PER_READ:
            return
        if len(self._held) >= limits.INDEX_UNSIGNED_MAX:
            raise HistoryFailed(f"no signature follows entry {self._proven}")
        if not self._history.secrets.ready(first, self):
            return
        last = min(first + limits.HISTORY_ENTRIES_PER_READ - 1, committed)
        then = partial(self._answered, self._run, first)
        try:
            self._history.reads.read(first, last, then=then)
        except LimitExceeded:  # others read much; the next step asks again
            return
        self._is_asking = True

    def _answered(
        self, run: int, first: Seqno, entries: Sequence[bytes] | None
    ) -> None:
        if run != self._run:
            return
        self._is_asking = False
        if entries is None:
            self._lost = f"the host has no entry {first}"
            return
        for seqno, data in enumerate(entries, first):
            try:
                self._take(seqno, data)
            except CcfpyError as error:
                self._refuse(seqno, error)
                return

    def _take(self, seqno: Seqno, data: bytes) -> None:
        """Open an entry, and hold it back.

        Raises:
            CcfpyError: it is not the one that belongs there.
        """
        secrets = self._history.secrets.opening(seqno)
        assert secrets is not None, "those of an earlier entry are known"
        tx_id = self._history.log().tx_id(seqno)
        opened = unseal(data, tx_id, secrets)
        entry = ReadEntry(tx_id, opened.write_set)
        if is_signature(opened.write_set):
            self._signature = entry
        self._tree.append(opened.components.leaf)
        self._held.append(entry)

    def _prove(self, committed: Seqno) -> None:
        """Verify the last signature, if that is worth it; give free what it proves."""
        signature = self._signature
        if signature is None:
            return
        seqno = signature.txid.seqno
        is_last = len(self._tree) > committed
        is_full = len(self._held) >= limits.INDEX_UNSIGNED_MAX
        count = seqno - self._proven
        if count < limits.INDEX_ENTRIES_PER_READ and not is_last and not is_full:
            return
        try:
            if not self._is_proven(signature):
                return
        except HistoryFailed:
            raise
        except CcfpyError as error:
            self._refuse(seqno, error)
            raise HistoryFailed(f"nothing proves what is before {seqno}") from error
        self._signature = None
        for _ in range(count):
            self._ready.append(self._held.popleft())
        self._proven = seqno

    def _is_proven(self, signature: ReadEntry) -> bool:
        """Verify a signature; if its service is not known yet, continue later.

        Raises:
            CcfpyError: it does not hold.
        """
        txid = signature.txid
        history, own = self._history, self._history.tail.settled_tree()
        if own.first <= txid.seqno < len(own):
            if own.root(txid.seqno + 1) != self._tree.root(txid.seqno + 1):
                raise VerificationFailed("this node took other entries there")
            return True
        ruling = history.identities.ruling_at(txid.seqno, self)
        if ruling is None:
            return False
        signed = SignatureTransaction.of(signature.writes)
        root = self._tree.root(txid.seqno)
        if signed.txid != txid or signed.by_node.root != root:
            raise VerificationFailed(f"the signature at {txid} signs another root")
        if ruling.certificate is not None:
            history.coverings.check_signers(signed, ruling.certificate)
        return True

    def _refuse(self, seqno: Seqno, error: CcfpyError) -> None:
        self._history.pool.refuse(seqno, error)
        self._lost = f"the host gave a corrupt entry {seqno}"
