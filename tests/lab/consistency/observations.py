"""What answers show of objects, whatever became of their transactions."""

from typing import TYPE_CHECKING

from tests.lab.consistency.facts import Facts
from tests.lab.consistency.history import Answered, Op, Sent
from tests.lab.consistency.properties import Inconsistent, Property

if TYPE_CHECKING:
    from ccfpy.base.ids import TxId


def is_same_object(one: Answered, other: Answered) -> bool:
    """Return whether two answers can be about one object, at two moments.

    They can if they agree on every place that both show.
    """
    one_first, other_first = one.count - len(one.tail), other.count - len(other.tail)
    first = max(one_first, other_first)
    last = min(one.count, other.count)
    if first >= last:
        return True
    return (
        one.tail[first - one_first : last - one_first]
        == other.tail[first - other_first : last - other_first]
    )


def check_transactions(facts: Facts) -> None:
    """Check that one id names one write, and one view of each object.

    Raises:
        Inconsistent: an id names two.
    """
    writes: dict[TxId, Answered] = {}
    seen: dict[tuple[TxId, str], Answered] = {}
    for write in facts.writes.values():
        before = writes.setdefault(write.txid, write)
        if before is not write:
            raise Inconsistent(
                Property.UNIQUE_TXS,
                f"writes {before.op} and {write.op} are both {write.txid}",
                [before, write],
            )
        seen[write.txid, facts.key_of(write)] = write
    for read in facts.reads.values():
        before = seen.setdefault((read.txid, facts.key_of(read)), read)
        if before.count != read.count or not is_same_object(before, read):
            raise Inconsistent(
                Property.SAME_OBSERVATIONS,
                f"two views of one object as of {read.txid}",
                [before, read],
            )


def check_own_writes(facts: Facts) -> None:
    """Check that writers see what they wrote.

    Raises:
        Inconsistent: a writer does not.
    """
    for write in facts.writes.values():
        if not write.tail or write.tail[-1] != write.op or write.count < 1:
            raise Inconsistent(
                Property.OWN_WRITE_OBSERVED,
                f"the answer to write {write.op} does not end with it",
                [write],
            )


def check_observed(facts: Facts) -> None:
    """Check that objects show what was written to them, and each write once.

    Raises:
        Inconsistent: an object shows something else, or a write twice.
    """
    sent: dict[str, set[Op]] = {}
    for event in facts.events:
        if isinstance(event, Sent):
            if event.is_write:
                sent.setdefault(event.key, set()).add(event.op)
        elif isinstance(event, Answered):
            before = sent.get(facts.key_of(event), set())
            tail = event.tail
            if not before.issuperset(tail) or event.count > len(before):
                unsent = [op for op in tail if op not in before]
                what = unsent[0] if unsent else "more than"
                raise Inconsistent(
                    Property.ONLY_OBSERVE_SENT_REQUESTS,
                    f"request {event.op} was answered with {what} "
                    f"{'before it' if unsent else 'what'} was sent",
                    [event],
                )
            if len(set(tail)) != len(tail):
                raise Inconsistent(
                    Property.AT_MOST_ONCE_OBSERVED,
                    f"request {event.op} was answered with one write twice",
                    [event],
                )
