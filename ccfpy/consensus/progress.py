"""What a leader knows of each other node, and how much it sends at once."""

from dataclasses import dataclass

from ccfpy.base.ids import Seqno, TxId
from ccfpy.base.limits import APPEND_ENTRIES_BYTES

FIRST_BATCH_ENTRIES = 20
BATCH_WINDOW = 100


@dataclass(slots=True, kw_only=True)
class Peer:
    """One other node, as the leader sees it.

    Attributes:
        sent: the end of what was sent; it moves before any answer does.
        matched: the end of what is known to agree. It never goes back within a view.
        silent_ms: since the node last answered, whatever it answered.
        began: where what is sent last began, at a new leader or after a refusal.
        told_commit: the newest commit that a message told it of.
        refused: where its log ended when it last refused a message, if that was acted
            on and no heartbeat has been sent since.
    """

    sent: Seqno
    matched: Seqno = 0
    began: Seqno = 0
    silent_ms: int = 0
    told_commit: Seqno = 0
    refused: TxId | None = None

    def __post_init__(self) -> None:
        """Begin where sending begins."""
        self.began = self.sent

    @property
    def answered(self) -> Seqno:
        """The end of what needs no answer any more."""
        return max(self.matched, self.began)


class BatchSize:
    """How many entries go into one message: about `APPEND_ENTRIES_BYTES` of them.

    The entries' mean size, smoothed over a window of samples
    (``src/consensus/aft/raft.h``).
    """

    __slots__ = ("_bytes", "_count", "_window", "entries")

    def __init__(self) -> None:
        self.entries = FIRST_BATCH_ENTRIES
        self._bytes = 0
        self._count = 0
        self._window = 0

    def count(self, size: int) -> bool:
        """Note an entry of ``size`` bytes; tell whether a message's worth is waiting.

        When it is, the count starts anew.
        """
        self._bytes += size
        self._count += 1
        if self._bytes < APPEND_ENTRIES_BYTES:
            return False
        self.sample()
        self._bytes = 0
        self._count = 0
        return True

    def sample(self) -> None:
        """Take one sample of the mean size into the window."""
        mean = self._bytes // self._count if self._count else APPEND_ENTRIES_BYTES
        fitting = APPEND_ENTRIES_BYTES // (mean or 2)
        self._window += fitting - self._window // BATCH_WINDOW
        self.entries = max(self._window // BATCH_WINDOW, 1)
