"""The newest entries, kept as they were written, and every signature of this run.

Questions about recent transactions are answered from here, without the host. Seqnos of
signatures are kept longer than entries, because the first signature after a transaction
proves it.
"""

from array import array
from bisect import bisect_left, bisect_right

from ccfpy.base import limits
from ccfpy.base.ids import Seqno

_KEPT_WHEN_TRIMMED = 3, 4
"""The share that is kept when there is too much, so that trimming is rare."""


class RecentLedger:
    """The end of the ledger, as far back as memory allows.

    Attributes:
        signatures_since: all signatures from this entry on are known.
    """

    def __init__(self) -> None:
        self.signatures_since: Seqno = 1
        self._signatures = array("Q")
        self._first: Seqno = 1
        self._entries: list[bytes] = []
        self._bytes = 0

    def begin_after(self, seqno: Seqno) -> None:
        """Go on after ``seqno``; nothing before it is known."""
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
        """Forget what follows ``to``."""
        dropped = self._entries[max(to + 1 - self._first, 0) :]
        del self._entries[len(self._entries) - len(dropped) :]
        self._bytes -= sum(map(len, dropped))
        self._first = min(self._first, to + 1)
        del self._signatures[bisect_right(self._signatures, to) :]
        self.signatures_since = min(self.signatures_since, to + 1)

    def get(self, seqno: Seqno) -> bytes | None:
        """Return an entry that is still here."""
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
