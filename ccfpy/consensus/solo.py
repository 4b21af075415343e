"""Consensus of a service with one trusted node: it alone is the quorum.

The rule is Raft's with CCF's gate: an entry is committed once a later *committable*
entry (a signature) of the current view is held by a quorum. With one node that is as
soon as the signature is appended.
"""

from ccfpy.base.ids import Seqno, View
from ccfpy.consensus.history import ViewHistory


class SoloConsensus:
    """The log's shape as one node sees it: its end, its last signature, its commit.

    Attributes:
        view: the view this node writes in.
        last_seqno: the end of the log.
        committable_seqno: the last signature.
        commit_seqno: everything up to here is final.
    """

    __slots__ = ("commit_seqno", "committable_seqno", "history", "last_seqno", "view")

    def __init__(self, *, view: View, last_seqno: Seqno = 0) -> None:
        self.view = view
        self.last_seqno = last_seqno
        self.committable_seqno = last_seqno
        self.commit_seqno = last_seqno
        self.history = ViewHistory()
        self.history.begin(view, last_seqno + 1)

    def append(self, seqno: Seqno, *, is_committable: bool) -> bool:
        """Take the next entry; tell whether it moved the commit."""
        assert seqno == self.last_seqno + 1, "entries are appended in order"
        self.last_seqno = seqno
        if is_committable:
            self.committable_seqno = seqno
            self.commit_seqno = seqno
        return is_committable

    @property
    def uncommitted(self) -> int:
        """How many entries are not yet final."""
        return self.last_seqno - self.commit_seqno
