"""The shape of a node's log: its end, its views, its signatures and its commit.

Entries themselves are elsewhere. Only a *committable* entry, a signature, can become
the commit; what follows the last one may be taken back without anybody noticing.
"""

from collections import deque
from collections.abc import Sequence

from ccfpy.base.ids import Seqno, TxId, View, transaction_id
from ccfpy.consensus.history import ViewHistory


class Log:
    """Where the log ends, where its views began, what is signed and what is final.

    Attributes:
        last_seqno: the end of the log.
        commit_seqno: everything up to here is final.
        history: where each view began.
    """

    __slots__ = (
        "_committables",
        "_named",
        "_named_seqno",
        "_named_view",
        "commit_seqno",
        "history",
        "last_seqno",
    )

    def __init__(
        self,
        *,
        starts: Sequence[Seqno] = (),
        last_seqno: Seqno = 0,
        commit_seqno: Seqno = 0,
    ) -> None:
        assert commit_seqno <= last_seqno, "what is committed is in the log"
        self.history = ViewHistory(starts)
        self.last_seqno = last_seqno
        self.commit_seqno = commit_seqno
        self._committables: deque[Seqno] = deque()
        # Reads ask for the id of the last entry again and again.
        self._named_view, self._named_seqno = 0, 0
        self._named = transaction_id(0, 0)

    @property
    def committables(self) -> tuple[Seqno, ...]:
        """The signatures after the commit."""
        return tuple(self._committables)

    @property
    def last_committable(self) -> TxId:
        """The last signature, or else the commit: what a candidate boasts of."""
        seqno = self._committables[-1] if self._committables else self.commit_seqno
        return transaction_id(self.view_of(seqno), seqno)

    @property
    def has_committables(self) -> bool:
        """Whether there is a signature after the commit."""
        return bool(self._committables)

    @property
    def unsigned(self) -> int:
        """How many entries follow the last signature."""
        signed = self._committables[-1] if self._committables else self.commit_seqno
        return self.last_seqno - signed

    def view_of(self, seqno: Seqno) -> View:
        """Return the view that wrote ``seqno``; 0 where the log has nothing."""
        return self.history.view_of(seqno) if seqno <= self.last_seqno else 0

    def tx_id(self, seqno: Seqno) -> TxId:
        """Return the id of the entry at ``seqno``; asked again, the same object."""
        view = self.view_of(seqno)
        if seqno != self._named_seqno or view != self._named_view:
            self._named_view, self._named_seqno = view, seqno
            self._named = transaction_id(view, seqno)
        return self._named

    def append(self, view: View, *, is_committable: bool) -> None:
        """Add one entry of ``view`` to the end."""
        seqno = self.last_seqno = self.last_seqno + 1
        self.history.note(view, seqno)
        if is_committable:
            self._committables.append(seqno)

    def committable_up_to(self, seqno: Seqno) -> Seqno | None:
        """Return the last uncommitted signature not after ``seqno``."""
        return next((s for s in reversed(self._committables) if s <= seqno), None)

    def commit(self, to: Seqno) -> None:
        """Make the signature at ``to``, and all before it, final."""
        assert self.commit_seqno < to <= self.last_seqno, "a commit moves forward"
        while self._committables and self._committables[0] <= to:
            self._committables.popleft()
        self.commit_seqno = to

    def rollback(self, to: Seqno) -> None:
        """Forget what follows ``to``."""
        assert self.commit_seqno <= to <= self.last_seqno, "what is final stays"
        self.last_seqno = to
        self.history.rollback(to)
        while self._committables and self._committables[-1] > to:
            self._committables.pop()

    def end_of_run(self, start: Seqno) -> Seqno:
        """Return the last seqno of the view that wrote ``start``."""
        end = self.history.end_of(self.history.view_of(start))
        return self.last_seqno if end is None else end

    def best_match(self, other: TxId) -> Seqno:
        """Return the last seqno at which a log with ``other`` may agree with ours.

        From the lower of both ends, whole views are skipped while ours is too new: what
        another log has at that point or before is of ``other.view`` or older.
        """
        probe = min(other.seqno, self.last_seqno)
        view = self.view_of(probe)
        while view > other.view:
            probe = self.history.start_of(view) - 1
            view = self.view_of(probe)
        return probe
