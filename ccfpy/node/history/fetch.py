"""Old ledger entries: fetched from the host, verified, and where signatures are.

A waiter that needs an entry is called when the entry is there, or when it cannot be
read. Seqnos that are close together are read together. The number of entries read at a
time is bounded, so that a long range does not delay the node's heartbeats. An entry is
available only while the host's answer is processed; a waiter that needs it longer keeps
it. The newest entries come from memory, without the host.

An entry of the host passes three checks (`PastEntry.open`). Its id must be the id in
this node's own history of views at that seqno. It must decrypt under the ledger secret
of its time: only a trusted node can have encrypted it, and no id is encrypted twice.
Its leaf must be in this node's own tree, as far back as the tree reaches.

The first signature at or after an entry proves the entry. `SignatureIndex` knows all
signatures of this run, and all signatures in the parts of the ledger that were read.
Adjacent parts are joined.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded, VerificationFailed
from ccfpy.base.ids import Seqno, TxId
from ccfpy.kv.codec import parse_private
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.signature import is_signature
from ccfpy.ledger.tables import COSE_SIGNATURES, SIGNATURES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.consensus.log import Log
    from ccfpy.kv.changes import WriteSet
    from ccfpy.ledger.merkle import MerkleTree
    from ccfpy.ledger.secrets import LedgerSecrets
    from ccfpy.node.host_reads import LedgerReads
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.replication.ledger_tail import LedgerTail, RecentLedger


_MARKS = SIGNATURES.encode(), COSE_SIGNATURES.encode()


def may_be_signature(data: bytes) -> bool:
    """Return quickly whether an entry may be a signature: it names its tables."""
    return any(mark in data for mark in _MARKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEntry:
    """An entry in its place.

    Attributes:
        transaction: the entry's public part.
        leaf: the entry's leaf in the tree.
        secrets: the secrets that decrypted the entry; nothing if it was not decrypted.
            Then no part of the entry may be believed.
    """

    transaction: Transaction
    leaf: bytes
    secrets: "LedgerSecrets | None"
    _private: bytes = field(repr=False)

    @classmethod
    def open(
        cls,
        data: bytes,
        expected: "TxId",
        secrets: "LedgerSecrets | None",
        tree: "MerkleTree",
    ) -> Self:
        """Open what the host gave as the entry ``expected``.

        Args:
            data: the entry.
            expected: the transaction that this node has there.
            secrets: the secrets of that time; nothing if they are not known yet.
            tree: this node's own.

        Raises:
            Malformed: it is no transaction.
            VerificationFailed: it is another one, or was not sealed by this service.
        """
        transaction = Transaction.parse(data)
        if transaction.txid.seqno != expected.seqno:
            raise VerificationFailed(
                f"it claims to be {expected.seqno} but is actually {transaction.txid}"
            )
        if transaction.txid != expected:
            raise VerificationFailed(
                f"it comes from a fork: it contains {transaction.txid} but this "
                f"service expected {expected}"
            )
        private = b""
        if secrets is not None:
            private = transaction.entry.decrypt(secrets.at(expected.seqno))
        leaf = transaction.leaf
        is_in_tree = tree.first <= expected.seqno < len(tree)
        if is_in_tree and leaf != tree.leaf(expected.seqno):
            raise VerificationFailed("it is not the one that this node took there")
        return cls(
            transaction=transaction, leaf=leaf, secrets=secrets, _private=private
        )

    @property
    def public_writes(self) -> "WriteSet":
        """What it changes in public."""
        return self.transaction.domain.write_set

    @property
    def is_signature(self) -> bool:
        """Whether it is a signature transaction.

        Raises:
            Malformed: it is one that also writes what it must not.
        """
        return is_signature(self.public_writes)

    def writes(self) -> "WriteSet":
        """Return everything that the entry changes.

        Raises:
            Malformed: what it held is not a private domain.
        """
        assert self.secrets is not None, "it was not opened"
        private = self._private
        if not private:
            return self.public_writes
        return {**self.public_writes, **parse_private(private)}

    def commit_evidence(self) -> bytes | None:
        """Return the entry's commit evidence; older entries have none.

        Raises:
            VerificationFailed: its digest is not the one in the entry.
        """
        assert self.secrets is not None, "it was not opened"
        return self.transaction.commit_evidence(self.secrets)


class Waiter(Protocol):
    """A part of the node that needs an entry."""

    def advance(self) -> None:
        """Continue: the entry is there now, for as long as this call lasts."""
        ...

    def lost(self, reason: str) -> None:
        """Handle that the host did not return the entry, or returned another entry."""
        ...


@dataclass(eq=False, kw_only=True)
class EntryFetcher:
    """The entries that are being read.

    Attributes:
        tail: this node's ledger.
        log: knows the commit, and the view of each entry.
        reads: the host's.
        index: learns the seqnos of signatures from all entries that are read.
        secrets: returns the secrets that decrypt an entry, if they are known.
        outbox: where refused entries are logged.
    """

    tail: "LedgerTail"
    log: "Callable[[], Log]"
    reads: "LedgerReads"
    index: "SignatureIndex"
    secrets: "Callable[[Seqno], LedgerSecrets | None]"
    outbox: "Outbox"

    def __post_init__(self) -> None:
        self._needs: dict[Seqno, dict[Waiter, None]] = {}
        self._place: dict[Waiter, Seqno] = {}
        self._searches: set[Seqno] = set()
        self._queue: deque[Seqno] = deque()
        self._asked: set[Seqno] = set()
        self._under_way = 0
        self._batch: dict[Seqno, PastEntry] = {}
        self.results = {"memory": 0, "host": 0, "missing": 0, "refused": 0}

    def take(self, seqno: Seqno) -> PastEntry | None:
        """Return an entry that is here already.

        Raises:
            CcfpyError: the entry is wrong.
        """
        found = self._batch.get(seqno)
        if found is not None:
            if found.secrets is None and self.secrets(seqno) is not None:
                # What it held itself, or another of its batch, opens it.
                found = self._open(seqno, found.transaction.entry.data)
                self._batch[seqno] = found
            return found
        data = self.tail.settled_recent().get(seqno)
        if data is None:
            return None
        self.results["memory"] += 1
        return self._open(seqno, data)

    def block(self, waiter: Waiter, on: Seqno, *, searches: bool = False) -> None:
        """Resume ``waiter`` when an entry is here.

        Args:
            waiter: the part that needs the entry; it can need one entry at a time.
            on: the entry.
            searches: the entries after it are likely to be needed too.
        """
        assert waiter not in self._place, "one at a time"
        self._place[waiter] = on
        waiters = self._needs.get(on)
        if waiters is None:
            waiters = self._needs[on] = {}
            self._queue.append(on)
        waiters[waiter] = None
        if searches:
            self._searches.add(on)

    def release(self, waiter: Waiter) -> None:
        """Forget a waiter's need, if it has one."""
        on = self._place.pop(waiter, None)
        if on is None:
            return
        waiters = self._needs[on]
        del waiters[waiter]
        if not waiters:
            del self._needs[on]
            self._searches.discard(on)

    def refuse(self, seqno: Seqno, error: CcfpyError) -> None:
        """Log that an entry is wrong."""
        self.results["refused"] += 1
        self.outbox.fail(f"Corrupt ledger entry received for seqno {seqno}: {error}")

    def pump(self) -> None:
        """Ask the host for needed entries, as many as may be under way at once."""
        while self._queue and self._under_way < limits.HISTORY_READS_MAX:
            first = self._queue.popleft()
            if first not in self._needs or first in self._asked:
                continue
            last = self._end_of_read(first)
            try:
                self._ask(first, last)
            except LimitExceeded:  # others read much; the next step asks again
                self._queue.appendleft(first)
                return

    def _end_of_read(self, first: Seqno) -> Seqno:
        """Return the last entry to read with ``first``, for needs close to it."""
        committed = self.log().commit_seqno
        if first in self._searches:
            furthest = first + limits.HISTORY_ENTRIES_PER_SEARCH - 1
            return max(first, min(furthest, committed))
        furthest = min(first + limits.HISTORY_ENTRIES_PER_READ - 1, committed)
        last = seqno = first
        needs, asked = self._needs, self._asked
        while seqno < furthest and seqno - last < limits.HISTORY_GAP_ENTRIES_MAX:
            seqno += 1
            if seqno in needs and seqno not in asked:
                last = seqno
        return last

    def _ask(self, first: Seqno, last: Seqno) -> None:
        def answered(entries: Sequence[bytes] | None) -> None:
            self._under_way -= 1
            self._asked.difference_update(range(first, last + 1))
            self._answered(first, last, entries)

        self.reads.read(first, last, then=answered)
        self._under_way += 1
        self._asked.update(range(first, last + 1))

    def _answered(
        self, first: Seqno, last: Seqno, entries: Sequence[bytes] | None
    ) -> None:
        if entries is None:
            self.results["missing"] += 1
            self._lose(first, f"the host has no entry {first}")
            end = first
        else:
            self._arrived(first, entries)
            end = first + len(entries) - 1
        # The host gave fewer than it was asked for.
        self._queue.extendleft(
            seqno for seqno in range(last, end, -1) if seqno in self._needs
        )

    def _arrived(self, first: Seqno, entries: Sequence[bytes]) -> None:
        """Verify the entries that arrived, then resume all their waiters."""
        for seqno, data in enumerate(entries, first):
            if seqno not in self._needs:
                if self.index.knows(seqno):
                    continue
                if not may_be_signature(data):
                    # A false answer is noticed: no signature covers the entry.
                    self.index.examined(seqno, is_signature=False)
                    continue
            try:
                entry = self._open(seqno, data)
                if entry.secrets is not None:
                    is_signature = entry.is_signature
                    self.index.examined(seqno, is_signature=is_signature)
            except CcfpyError as error:
                self.refuse(seqno, error)
                self._lose(seqno, f"the host gave a corrupt entry {seqno}")
                continue
            self.results["host"] += 1
            self._batch[seqno] = entry
        due: list[Waiter] = []
        for seqno in self._batch:
            due += self._freed(seqno)
        for waiter in due:
            waiter.advance()
        self._batch.clear()

    def _lose(self, seqno: Seqno, reason: str) -> None:
        for waiter in self._freed(seqno):
            waiter.lost(reason)

    def _freed(self, seqno: Seqno) -> list[Waiter]:
        waiters = self._needs.pop(seqno, None)
        if waiters is None:
            return []
        self._searches.discard(seqno)
        for waiter in waiters:
            del self._place[waiter]
        return list(waiters)

    def _open(self, seqno: Seqno, data: bytes) -> PastEntry:
        view = self.log().view_of(seqno)
        tree = self.tail.settled_tree()
        return PastEntry.open(data, TxId(view, seqno), self.secrets(seqno), tree)


