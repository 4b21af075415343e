"""What a leader knows of each other node, and how much it sends at once."""

from dataclasses import dataclass
from typing import Final

from ccfpy.base.ids import Seqno
from ccfpy.base.limits import APPEND_ENTRIES_BYTES

BATCH_WINDOW: Final = 10


@dataclass(slots=True, kw_only=True)
class Peer:
    """Another node, as the leader sees it.

    Attributes:
        sent: the end of what was sent; it moves before any answer does.
        matched: the end of what is known to agree. It never goes back within a view.
        silent_ms: since the node last answered, whatever it answered.
        began: where what is sent last began, at a new leader or after a refusal.
        halvings: how often messages were made half as long, since what began at the
            same entry was refused again: the host drops what is too large to send.
        told_commit: the newest commit that a message to the node contained.
        refused: the end of what was agreed when a refusal was last acted upon, if no
            heartbeat has been sent since.
    """

    sent: Seqno
    matched: Seqno = 0
    began: Seqno = 0
    halvings: int = 0
    silent_ms: int = 0
    told_commit: Seqno = 0
    refused: Seqno | None = None

    def __post_init__(self) -> None:
        """Begin where sending begins."""
        self.began = self.sent

    @property
    def answered(self) -> Seqno:
        """The end of what needs no answer any more."""
        return max(self.matched, self.began)

    def go_back(self, seqno: Seqno) -> None:
        """Send again what follows ``seqno``, in smaller messages if that failed before.

        Until the next heartbeat once, unless more turns out to be missing, or some of
        it has been acknowledged since.
        """
        if self.refused is not None and self.matched <= self.refused <= seqno:
            return
        if seqno == self.began:
            self.halvings += 1
        self.sent = self.began = self.refused = seqno


class BatchSize:
    """How many entries go into one message: about `APPEND_ENTRIES_BYTES` of them.

    It follows the mean size of entries, of which each message's worth counts a tenth.

    Args:
        entries: how many, until sizes are known.
    """

    __slots__ = ("_bytes", "_count", "_mean_bytes", "entries")

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self._mean_bytes = APPEND_ENTRIES_BYTES / entries
        self._bytes = 0
        self._count = 0

    def count(self, size: int) -> bool:
        """Count an entry of ``size`` bytes; return whether a full message is waiting.

        When it is, the count starts anew.
        """
        self._bytes += size
        self._count += 1
        if self._bytes < APPEND_ENTRIES_BYTES:
            return False
        mean = self._bytes / self._count
        self._mean_bytes += (mean - self._mean_bytes) / BATCH_WINDOW
        self.entries = max(int(APPEND_ENTRIES_BYTES / self._mean_bytes), 1)
        self._bytes = 0
        self._count = 0
        return True
