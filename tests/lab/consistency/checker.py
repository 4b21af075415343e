"""The checker: a history in, the first property that does not hold out.

Transaction ids give the order, so the checker sorts and searches for nothing. A write
without an answer, or without a known final status, may have happened or not: it may be
between other writes, and contradicts nothing.
"""

from dataclasses import dataclass

from tests.lab.consistency.facts import gather
from tests.lab.consistency.history import History
from tests.lab.consistency.ledgers import check_ledger
from tests.lab.consistency.observations import (
    check_observed,
    check_own_writes,
    check_transactions,
)
from tests.lab.consistency.order import CommittedOrder
from tests.lab.consistency.statuses import Verdicts, check_final_statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How much a history held.

    Attributes:
        events: everything that clients saw.
        writes: writes that were sent.
        committed: of these, known to be committed.
        invalid: known to be lost.
        unknown: neither, because no answer or no final status came.
        reads: reads that were answered.
    """

    events: int
    writes: int
    committed: int
    invalid: int
    unknown: int
    reads: int


def check(history: History) -> Checked:
    """Check every property of a history.

    Raises:
        Inconsistent: the first property that is broken, with the events that show it.
    """
    facts = gather(history.events)
    check_transactions(facts)
    check_own_writes(facts)
    check_observed(facts)
    check_final_statuses(facts)
    verdicts = Verdicts(facts.statuses)
    order = CommittedOrder(facts, verdicts)
    order.check()
    if history.ledger is not None:
        check_ledger(facts, order.committed, verdicts, history.ledger)
    writes = sum(request.is_write for request in facts.requests.values())
    committed = len(order.committed)
    invalid = sum(verdicts.is_invalid(write.txid) for write in facts.writes.values())
    return Checked(
        events=len(history.events),
        writes=writes,
        committed=committed,
        invalid=invalid,
        unknown=writes - committed - invalid,
        reads=len(facts.reads),
    )
