"""How a broken property reads."""

from ccfpy.base.ids import TxId
from tests.lab.consistency.history import InLedger
from tests.lab.consistency.properties import (
    EVENTS_SHOWN_MAX,
    Inconsistent,
    Property,
)

EVENT = InLedger(txid=TxId(2, 1), key="a", op=1, count=1)


def test_a_few_events_are_shown_and_the_rest_counted() -> None:
    few = Inconsistent(Property.NOTHING_LOST, "why", [EVENT] * EVENTS_SHOWN_MAX)
    assert str(few).count('"in_ledger"') == EVENTS_SHOWN_MAX
    assert "more" not in str(few)
    many = Inconsistent(Property.NOTHING_LOST, "why", [EVENT] * (EVENTS_SHOWN_MAX + 1))
    assert str(many).count('"in_ledger"') == EVENTS_SHOWN_MAX
    assert str(many).endswith("and 1 more")
    assert len(many.events) == EVENTS_SHOWN_MAX + 1
