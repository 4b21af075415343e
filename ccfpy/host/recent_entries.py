"""The newest ledger entries, kept in memory: what backups need most touches no file."""

from collections.abc import Iterable

from ccfpy.base.ids import Seqno


class RecentEntries:
    """A window that ends at the ledger's last entry."""

    def __init__(self, *, bytes_max: int) -> None:
        self._entries: dict[Seqno, bytes] = {}
        self._bytes = 0
        self._bytes_max = bytes_max
        self._first: Seqno = 1
        self._next: Seqno = 1

    def begin(self, after: Seqno) -> None:
        """Forget all; the next entry is the one after ``after``."""
        self._entries.clear()
        self._bytes = 0
        self._first = self._next = after + 1

    def append(self, entry: bytes) -> None:
        """Keep an entry, and let go of the oldest that do not fit beside it."""
        self.extend((entry,))

    def extend(self, entries: Iterable[bytes]) -> None:
        """Keep some entries, and drop the oldest that do not fit beside them."""
        kept, seqno, size = self._entries, self._next, self._bytes
        for entry in entries:
            kept[seqno] = entry
            seqno += 1
            size += len(entry)
        self._next, self._bytes = seqno, size
        while self._bytes > self._bytes_max:
            self._bytes -= len(self._entries.pop(self._first))
            self._first += 1

    def truncate(self, last: Seqno) -> None:
        """Forget the entries after ``last``."""
        if last + 1 < self._first:
            self.begin(last)
        while self._next > last + 1:
            self._next -= 1
            self._bytes -= len(self._entries.pop(self._next))

    def read(self, first: Seqno, last: Seqno, bytes_max: int) -> list[bytes] | None:
        """Return at least one entry, and at most ``bytes_max`` bytes of entries.

        Returns nothing unless all of these are here.
        """
        if not self._first <= first <= last < self._next:
            return None
        entries: list[bytes] = []
        size = 0
        for seqno in range(first, last + 1):
            entry = self._entries[seqno]
            size += len(entry)
            if entries and size > bytes_max:
                break
            entries.append(entry)
        return entries
