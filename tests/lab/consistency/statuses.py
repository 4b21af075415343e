"""What nodes said of transactions: final statuses, and what follows from them.

Within a view, what is committed is a prefix and what is invalid is the rest. A commit
in a view also ends every earlier view before that seqno. So a few statuses decide
many transactions: ``Verdicts`` answers for transactions that nobody asked about.
"""

from bisect import bisect_right
from collections.abc import Sequence

from ccfpy.base.ids import Seqno, TxId, View
from ccfpy.consensus.status import TxStatus
from tests.lab.consistency.facts import Facts
from tests.lab.consistency.history import StatusSeen
from tests.lab.consistency.properties import Inconsistent, Property

_FINAL = (TxStatus.COMMITTED, TxStatus.INVALID)


def check_final_statuses(facts: Facts) -> None:
    """Check that final statuses are final, for one node and for all together.

    Raises:
        Inconsistent: a status changed, or two statuses of one transaction differ.
    """
    final: dict[TxId, StatusSeen] = {}
    told: set[tuple[str, TxId]] = set()
    for seen in facts.statuses:
        if seen.status not in _FINAL:
            if (seen.node, seen.txid) in told:
                raise Inconsistent(
                    Property.FINAL_STATUS_KEPT,
                    f"{seen.node} took back what it had said of {seen.txid}",
                    [final[seen.txid], seen],
                )
            continue
        told.add((seen.node, seen.txid))
        before = final.setdefault(seen.txid, seen)
        if before.status is not seen.status:
            raise Inconsistent(
                Property.COMMITTED_OR_INVALID,
                f"{seen.txid} is both {before.status} and {seen.status}",
                [before, seen],
            )


class Verdicts:
    """Which transactions are committed or invalid, as reported or implied."""

    def __init__(self, statuses: Sequence[StatusSeen]) -> None:
        self._last_committed: dict[View, StatusSeen] = {}
        self._first_committed: dict[View, StatusSeen] = {}
        self._first_invalid: dict[View, StatusSeen] = {}
        for seen in statuses:
            view, seqno = seen.txid
            if seen.status is TxStatus.COMMITTED:
                last = self._last_committed.get(view)
                if last is None or seqno > last.txid.seqno:
                    self._last_committed[view] = seen
                first = self._first_committed.get(view)
                if first is None or seqno < first.txid.seqno:
                    self._first_committed[view] = seen
            elif seen.status is TxStatus.INVALID:
                first = self._first_invalid.get(view)
                if first is None or seqno < first.txid.seqno:
                    self._first_invalid[view] = seen
        self._views = sorted(self._first_committed)
        self._ends = self._ends_of_views()

    def _ends_of_views(self) -> list[Seqno]:
        """Return, by view, the first seqno committed in it or in a later view."""
        ends: list[Seqno] = []
        for view in reversed(self._views):
            first = self._first_committed[view].txid.seqno
            ends.append(min(first, ends[-1]) if ends else first)
        return ends[::-1]

    def is_committed(self, txid: TxId) -> bool:
        """Return whether it is known to be committed."""
        last = self._last_committed.get(txid.view)
        return last is not None and txid.seqno <= last.txid.seqno

    def is_invalid(self, txid: TxId) -> bool:
        """Return whether it is known to be lost."""
        view, seqno = txid
        first = self._first_invalid.get(view)
        if first is not None and seqno >= first.txid.seqno:
            return True
        later = bisect_right(self._views, view)
        return later < len(self._views) and seqno >= self._ends[later]

    def check(self) -> None:
        """Check that the statuses of different transactions fit together.

        Raises:
            Inconsistent: they do not.
        """
        for view, last in self._last_committed.items():
            lost = self._first_invalid.get(view)
            if lost is not None and lost.txid.seqno <= last.txid.seqno:
                raise Inconsistent(
                    Property.ONCE_COMMITTED_PREV_COMMITTED,
                    f"{last.txid} is committed, and {lost.txid} before it is not",
                    [lost, last],
                )
        highest: StatusSeen | None = None
        for view in self._views:
            first = self._first_committed[view]
            if highest is not None and highest.txid.seqno >= first.txid.seqno:
                raise Inconsistent(
                    Property.ONCE_COMMITTED_NEXT_INVALID,
                    f"{first.txid} is committed, and so is {highest.txid}, "
                    "which it displaced",
                    [highest, first],
                )
            last = self._last_committed[view]
            if highest is None or last.txid.seqno > highest.txid.seqno:
                highest = last
