"""How long a primary takes to sign, and how long until its signatures are final."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from ccfpy.base.histogram import Histogram
from ccfpy.base.ids import Seqno
from ccfpy.base.limits import SIGNATURES_TIMED_MAX
from ccfpy.boundary.metrics import TIME_EDGES_NS


class ReplicationNews(Protocol):
    """Says how far the ledger is final, and when its end is dropped."""

    def on_commit(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with every new commit."""
        ...

    def on_rollback(self, tell: Callable[[Seqno], None]) -> None:
        """Call ``tell`` with the last entry that stays, at every rollback."""
        ...


class SignatureTimes:
    """The times of one node's signatures.

    Args:
        now_ns: elapsed time.
        replication: says what becomes of signatures.

    Attributes:
        made_ns: how long signatures took to make and append.
        final_ns: how long signatures took to become final.
    """

    def __init__(
        self, now_ns: Callable[[], int], replication: "ReplicationNews"
    ) -> None:
        self._now_ns = now_ns
        self._pending: deque[tuple[Seqno, int]] = deque(maxlen=SIGNATURES_TIMED_MAX)
        self.made_ns = Histogram(TIME_EDGES_NS)
        self.final_ns = Histogram(TIME_EDGES_NS)
        replication.on_commit(self.committed)
        replication.on_rollback(self.rolled_back)

    def begin(self, seqno: Seqno) -> int:
        """Note that a signature is about to be made; return when."""
        now_ns = self._now_ns()
        self._pending.append((seqno, now_ns))
        return now_ns

    def made(self, began_ns: int) -> None:
        """Note that the signature is appended."""
        self.made_ns.observe(self._now_ns() - began_ns)

    def committed(self, seqno: Seqno) -> None:
        """Note that everything up to ``seqno`` is final."""
        pending = self._pending
        if pending and pending[0][0] <= seqno:
            now_ns = self._now_ns()
            while pending and pending[0][0] <= seqno:
                self.final_ns.observe(now_ns - pending.popleft()[1])

    def rolled_back(self, seqno: Seqno) -> None:
        """Forget the signatures after ``seqno``."""
        pending = self._pending
        while pending and pending[-1][0] > seqno:
            pending.pop()
