"""The order of committed writes: by what they saw, by transaction id, and in time."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

from tests.lab.consistency.facts import Facts
from tests.lab.consistency.history import Answered, Op, Sent
from tests.lab.consistency.observations import is_same_object
from tests.lab.consistency.properties import Inconsistent, Property
from tests.lab.consistency.statuses import Verdicts

if TYPE_CHECKING:
    from ccfpy.base.ids import Seqno

_by_txid = attrgetter("txid")
_by_count = attrgetter("count")


class CommittedOrder:
    """The committed writes of a history, and the checks of their order.

    Args:
        facts: the history.
        verdicts: what is known of its transactions.
    """

    def __init__(self, facts: Facts, verdicts: Verdicts) -> None:
        self._facts = facts
        self._verdicts = verdicts
        self.committed: Mapping[Op, Answered] = {
            op: write
            for op, write in facts.writes.items()
            if verdicts.is_committed(write.txid)
        }
        self._objects: dict[str, list[Answered]] = {}
        for write in sorted(self.committed.values(), key=_by_txid):
            self._objects.setdefault(facts.key_of(write), []).append(write)

    def check(self) -> None:
        """Check everything.

        Raises:
            Inconsistent: the first property that does not hold.
        """
        self._seqnos()
        self._verdicts.check()
        self._all_committed_observed()
        self._serializable()
        self._invalid_not_observed()
        self._ordered()
        self._real_time()
        self._reads()

    def _seqnos(self) -> None:
        places: dict[Seqno, Answered] = {}
        for write in self.committed.values():
            before = places.setdefault(write.txid.seqno, write)
            if before is not write:
                raise Inconsistent(
                    Property.UNIQUE_SEQNOS_COMMITTED,
                    f"writes {before.op} and {write.op} are both committed, at one "
                    "seqno",
                    [before, write],
                )

    def _all_committed_observed(self) -> None:
        """Check that each saw the latest write that it must have seen.

        The earlier writes follow from that one and the order of all.
        """
        latest: dict[str, Answered] = {}
        committed = self.committed
        for event in self._facts.events:
            if isinstance(event, Sent):
                write = committed.get(event.op)
                before = latest.get(event.key)
                if write is None or before is None:
                    continue
                place = before.count - 1 - (write.count - len(write.tail))
                if place >= len(write.tail) or (
                    place >= 0 and write.tail[place] != before.op
                ):
                    raise Inconsistent(
                        Property.ALL_COMMITTED_OBSERVED,
                        f"write {write.op} has not seen {before.op}, which was "
                        "answered before it was sent; both are committed",
                        [before, event, write],
                    )
            elif isinstance(event, Answered) and event.op in committed:
                key = self._facts.key_of(event)
                if key not in latest or event.count > latest[key].count:
                    latest[key] = event

    def _serializable(self) -> None:
        for writes in self._objects.values():
            ordered = sorted(writes, key=_by_count)
            for before, write in pairwise(ordered):
                if before.count == write.count or not is_same_object(before, write):
                    raise Inconsistent(
                        Property.COMMITTED_RW_SERIALIZABLE,
                        f"committed writes {before.op} and {write.op} have seen one "
                        "object differently",
                        [before, write],
                    )

    def _invalid_not_observed(self) -> None:
        verdicts, facts = self._verdicts, self._facts
        lost = {
            op for op, write in facts.writes.items() if verdicts.is_invalid(write.txid)
        }
        if not lost:
            return
        for write in self.committed.values():
            if not lost.isdisjoint(write.tail):
                found = next(op for op in write.tail if op in lost)
                raise Inconsistent(
                    Property.INVALID_NOT_OBSERVED_BY_COMMITTED,
                    f"committed write {write.op} has seen invalid write {found}",
                    [facts.writes[found], write],
                )

    def _ordered(self) -> None:
        """Check that objects grow by id, with only writes of unknown end between."""
        open_ends = self._open_ends()
        for key, writes in self._objects.items():
            if writes[-1].count - len(writes) > open_ends.get(key, 0):
                raise Inconsistent(
                    Property.COMMITTED_RW_ORDERED_SERIALIZABLE,
                    f"{key} has had {writes[-1].count} writes, of which {len(writes)} "
                    f"are committed and only {open_ends.get(key, 0)} have no known end",
                    [writes[-1]],
                )
            for before, write in pairwise(writes):
                if write.count <= before.count:
                    raise Inconsistent(
                        Property.COMMITTED_RW_ORDERED_SERIALIZABLE,
                        f"committed write {write.op} has a higher id than {before.op} "
                        "and has not seen it",
                        [before, write],
                    )
                between = write.count - before.count - 1
                if between:
                    self._between(before, write, between)

    def _open_ends(self) -> Mapping[str, int]:
        """Count, by object, the writes whose end is unknown."""
        counts: dict[str, int] = {}
        for op, request in self._facts.requests.items():
            answer = self._facts.writes.get(op)
            if request.is_write and (
                answer is None
                or not (op in self.committed or self._verdicts.is_invalid(answer.txid))
            ):
                counts[request.key] = counts.get(request.key, 0) + 1
        return counts

    def _between(self, before: Answered, write: Answered, count: int) -> None:
        """Check that writes without a known end can account for a gap."""
        shown = write.tail[-1 - count : -1] if count < len(write.tail) else ()
        answers = [self._facts.writes[op] for op in shown if op in self._facts.writes]
        misplaced = [
            answer
            for answer in answers
            if answer.op in self.committed
            or not before.txid < answer.txid < write.txid
            or not is_same_object(answer, write)
        ]
        if misplaced:
            raise Inconsistent(
                Property.COMMITTED_RW_ORDERED_SERIALIZABLE,
                f"between committed writes {before.op} and {write.op} is seen one "
                "that was answered with another place",
                [before, misplaced[0], write],
            )

    def _real_time(self) -> None:
        latest: Answered | None = None
        committed = self.committed
        for event in self._facts.events:
            if isinstance(event, Sent):
                write = committed.get(event.op)
                if latest is None or write is None or write.txid > latest.txid:
                    continue
                raise Inconsistent(
                    Property.COMMITTED_RW_ORDERED_REAL_TIME,
                    f"write {write.op} was sent after {latest.op} was answered, and "
                    "is committed before it",
                    [latest, event, write],
                )
            if (
                isinstance(event, Answered)
                and event.op in committed
                and (latest is None or event.txid > latest.txid)
            ):
                latest = event

    def _reads(self) -> None:
        for read in self._facts.reads.values():
            if self._verdicts.is_committed(read.txid):
                writes = self._objects.get(self._facts.key_of(read), [])
                self._read(read, writes)

    @staticmethod
    def _read(read: Answered, writes: Sequence[Answered]) -> None:
        place = bisect_right(writes, read.txid, key=_by_txid)
        before = writes[place - 1] if place else None
        after = writes[place] if place < len(writes) else None
        if before is not None and (
            read.count < before.count or not is_same_object(read, before)
        ):
            raise Inconsistent(
                Property.COMMITTED_RO_SERIALIZABLE,
                f"a read as of {read.txid} has not seen committed write {before.op}",
                [before, read],
            )
        if after is not None and (
            read.count >= after.count or not is_same_object(read, after)
        ):
            raise Inconsistent(
                Property.COMMITTED_RO_SERIALIZABLE,
                f"a read as of {read.txid} has seen what committed write {after.op}, "
                "which comes later, has not",
                [read, after],
            )
