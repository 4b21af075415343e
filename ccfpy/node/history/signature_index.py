"""Which signature proves an entry: the first signature at or after the entry.

All signatures of this run are known. For the time before, the index remembers the parts
of the ledger that were read back: stretches in which every signature is known.
Stretches are joined as they grow.
"""

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

from ccfpy.base import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccfpy.base.ids import Seqno
    from ccfpy.node.replication.recent import RecentLedger


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
