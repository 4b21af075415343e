"""What a service promises its clients, by name, and the error for a broken promise.

Most names are those of CCF's own model of consistency (``tla/consistency``). What it
promises of committed writes is *ordered speculative linearizability*: they happened
one after another in the order of their transaction ids, and that order is the one that
clients saw, a write having happened between its request and its *first* answer, which
comes before it is committed.

Not promised, and so not here: that a read sees the latest committed write. Where there
are several nodes, a former primary that does not know of its successor yet may answer;
a committed read is serializable and no more.
"""

from collections.abc import Sequence
from enum import StrEnum

from ccfpy.base.errors import CcfpyError
from tests.lab.consistency.history import Line, to_line

EVENTS_SHOWN_MAX = 6


class Property(StrEnum):
    """What must hold, in the order of the checks: each builds on those before it."""

    UNIQUE_TX_REQUESTS = "UniqueTxRequests"
    """No request is sent twice, and no two answers come to one."""
    ALL_RECEIVED_IS_FIRST_SENT = "AllReceivedIsFirstSent"
    """An answer follows its request."""
    UNIQUE_TXS = "UniqueTxs"
    """No two writes have one transaction id."""
    SAME_OBSERVATIONS = "SameObservations"
    """Whoever has seen an object as of one transaction has seen the same."""
    OWN_WRITE_OBSERVED = "OwnWriteObserved"
    """A write's answer ends with that write."""
    ONLY_OBSERVE_SENT_REQUESTS = "OnlyObserveSentRequests"
    """What is seen in an object has been sent to it before."""
    AT_MOST_ONCE_OBSERVED = "AtMostOnceObserved"
    """Nothing is seen in an object twice."""
    FINAL_STATUS_KEPT = "FinalStatusKept"
    """A node that called a transaction Committed or Invalid does so ever after."""
    COMMITTED_OR_INVALID = "CommittedOrInvalid"
    """No transaction is Committed to one client and Invalid to another."""
    UNIQUE_SEQNOS_COMMITTED = "UniqueSeqNumsCommitted"
    """No two committed writes have one seqno."""
    ONCE_COMMITTED_PREV_COMMITTED = "OnceCommittedPrevCommitted"
    """Nothing before a committed transaction of its view is Invalid.

    Said from the other end, this is the model's OnceInvalidNextInvalid.
    """
    ONCE_COMMITTED_NEXT_INVALID = "OnceCommittedNextInvalid"
    """Nothing of an earlier view that comes later in the ledger is Committed."""
    ALL_COMMITTED_OBSERVED = "AllCommittedObserved"
    """A committed write sees every one that was answered before it was sent."""
    COMMITTED_RW_SERIALIZABLE = "CommittedRwSerializable"
    """Of two committed writes one has seen what the other has, and in its order."""
    INVALID_NOT_OBSERVED_BY_COMMITTED = "InvalidNotObservedByCommitted"
    """No committed write has seen an invalid one."""
    COMMITTED_RW_ORDERED_SERIALIZABLE = "CommittedRwOrderedSerializable"
    """Committed writes have seen each other in the order of their transaction ids."""
    COMMITTED_RW_ORDERED_REAL_TIME = "CommittedRwOrderedRealTime"
    """A committed write has a higher id than all that were answered before it was sent.

    Answered is enough: that comes before committed.
    """
    COMMITTED_RO_SERIALIZABLE = "CommittedRoSerializable"
    """A committed read has seen what its transaction id says: no more and no less."""
    ONLY_SENT_IN_LEDGER = "OnlySentInLedger"
    """The ledger holds what was sent."""
    NOTHING_LOST = "NothingLost"
    """The ledger holds every committed write."""
    NOTHING_DUPLICATED = "NothingDuplicated"
    """The ledger holds no write twice."""
    NOTHING_INVALID_KEPT = "NothingInvalidKept"
    """The ledger holds no invalid write."""
    NOTHING_REORDERED = "NothingReordered"
    """The ledger holds writes where, and after what, their answers said."""
    LINEARIZABLE = "Linearizable"
    """Each call of etcd happened between its request and its answer."""
    REFUSED_NOT_OBSERVED = "RefusedNotObserved"
    """Nobody sees a write that was refused because its comparison failed."""
    LAST_READ_COMPLETE = "LastReadComplete"
    """Once faults are over, every node shows every committed write, in its place."""
    LAST_READ_ONCE = "LastReadOnce"
    """Then no object has more writes than can have happened."""
    LAST_READ_SAME = "LastReadSame"
    """Then all nodes show the same of each object."""
    WATCH_ORDERED = "WatchOrdered"
    """A watcher is told of revisions in their order."""
    WATCH_UNIQUE = "WatchUnique"
    """A watcher is told no event twice."""
    WATCH_RELIABLE = "WatchReliable"
    """A watcher is told of every revision, and of every event of each."""
    WATCH_TRUE = "WatchTrue"
    """What a watcher is told is what was written, and what reads show."""
    LEASE_LASTS = "LeaseLasts"
    """A lease that is kept alive keeps its keys."""
    LEASE_ENDS = "LeaseEnds"
    """A lease that nobody renews is gone, with its keys, soon after its time."""
    UNIQUE_KEY_IV = "UniqueKeyIv"
    """No two entries, of whatever node, were encrypted under one key and IV."""


class Inconsistent(CcfpyError):
    """A property does not hold.

    Attributes:
        broken: the property.
        events: what contradicts it.
    """

    def __init__(
        self, broken: Property, reason: str, events: Sequence[Line] = ()
    ) -> None:
        shown = [to_line(event).decode().strip() for event in events]
        if len(shown) > EVENTS_SHOWN_MAX:
            rest = len(shown) - EVENTS_SHOWN_MAX
            shown = [*shown[:EVENTS_SHOWN_MAX], f"and {rest} more"]
        super().__init__("\n  ".join([f"{broken}: {reason}", *shown]))
        self.broken = broken
        self.events = tuple(events)
