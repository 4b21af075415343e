"""The writes that are considered committed."""

from tests.lab.consistency.facts import gather
from tests.lab.consistency.order import CommittedOrder
from tests.lab.consistency.statuses import Verdicts
from tests.unit.lab.consistency.generated import generate


def test_the_committed_writes_are_those_of_the_ledger_that_were_answered() -> None:
    for seed in range(20):
        history = generate(seed)
        facts = gather(history.events)
        order = CommittedOrder(facts, Verdicts(facts.statuses))
        order.check()
        kept = {entry.op for entry in history.ledger or ()}
        assert set(order.committed) <= kept
        # Nobody may have asked about the latest, so some may be missing.
        assert len(order.committed) > 0.5 * len(kept & set(facts.writes))