class SignatureIndex:
    """Where signatures are, as far as is known."""

    def __init__(self, recent: "Callable[[], RecentLedger]") -> None:
        self._recent = recent
        self._found: list[Seqno] = []
        self._starts: list[Seqno] = []
        self._lasts: list[Seqno] = []

    def knows(self, seqno: "Seqno") -> bool:
        """Return whether it is known what the entry at ``seqno`` is."""
        if seqno >= self._recent().signatures_since:
            return True
        return self._stretch_with(seqno) is not None

    def covering(self, seqno: "Seqno") -> "tuple[Seqno, bool]":
        """Find the signature that proves the entry at ``seqno``.

        Returns:
            Its seqno and true, or else the next entry to look at and false.
        """
        recent = self._recent()
        own = recent.signature_from(seqno)
        if own is not None:
            return own, True
        stretch = self._stretch_with(seqno)
        if stretch is None:
            return seqno, False
        last = self._lasts[stretch]
        at = bisect_left(self._found, seqno)
        if at < len(self._found) and self._found[at] <= last:
            return self._found[at], True
        beyond = last + 1
        own = recent.signature_from(beyond)
        return (beyond, False) if own is None else (own, True)

    def examined(self, seqno: "Seqno", *, is_signature: bool) -> None:
        """Note whether the entry at ``seqno`` is a signature."""
        if self.knows(seqno):
            return
        too_many = max(len(self._found), len(self._starts))
        if too_many >= limits.SIGNATURES_FOUND_MAX:
            self._found, self._starts, self._lasts = [], [], []
        if is_signature:
            insort(self._found, seqno)
        self._join(seqno)

    def forget(self, seqno: "Seqno") -> None:
        """Forget the stretch around ``seqno``: not all in it was what it seemed."""
        at = self._stretch_with(seqno)
        if at is None:
            return
        first, last = self._starts.pop(at), self._lasts.pop(at)
        found = self._found
        del found[bisect_left(found, first) : bisect_right(found, last)]

    def _stretch_with(self, seqno: "Seqno") -> int | None:
        at = bisect_right(self._starts, seqno) - 1
        return at if at >= 0 and seqno <= self._lasts[at] else None

    def _join(self, seqno: "Seqno") -> None:
        """Add one entry to the stretches, and join those that meet in it."""
        starts, lasts = self._starts, self._lasts
        at = bisect_right(starts, seqno)
        follows = at > 0 and lasts[at - 1] == seqno - 1
        precedes = at < len(starts) and starts[at] == seqno + 1
        if follows and precedes:
            lasts[at - 1] = lasts.pop(at)
            starts.pop(at)
        elif follows:
            lasts[at - 1] = seqno
        elif precedes:
            starts[at] = seqno
        else:
            starts.insert(at, seqno)
            lasts.insert(at, seqno)
