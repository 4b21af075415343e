"""Entries on their way from the host, and the parts that wait for each.

A part that needs an entry is put on the entry's list. The part is called when the entry
is there, or when the entry cannot be read. Seqnos that lie close together are read
together, a bounded number of entries at a time, so that a long range does not keep the
node from its heartbeats. An entry is passed on while the host's answer is processed; a
part that needs the entry longer keeps it.

The newest entries are taken from memory, without the host.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ccfpy.base import limits
from ccfpy.base.errors import CcfpyError, LimitExceeded
from ccfpy.base.ids import Seqno, TxId
from ccfpy.node.history.past_entry import PastEntry, may_be_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.consensus.log import Log
    from ccfpy.ledger.secrets import LedgerSecrets
    from ccfpy.node.history.signature_index import SignatureIndex
    from ccfpy.node.ledger_reads import LedgerReads
    from ccfpy.node.outbox import Outbox
    from ccfpy.node.replication.ledger_tail import LedgerTail


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
