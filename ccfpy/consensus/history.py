"""Where each view began: the map from a seqno to the view that wrote it.

Views count from 1. A view that wrote nothing starts where the next one does, so a
service's first view, 2, leaves view 1 with the same start (``src/consensus/aft``).
"""

from bisect import bisect_right
from collections.abc import Sequence

from ccfpy.base.ids import Seqno, TxId, View


class ViewHistory:
    """The first seqno of every view, in order."""

    __slots__ = ("_starts",)

    def __init__(self, starts: Sequence[Seqno] = ()) -> None:
        self._starts = list(starts)

    @property
    def starts(self) -> tuple[Seqno, ...]:
        """The first seqno of views 1, 2, …, as snapshots store it."""
        return tuple(self._starts)

    @property
    def latest(self) -> View:
        """The newest view that wrote anything; 0 if none did."""
        return len(self._starts)

    def begin(self, view: View, at: Seqno) -> None:
        """Record that ``view`` writes from seqno ``at`` on."""
        assert len(self._starts) < view, "a view begins once"
        self._starts += [at] * (view - len(self._starts))

    def note(self, view: View, at: Seqno) -> None:
        """Record that ``view`` wrote ``at``, unless ``view`` is known to have begun."""
        if view > len(self._starts):
            self.begin(view, at)

    def view_of(self, seqno: Seqno) -> View:
        """Return the view that wrote ``seqno``; 0 before the first."""
        starts = self._starts
        if starts and seqno >= starts[-1]:
            return len(starts)
        return bisect_right(starts, seqno)

    def start_of(self, view: View) -> Seqno:
        """Return the first seqno of ``view``, which has written something."""
        return self._starts[view - 1]

    def end_of(self, view: View) -> Seqno | None:
        """Return the last seqno of ``view``, if a later view follows."""
        return self._starts[view] - 1 if 0 < view < len(self._starts) else None

    def rollback(self, to: Seqno) -> None:
        """Forget views that began after ``to``."""
        while self._starts and self._starts[-1] > to:
            self._starts.pop()

    def first_of_each(self, since: View) -> list[TxId] | None:
        """List the first transaction of each view from ``since``.

        Gives ``None`` for a view that has not begun.
        """
        if since > len(self._starts):
            return None
        return [
            TxId(view, self._starts[view - 1])
            for view in range(since, len(self._starts) + 1)
        ]
